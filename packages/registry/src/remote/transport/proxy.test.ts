import {
  createServer as createHttpServer,
  type IncomingHttpHeaders,
  request as requestHttp,
  type Server,
} from "node:http";
import { createServer as createHttpsServer } from "node:https";
import {
  type AddressInfo,
  connect,
  createServer as createTcpServer,
  type Socket,
  type Server as TcpServer,
} from "node:net";
import type { Dispatcher } from "undici";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { CertificateAuthority, canMakeCertificates, type KeyPair } from "../../../../../tests/support/certificates.ts";
import { expectCode } from "../../testing/contract-support.ts";
import { basicHeader } from "../auth/basic.ts";
import { createRegistry } from "../create-registry.ts";
import { exchange } from "../exchange.ts";
import { createTransport, type Transport, type TransportParts } from "./create-transport.ts";

if (!canMakeCertificates) console.warn("remote/transport/proxy: https skipped, openssl is not installed");

async function listen(server: Server | TcpServer): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    if ("closeAllConnections" in server) server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

interface Seen {
  /** `CONNECT host:port`, or the method with the absolute URL. */
  readonly line: string;
  readonly headers: IncomingHttpHeaders;
}

interface ProxyOptions {
  /** Every name leads to this port: no name has to resolve here. */
  readonly to: number;
  /** What `Proxy-Authorization` has to say. */
  readonly authorization?: string;
  /** Answered to CONNECT. */
  readonly status?: number;
  readonly tls?: KeyPair;
}

/** A proxy that lives as long as the test. */
async function startProxy({ to, authorization, status = 200, tls }: ProxyOptions) {
  const seen: Seen[] = [];
  const server = tls ? createHttpsServer(tls) : createHttpServer();
  const isAllowed = (headers: IncomingHttpHeaders) =>
    authorization === undefined || headers["proxy-authorization"] === authorization;
  const sockets = new Set<Socket>();
  server.on("connect", ({ url, headers }, socket: Socket) => {
    seen.push({ line: `CONNECT ${url}`, headers });
    sockets.add(socket.on("error", () => {}));
    const answered = isAllowed(headers) ? status : 407;
    if (answered !== 200) {
      socket.end(`HTTP/1.1 ${answered} No\r\ncontent-length: 0\r\n\r\n`);
      return;
    }
    const upstream = connect(to, "127.0.0.1", () => {
      socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
      socket.pipe(upstream).pipe(socket);
    });
    sockets.add(upstream.on("error", () => {}));
  });
  server.on("request", (incoming, outgoing) => {
    const { method, url = "", headers } = incoming;
    seen.push({ line: `${method} ${url}`, headers });
    if (!isAllowed(headers)) {
      outgoing.writeHead(407).end("no");
      return;
    }
    const { pathname, search } = new URL(url);
    const { "proxy-authorization": _own, ...passed } = headers;
    const target = { host: "127.0.0.1", port: to, method, path: `${pathname}${search}`, headers: passed };
    incoming.pipe(
      requestHttp(target, (response) => {
        outgoing.writeHead(response.statusCode ?? 500, response.headers);
        response.pipe(outgoing);
      }),
    );
  });
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
  });
  return { port: await listen(server), seen };
}

/** A registry that answers with its own name, and remembers the headers it got. */
async function startOrigin(tls?: KeyPair) {
  const headers: IncomingHttpHeaders[] = [];
  const server = tls ? createHttpsServer(tls) : createHttpServer();
  server.on("request", (request, response) => {
    headers.push(request.headers);
    request.resume().on("end", () => response.end(`${request.method} ${request.headers.host}${request.url}`));
  });
  return { port: await listen(server), headers };
}

function aTransport(
  parts: Omit<TransportParts, "connections" | "connectTimeoutMs"> & Partial<TransportParts>,
): Transport {
  const transport = createTransport({ connections: 2, connectTimeoutMs: 5000, env: {}, ...parts });
  onTestFinished(() => transport.destroy());
  return transport;
}

async function send(transport: Dispatcher, url: string, body?: Uint8Array, signal?: AbortSignal): Promise<string> {
  const { host } = new URL(url);
  const chunks: Buffer[] = [];
  const request = {
    method: body ? ("PUT" as const) : ("GET" as const),
    url: new URL(url),
    headers: { authorization: "Bearer for-the-registry" },
    body,
    operation: { registry: host, reference: "app", what: "read app" },
    idleTimeoutMs: 5000,
    signal,
  };
  const { status } = await exchange(transport, request, () => (chunk) => void chunks.push(Buffer.from(chunk)));
  return `${status} ${Buffer.concat(chunks)}`;
}

