import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer as createHttpServer, type RequestListener, type Server } from "node:http";
import { createServer } from "node:https";
import { type AddressInfo, createServer as createTcpServer, type Server as TcpServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TLSSocket } from "node:tls";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { CertificateAuthority, canMakeCertificates, type KeyPair } from "../../../../../tests/support/certificates.ts";
import { bytesOf, expectCode } from "../../testing/contract-support.ts";
import { aBlob } from "../../testing/index.ts";
import { createRegistry } from "../create-registry.ts";
import { exchange } from "../exchange.ts";
import { exchangeOnLane } from "../lane/lane-exchange.ts";
import { createTransport, originOf } from "./create-transport.ts";
import type { HostOptions, TransportOptions } from "./host-options.ts";

if (!canMakeCertificates) console.warn("remote/transport/tls: skipped, openssl is not installed");

const answer: RequestListener = (request, response) => {
  const { subject } = (request.socket as Partial<TLSSocket>).getPeerCertificate?.() ?? {};
  response.end(subject === undefined ? "nobody" : "known");
};

/** Listens until the test ends; gives the port. */
async function listen(server: Server | TcpServer): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    if ("closeAllConnections" in server) server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

interface Asked {
  readonly url: string;
  /** Where the registry is, when what is asked is another host. */
  readonly registry?: string;
  readonly options?: TransportOptions;
  readonly hosts?: HostOptions;
}

/** Undici's connections, and the lanes that blobs come by: what holds for one holds for the other. */
const ways = ["by undici", "by a lane"] as const;

/** The body of an answer to GET, from a transport that lives as long as the call. */
async function getBy(way: (typeof ways)[number], { url, registry = url, options = {}, hosts }: Asked): Promise<string> {
  const origin = new URL(registry);
  const parts = { origin, options, hosts, connections: 2, connectTimeoutMs: 5000, env: {} };
  const transport = createTransport(parts);
  const chunks: Buffer[] = [];
  const operation = { registry: origin.host, reference: "app", what: "read app" };
  const request = { method: "GET" as const, url: new URL(url), headers: {}, operation, idleTimeoutMs: 5000 };
  try {
    const onHead = () => (chunk: Uint8Array) => void chunks.push(Buffer.from(chunk));
    const lane = way === "by a lane" ? transport.laneTo(request.url) : undefined;
    const head = lane && (await exchangeOnLane(lane, request, onHead));
    if (!head) await exchange(transport, request, onHead);
    return Buffer.concat(chunks).toString();
  } finally {
    await transport.destroy();
  }
}

describe.skipIf(!canMakeCertificates).for(ways)("a host over TLS, asked %s,", (way) => {
  const get = (asked: Asked) => getBy(way, asked);
  let authority: CertificateAuthority;
  let server: KeyPair;
  let client: KeyPair;
  let ca: string;

  beforeAll(() => {
    authority = new CertificateAuthority();
    ca = authority.cert;
    server = authority.issue({ altNames: "DNS:localhost,IP:127.0.0.1" });
    client = authority.issue({ altNames: "DNS:client" });
  });
  afterAll(() => authority[Symbol.dispose]());

  test("is refused without its authority, and trusted with it", async () => {
    const port = await listen(createServer(server, answer));
    await expect(get({ url: `https://localhost:${port}` })).rejects.toMatchObject({
      code: "TLS",
      message: expect.stringMatching(/^cannot read app: its certificate is not trusted: [^;]+$/),
      details: { registry: `localhost:${port}`, reason: "UNABLE_TO_VERIFY_LEAF_SIGNATURE" },
    });
    expect(await get({ url: `https://localhost:${port}`, options: { ca } })).toBe("nobody");
  });

  test("is trusted by any of several authorities, in one text or many", async () => {
    using other = new CertificateAuthority();
    const port = await listen(createServer(server, answer));
    const url = `https://localhost:${port}`;
    expect(await get({ url, options: { ca: `${other.cert}\n${ca}` } })).toBe("nobody");
    expect(await get({ url, options: { ca: [other.cert, ca] } })).toBe("nobody");
    await expect(get({ url, options: { ca: other.cert } })).rejects.toMatchObject({ code: "TLS" });
  });

  test("is known by its address, too", async () => {
    const port = await listen(createServer(server, answer));
    expect(await get({ url: `https://127.0.0.1:${port}`, options: { ca } })).toBe("nobody");
  });

  test("is trusted when the system's store knows its authority", async () => {
    const folder = mkdtempSync(join(tmpdir(), "tranship-tls-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const file = join(folder, "ca.pem");
    writeFileSync(file, ca);
    const script = `
      import { Trust } from ${JSON.stringify(new URL("./trust.ts", import.meta.url).href)};
      import { connect, createServer } from "node:tls";
      const server = createServer(${JSON.stringify(server)}, (socket) => socket.end()).listen(0, "127.0.0.1", () => {
        const { port } = server.address();
        const done = (word) => { console.log(word); process.exit(); };
        connect({ port, servername: "localhost", secureContext: new Trust().contextOf({}) }, () => done("trusted"))
          .on("error", (error) => done(error.code));
      });`;
    const run = (env: NodeJS.ProcessEnv) => {
      const args = ["--input-type=module", "--eval", script];
      return execFileSync(process.execPath, args, { env: { PATH: process.env.PATH, ...env }, encoding: "utf8" }).trim();
    };
    expect(run({ SSL_CERT_FILE: file })).toBe("trusted");
    expect(run({})).toBe("UNABLE_TO_VERIFY_LEAF_SIGNATURE");
  });

  test("is refused with a certificate that has expired, unless certificates are not looked at", async () => {
    const expired = authority.issue({ altNames: "DNS:localhost", days: -1 });
    const port = await listen(createServer(expired, answer));
    const url = `https://localhost:${port}`;
    await expect(get({ url, options: { ca } })).rejects.toMatchObject({
      code: "TLS",
      details: { reason: "CERT_HAS_EXPIRED" },
    });
    expect(await get({ url, options: { tlsSkipVerify: true } })).toBe("nobody");
  });

  test("is refused with a certificate of another name", async () => {
    const other = authority.issue({ altNames: "DNS:other.example" });
    const port = await listen(createServer(other, answer));
    for (const name of ["localhost", "127.0.0.1"]) {
      await expect(get({ url: `https://${name}:${port}`, options: { ca } })).rejects.toMatchObject({
        code: "TLS",
        details: { reason: "ERR_TLS_CERT_ALTNAME_INVALID" },
      });
    }
  });

  test("is told which name it is asked by, where that is no address", async () => {
    const port = await listen(
      createServer(server, ({ socket }, response) => {
        response.end(String((socket as TLSSocket).servername));
      }),
    );
    expect(await get({ url: `https://localhost:${port}`, options: { ca } })).toBe("localhost");
    expect(await get({ url: `https://127.0.0.1:${port}`, options: { ca } })).toBe("false");
  });

  test("is told from one that speaks plain HTTP", async () => {
    const port = await listen(createHttpServer(answer));
    await expect(get({ url: `https://localhost:${port}` })).rejects.toMatchObject({
      code: "TLS",
      message: expect.stringContaining("it does not speak TLS; plain HTTP has to be allowed"),
    });
  });

  test("is recognised when it turns plain HTTP down", async () => {
    const alert = Buffer.from([0x15, 3, 1, 0, 2, 2, 10]);
    const openssl = createTcpServer(
      (socket) => void socket.on("error", () => {}).once("data", () => socket.end(alert)),
    );
    const port = await listen(openssl);
    await expect(get({ url: `http://localhost:${port}` })).rejects.toMatchObject({
      code: "PROTOCOL",
      message: expect.stringContaining("it speaks TLS, and was asked in plain HTTP"),
      details: { reason: "TLS_EXPECTED" },
    });
  });

  test("may just hang up on plain HTTP", async () => {
    const port = await listen(createServer(server, answer));
    await expect(get({ url: `http://localhost:${port}` })).rejects.toMatchObject({ code: "NETWORK" });
  });

  describe("that asks who we are", () => {
    const strict = () => ({
      ...server,
      ca,
      requestCert: true,
      rejectUnauthorized: true,
      maxVersion: "TLSv1.2" as const,
    });

    test("turns down who shows no certificate", async () => {
      const port = await listen(createServer(strict(), answer));
      await expect(get({ url: `https://localhost:${port}`, options: { ca } })).rejects.toMatchObject({
        code: "TLS",
        message: expect.stringContaining("it wants a client certificate, or another version"),
      });
    });

    test("is shown the client certificate", async () => {
      const port = await listen(createServer(strict(), answer));
      const options = { ca, clientCertificate: client };
      expect(await get({ url: `https://localhost:${port}`, options })).toBe("known");
    });

    test("is shown one whose key is encrypted", async () => {
      const sealed = authority.issue({ altNames: "DNS:client", passphrase: "open sesame" });
      const port = await listen(createServer(strict(), answer));
      const options = { ca, clientCertificate: { ...sealed, passphrase: "open sesame" } };
      expect(await get({ url: `https://localhost:${port}`, options })).toBe("known");
    });

    test("is not shown the registry's when a registry leads there, but what is named for it", async () => {
      const port = await listen(createServer({ ...server, ca, requestCert: true, rejectUnauthorized: false }, answer));
      const url = `https://localhost:${port}`;
      const asked = { url, registry: "https://registry.example.com", options: { ca, clientCertificate: client } };
      expect(await get(asked)).toBe("nobody");
      expect(await get({ ...asked, registry: `https://localhost:${port + 1}` })).toBe("nobody");
      expect(await get({ ...asked, registry: url })).toBe("known");
      expect(await get({ ...asked, hosts: { localhost: { clientCertificate: client } } })).toBe("known");
    });
  });

  test("is shown no certificate of the registry that it is a mirror of", async () => {
    const asked: string[] = [];
    const strict = { ...server, ca, requestCert: true, rejectUnauthorized: false };
    const place = async (name: string) => {
      const port = await listen(
        createServer(strict, ({ socket }, response) => {
          asked.push(
            `${name} ${(socket as TLSSocket).getPeerCertificate().subject === undefined ? "nobody" : "known"}`,
          );
          response.writeHead(404, { "content-length": 0 }).end(); // as plain as lanes read it
        }),
      );
      return `localhost:${port}`;
    };
    const [own, mirror] = [await place("registry"), await place("mirror")];
    const options = { ca, clientCertificate: client, insecure: false, hosts: { [mirror]: { insecure: false } } };
    await using registry = createRegistry(own, { ...options, mirrors: [mirror] });
    const [app, blob] = [registry.repository("app"), aBlob()];
    await expectCode(way === "by a lane" ? bytesOf(app.fetchBlob(blob)) : app.manifest(blob.digest), "NOT_FOUND");
    expect(asked).toEqual(["mirror nobody", "registry known"]);
  });

  test("has the options named for it", async () => {
    const port = await listen(createServer(server, answer));
    const url = `https://localhost:${port}`;
    for (const key of ["localhost", "LOCALHOST", `localhost:${port}`]) {
      expect(await get({ url, hosts: { [key]: { ca } } })).toBe("nobody");
      expect(await get({ url, registry: "https://registry.example.com", hosts: { [key]: { ca } } })).toBe("nobody");
    }
    for (const key of ["localhost:1", "127.0.0.1"]) {
      await expect(get({ url, hosts: { [key]: { ca } } })).rejects.toMatchObject({ code: "TLS" });
    }
    const closer = { [`localhost:${port}`]: { tlsSkipVerify: true }, localhost: { tlsSkipVerify: false } };
    expect(await get({ url, hosts: closer })).toBe("nobody");
  });

  test("is refused before the first connection when a certificate or key cannot be read", () => {
    const sealed = authority.issue({ altNames: "DNS:client", passphrase: "open sesame" });
    const { cert, key } = client;
    const damaged = ca.replace(/[A-Z]{4}/, "####");
    const cases: readonly (readonly [TransportOptions, string])[] = [
      [{ ca: "no certificate" }, "INVALID_CA"],
      [{ ca: [ca, ""] }, "INVALID_CA"],
      [{ ca: damaged }, "INVALID_CA"],
      [{ clientCertificate: { cert: "none", key } }, "INVALID_CLIENT_CERTIFICATE"],
      [{ clientCertificate: { cert, key: key.slice(0, 100) } }, "INVALID_CLIENT_KEY"],
      [{ clientCertificate: sealed }, "INVALID_CLIENT_KEY"],
      [{ clientCertificate: { ...sealed, passphrase: "guess" } }, "INVALID_CLIENT_KEY"],
      [{ clientCertificate: { cert, key: server.key } }, "CLIENT_KEY_MISMATCH"],
    ];
    const origin = new URL("https://registry.example.com");
    for (const [broken, reason] of cases) {
      for (const told of [{ options: broken }, { options: {}, hosts: { "other.example": broken } }]) {
        const create = () => createTransport({ origin, ...told, connections: 1, connectTimeoutMs: 1000 });
        const message = expect.not.stringMatching(/BEGIN|guess|####/);
        expect(create, reason).toThrow(
          expect.objectContaining({ code: "TLS", message, details: expect.objectContaining({ reason }) }),
        );
      }
    }
  });
});

test.for(["", "a/b", "https://host", "host:port", "host:0", "host:99999", "user@host", "a b", "::1"])(
  "refuses %o as a host to name options for",
  (key) => {
    const create = () => originOf("registry.example.com", {}, { [key]: {} });
    expect(create).toThrow(expect.objectContaining({ code: "INVALID_REFERENCE", details: { text: key } }));
  },
);

test.for([
  ["registry.example.com", {}, {}, "https://registry.example.com"],
  ["localhost:5000", {}, {}, "http://localhost:5000"],
  ["localhost:5000", { insecure: false }, {}, "https://localhost:5000"],
  ["registry.example.com:5000", { insecure: true }, {}, "http://registry.example.com:5000"],
  ["registry.example.com", {}, { "Registry.example.com": { insecure: true } }, "http://registry.example.com"],
  ["registry.example.com", {}, { "registry.example.com:80": { insecure: true } }, "http://registry.example.com"],
  ["registry.example.com", {}, { "registry.example.com:5000": { insecure: true } }, "https://registry.example.com"],
  [
    "registry.example.com",
    { insecure: true },
    { "registry.example.com:443": { insecure: false } },
    "https://registry.example.com",
  ],
  ["[::1]:5000", {}, { "[::1]:5000": { insecure: false } }, "https://[::1]:5000"],
] as const)("a registry at %s with %o and %o is at %s", ([host, options, hosts, expected]) => {
  expect(originOf(host, options, hosts).origin).toBe(expected);
});