describe("a registry over plain HTTP behind a proxy", () => {
  const origin = new URL("http://registry.test:5000");

  test("is asked with the whole URL, body and all", async () => {
    const registry = await startOrigin();
    const proxy = await startProxy({ to: registry.port });
    const transport = aTransport({ origin, options: { proxy: `http://127.0.0.1:${proxy.port}` } });
    expect(await send(transport, `${origin}v2/?n=1`)).toBe("200 GET registry.test:5000/v2/?n=1");
    expect(await send(transport, `${origin}v2/app`, new Uint8Array(100_000))).toBe("200 PUT registry.test:5000/v2/app");
    expect(proxy.seen.map(({ line }) => line)).toEqual([
      "GET http://registry.test:5000/v2/?n=1",
      "PUT http://registry.test:5000/v2/app",
    ]);
  });

  test("never sees the proxy's credentials", async () => {
    const registry = await startOrigin();
    const authorization = `Basic ${Buffer.from("me:p@ss").toString("base64")}`;
    const proxy = await startProxy({ to: registry.port, authorization });
    const transport = aTransport({ origin, options: { proxy: `http://me:p%40ss@127.0.0.1:${proxy.port}` } });
    expect(await send(transport, `${origin}v2/`)).toContain("200");
    expect(proxy.seen[0]?.headers["proxy-authorization"]).toBe(authorization);
    expect(registry.headers).toHaveLength(1);
    expect(registry.headers[0]).not.toHaveProperty("proxy-authorization");
    expect(registry.headers[0]?.authorization).toBe("Bearer for-the-registry");
  });

  test("is not blamed when the proxy wants credentials", async () => {
    const registry = await startOrigin();
    const proxy = await startProxy({ to: registry.port, authorization: "Basic other" });
    const transport = aTransport({ origin, options: { proxy: `http://me:secret@127.0.0.1:${proxy.port}` } });
    await expect(send(transport, `${origin}v2/`)).rejects.toMatchObject({
      code: "NETWORK",
      message: `cannot read app: the proxy 127.0.0.1:${proxy.port} wants other credentials (407) (registry.test:5000, PROXY_AUTH_REQUIRED)`,
      details: { registry: "registry.test:5000", reason: "PROXY_AUTH_REQUIRED" },
    });
    expect(registry.headers).toEqual([]);
  });

  test("is not blamed when there is no proxy", async () => {
    const port = await freePort();
    const transport = aTransport({ origin, options: { proxy: `http://me:secret@127.0.0.1:${port}` } });
    await expect(send(transport, `${origin}v2/`)).rejects.toMatchObject({
      code: "NETWORK",
      message: expect.stringMatching(
        new RegExp(`^[^@]*the proxy 127.0.0.1:${port} cannot be reached \\(ECONNREFUSED\\)[^@]*$`),
      ),
      details: { reason: "PROXY_UNREACHABLE" },
    });
  });
});

describe("a proxy out of the environment", () => {
  const origin = new URL("http://registry.test:5000");

  test("is used for the hosts that NO_PROXY does not name", async () => {
    const registry = await startOrigin();
    const proxy = await startProxy({ to: registry.port });
    const env = { HTTP_PROXY: `http://127.0.0.1:${proxy.port}`, NO_PROXY: ".internal" };
    const transport = aTransport({ origin, options: {}, env });
    expect(await send(transport, `${origin}v2/`)).toContain("200");
    expect(proxy.seen).toHaveLength(1);
    // no such host: whoever looks it up goes around the proxy
    await expect(send(transport, "http://cdn.internal/v2/")).rejects.toMatchObject({ code: "NETWORK" });
    expect(proxy.seen).toHaveLength(1);
  });

  test("is passed by on the way to loopback", async () => {
    const registry = await startOrigin();
    const proxy = await startProxy({ to: registry.port });
    const env = { http_proxy: `http://127.0.0.1:${proxy.port}` };
    const local = new URL(`http://127.0.0.1:${registry.port}`);
    expect(await send(aTransport({ origin: local, options: {}, env }), `${local}v2/`)).toContain("200");
    expect(proxy.seen).toEqual([]);
  });

  test("has no lane that leads past it", () => {
    const env = { HTTP_PROXY: "http://127.0.0.1:1", HTTPS_PROXY: "http://127.0.0.1:1", NO_PROXY: "spared.test" };
    const byEnvironment = aTransport({ origin, options: {}, env });
    const byOption = aTransport({ origin, options: { proxy: "http://127.0.0.1:1" } });
    const byNone = aTransport({ origin, options: { proxy: false }, env });
    for (const scheme of ["http", "https"]) {
      const hosts = ["registry.test:5000", "storage.test", "spared.test"];
      const withLane = (transport: Transport) =>
        hosts.filter((host) => transport.laneTo(new URL(`${scheme}://${host}/`)) !== undefined);
      expect(withLane(byEnvironment)).toEqual(["spared.test"]);
      expect(withLane(byOption)).toEqual([]);
      expect(withLane(byNone)).toEqual(["registry.test:5000", "storage.test", "spared.test"]);
    }
  });

  test("gives way to the one that is told, and to none", async () => {
    const registry = await startOrigin();
    const [mine, theirs] = [await startProxy({ to: registry.port }), await startProxy({ to: registry.port })];
    const env = { http_proxy: `http://127.0.0.1:${theirs.port}`, no_proxy: "*" };
    const options = { proxy: `127.0.0.1:${mine.port}` };
    const local = new URL(`http://127.0.0.1:${registry.port}`);
    expect(await send(aTransport({ origin: local, options, env }), `${local}v2/`)).toContain("200");
    const hosts = { "127.0.0.1": { proxy: false as const } };
    expect(await send(aTransport({ origin: local, options, hosts, env }), `${local}v2/`)).toContain("200");
    expect([mine.seen.length, theirs.seen.length, registry.headers.length]).toEqual([1, 0, 2]);
  });

  test("ends what needs it when it is no proxy, and shows nothing of it", async () => {
    const env = { http_proxy: "socks5://me:secret@proxy.internal" };
    const transport = aTransport({ origin, options: {}, env });
    await expect(send(transport, `${origin}v2/`)).rejects.toMatchObject({
      code: "UNSUPPORTED",
      message: expect.not.stringContaining("secret"),
    });
  });
});

describe.skipIf(!canMakeCertificates)("a registry over TLS behind a proxy", () => {
  const origin = new URL("https://registry.test");
  let authority: CertificateAuthority;
  let pair: KeyPair;
  let ca: string;

  beforeAll(() => {
    authority = new CertificateAuthority();
    ca = authority.cert;
    pair = authority.issue({ altNames: "DNS:registry.test,DNS:localhost,IP:127.0.0.1" });
  });
  afterAll(() => authority[Symbol.dispose]());

  test("is spoken to in a tunnel, and knows nothing of the proxy", async () => {
    const registry = await startOrigin(pair);
    const authorization = `Basic ${Buffer.from("me:secret").toString("base64")}`;
    const proxy = await startProxy({ to: registry.port, authorization });
    const options = { ca, proxy: `http://me:secret@127.0.0.1:${proxy.port}` };
    const transport = aTransport({ origin, options, connections: 1 });
    expect(await send(transport, `${origin}v2/`)).toBe("200 GET registry.test/v2/");
    expect(await send(transport, `${origin}v2/app`, new Uint8Array(100_000))).toBe("200 PUT registry.test/v2/app");
    expect(proxy.seen.map(({ line }) => line)).toEqual(["CONNECT registry.test:443"]);
    expect(proxy.seen[0]?.headers).toMatchObject({ host: "registry.test:443", "proxy-authorization": authorization });
    expect(proxy.seen[0]?.headers).not.toHaveProperty("authorization");
    expect(registry.headers[0]).not.toHaveProperty("proxy-authorization");
  });

  test("is not shown what the registry of its name in plain HTTP is shown", async () => {
    const secure = await startOrigin(pair);
    const shown: (string | undefined)[] = [];
    const proxy = createHttpServer(({ headers }, response) => {
      shown.push(headers.authorization);
      const asks = { "www-authenticate": 'Basic realm="registry"' };
      if (headers.authorization === undefined) response.writeHead(401, asks).end();
      else response.writeHead(307, { location: "https://registry.test/" }).end();
    });
    proxy.on("connect", (_request, socket: Socket) => {
      const upstream = connect(secure.port, "127.0.0.1", () => {
        socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
        socket.pipe(upstream).pipe(socket);
      });
    });
    const credentials = { username: "robot", password: "secret" };
    const options = {
      insecure: true,
      ca: authority.cert,
      proxy: `http://127.0.0.1:${await listen(proxy)}`,
      credentials,
    };
    await using registry = createRegistry("registry.test", { ...options, attempts: 1 });
    await expectCode(registry.repository("app").manifest("v1"), "PROTOCOL"); // what is there is no manifest
    expect(shown).toEqual([undefined, basicHeader(credentials)]);
    expect(secure.headers.map(({ authorization }) => authorization)).toEqual([undefined]);
  });

  test("has no more tunnels than connections", async () => {
    const registry = await startOrigin(pair);
    const proxy = await startProxy({ to: registry.port });
    const transport = aTransport({ origin, options: { ca, proxy: `127.0.0.1:${proxy.port}` }, connections: 2 });
    await Promise.all(Array.from({ length: 9 }, () => send(transport, `${origin}v2/`)));
    expect(registry.headers).toHaveLength(9);
    expect(proxy.seen.length).toBeLessThanOrEqual(2);
  });

  test("is verified through the tunnel as without it", async () => {
    const registry = await startOrigin(pair);
    const proxy = await startProxy({ to: registry.port });
    const options = { proxy: `127.0.0.1:${proxy.port}` };
    await expect(send(aTransport({ origin, options }), `${origin}v2/`)).rejects.toMatchObject({
      code: "TLS",
      details: { registry: "registry.test", reason: "UNABLE_TO_VERIFY_LEAF_SIGNATURE" },
    });
    const other = new URL("https://other.test");
    await expect(send(aTransport({ origin: other, options: { ...options, ca } }), `${other}v2/`)).rejects.toMatchObject(
      { code: "TLS", details: { reason: "ERR_TLS_CERT_ALTNAME_INVALID" } },
    );
    expect(await send(aTransport({ origin, options: { ...options, tlsSkipVerify: true } }), `${origin}v2/`)).toContain(
      "200",
    );
  });

  test.for([
    [407, "PROXY_AUTH_REQUIRED"],
    [403, "PROXY_DENIED"],
    [502, "PROXY_FAILED"],
    [429, "PROXY_FAILED"],
  ] as const)("is not blamed when the proxy answers %i", async ([status, reason]) => {
    const proxy = await startProxy({ to: 1, status });
    const transport = aTransport({ origin, options: { ca, proxy: `http://me:secret@127.0.0.1:${proxy.port}` } });
    const refused = {
      code: "NETWORK",
      message: expect.stringMatching(new RegExp(`^[^@]*the proxy 127.0.0.1:${proxy.port} [^@]*\\(${status}\\)[^@]*$`)),
      details: { registry: "registry.test", reason },
    };
    // more than there are connections: each of them learns of it
    const asked = Array.from({ length: 5 }, () => send(transport, `${origin}v2/`));
    for (const answer of asked) await expect(answer).rejects.toMatchObject(refused);
  });

  test("is not blamed when the proxy is not there, says nothing, or talks nonsense", async () => {
    const transportBy = (port: number, connectTimeoutMs: number) =>
      aTransport({ origin, options: { proxy: `http://me:secret@127.0.0.1:${port}` }, connectTimeoutMs });
    const message = (port: number) => expect.stringMatching(new RegExp(`^[^@]*the proxy 127.0.0.1:${port} [^@]*$`));
    const port = await freePort();
    await expect(send(transportBy(port, 5000), `${origin}v2/`)).rejects.toMatchObject({
      code: "NETWORK",
      message: message(port),
      details: { reason: "PROXY_UNREACHABLE" },
    });
    const silent = await listen(createTcpServer((socket) => void socket.on("error", () => {}).resume()));
    await expect(send(transportBy(silent, 50), `${origin}v2/`)).rejects.toMatchObject({
      code: "TIMEOUT",
      message: message(silent),
    });
    const odd = await listen(
      createTcpServer((socket) => void socket.on("error", () => {}).end("SSH-2.0-OpenSSH_9\r\n")),
    );
    await expect(send(transportBy(odd, 5000), `${origin}v2/`)).rejects.toMatchObject({
      code: "NETWORK",
      message: message(odd),
      details: { reason: "PROXY_FAILED" },
    });
  });

  test("may hang up as soon as the tunnel stands", async () => {
    const closing = await listen(createTcpServer((socket) => void socket.on("error", () => {}).end()));
    const proxy = await startProxy({ to: closing });
    const transport = aTransport({ origin, options: { proxy: `127.0.0.1:${proxy.port}` } });
    await expect(send(transport, `${origin}v2/`)).rejects.toMatchObject({ code: "NETWORK" });
  });

  test("is given up with everything on the way to it when the transport is destroyed", async () => {
    let hungUp: () => void;
    const gone = new Promise<void>((resolve) => (hungUp = resolve));
    const arrived = Promise.withResolvers<void>();
    const silent = await listen(
      createTcpServer((socket) => {
        socket.on("error", () => {}).once("data", () => arrived.resolve());
        socket.on("close", () => hungUp());
      }),
    );
    const transport = aTransport({ origin, options: { proxy: `127.0.0.1:${silent}` }, connectTimeoutMs: 600_000 });
    const asked = send(transport, `${origin}v2/`);
    await arrived.promise;
    const closed = new Error("closed");
    await Promise.all([expect(asked).rejects.toBe(closed), transport.destroy(closed), gone]);
    await expect(send(transport, `${origin}v2/`)).rejects.toBe(closed);
  });

  test("is given up on the way to it with the request that wanted it", async () => {
    const arrived = Promise.withResolvers<void>();
    const gone = Promise.withResolvers<void>();
    const silent = await listen(
      createTcpServer((socket) => {
        socket.on("error", () => {}).once("data", () => arrived.resolve());
        socket.on("close", () => gone.resolve());
      }),
    );
    const transport = aTransport({ origin, options: { proxy: `127.0.0.1:${silent}` }, connectTimeoutMs: 600_000 });
    const abort = new AbortController();
    const asked = send(transport, `${origin}v2/`, undefined, abort.signal);
    await arrived.promise;
    const reason = new Error("changed my mind");
    abort.abort(reason);
    await Promise.all([expect(asked).rejects.toBe(reason), gone.promise]);
  });

  test("is reached by a proxy that speaks TLS itself", async () => {
    const [secure, plain] = [await startOrigin(pair), await startOrigin()];
    const credentials = { authorization: `Basic ${Buffer.from("me:secret").toString("base64")}`, tls: pair };
    const [tunnels, forwards] = [
      await startProxy({ to: secure.port, ...credentials }),
      await startProxy({ to: plain.port, ...credentials }),
    ];
    for (const [to, proxy] of [
      [origin, tunnels],
      [new URL("http://registry.test"), forwards],
    ] as const) {
      for (const name of ["localhost", "127.0.0.1"]) {
        const options = { ca, proxy: `https://me:secret@${name}:${proxy.port}` };
        expect(await send(aTransport({ origin: to, options }), `${to}v2/`)).toBe("200 GET registry.test/v2/");
        // a proxy gets credentials: it is verified whatever is said of the registry
        const careless = { tlsSkipVerify: true, proxy: options.proxy };
        await expect(send(aTransport({ origin: to, options: careless }), `${to}v2/`)).rejects.toMatchObject({
          code: "TLS",
          message: expect.stringContaining(`the certificate of the proxy ${name}:${proxy.port} is not trusted`),
          details: { reason: "PROXY_UNTRUSTED" },
        });
      }
      expect(proxy.seen).toHaveLength(2);
    }
  });
});

describe("the connections to many hosts", () => {
  test("are closed beyond 64 of them, once their requests are done", async () => {
    const registry = await startOrigin();
    const sockets = new Set<Socket>();
    const proxy = createHttpServer((_request, response) => response.end("ok"));
    proxy.on("connection", (socket) => sockets.add(socket.on("close", () => sockets.delete(socket))));
    proxy.keepAliveTimeout = 600_000; // it would keep them
    const port = await listen(proxy);
    const origin = new URL(`http://127.0.0.1:${registry.port}`);
    const transport = aTransport({ origin, options: { proxy: `127.0.0.1:${port}` } });
    for (let host = 0; host < 80; host += 1) expect(await send(transport, `http://host-${host}.test/`)).toBe("200 ok");
    await expect.poll(() => sockets.size).toBeLessThanOrEqual(64);
    expect(await send(transport, "http://host-0.test/")).toBe("200 ok");
  });
});

/** A port nobody listens on. */
async function freePort(): Promise<number> {
  const server = createTcpServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
