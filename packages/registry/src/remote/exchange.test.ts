import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { type AddressInfo, createServer as createTcpServer, type Server } from "node:net";
import { Agent, buildConnector } from "undici";
import { describe, expect, onTestFinished, test } from "vitest";
import { shownConnector } from "./connecting.ts";
import { type BodySink, exchange, type ResponseHead, type WireRequest } from "./exchange.ts";
import { exchangeOnLane } from "./lane/lane-exchange.ts";
import { LanePool } from "./lane/lane-pool.ts";

const operation = { registry: "host", reference: "host/app:v1", what: "read manifest host/app:v1" };
const megabyte = 1024 * 1024;

async function listening(server: Server): Promise<URL> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.close();
  });
  return new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
}

function serve(listener: RequestListener): Promise<URL> {
  const server = createServer(listener);
  onTestFinished(() => server.closeAllConnections());
  return listening(server);
}

type Send = (url: URL, options?: Partial<WireRequest>, sink?: BodySink) => Promise<ResponseHead>;

const sendAnyhow: Send = (url, options = {}, sink = () => {}) => {
  const agent = new Agent({ connect: shownConnector(buildConnector({ allowH2: false })) });
  onTestFinished(() => agent.destroy());
  const request: WireRequest = { method: "GET", url, headers: {}, operation, idleTimeoutMs: 20_000, ...options };
  return exchange(agent, request, () => sink);
};

/** As the client does: what is no plain answer to a GET is left to the other reader. */
const sendOnLane: Send = async (url, options = {}, sink = () => {}) => {
  if ((options.method ?? "GET") !== "GET") return await sendAnyhow(url, options, sink);
  const { idleTimeoutMs = 20_000 } = options;
  const tls = url.protocol === "https:" ? () => ({ rejectUnauthorized: false }) : undefined;
  const pool = new LanePool({ host: url.hostname, port: Number(url.port), timeoutMs: idleTimeoutMs, tls });
  onTestFinished(() => pool.close(new Error("the test is over")));
  const request: WireRequest = { method: "GET", url, headers: {}, operation, ...options, idleTimeoutMs };
  const head = await exchangeOnLane(pool, request, () => sink);
  return head ?? (await sendAnyhow(url, options, sink));
};

function closed(message: IncomingMessage | ServerResponse): Promise<void> {
  return new Promise((resolve) => message.once("close", () => resolve()));
}

const partOfAnAnswer = "HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\nx";

interface SilentConnection {
  /** When the first bytes came, and were answered. */
  readonly spokenTo: Promise<void>;
  readonly closed: Promise<void>;
}

/** A server that says one thing and is silent from then on. */
async function silent(says = "") {
  let resolve = (_connection: SilentConnection) => {};
  const next = new Promise<SilentConnection>((settle) => {
    resolve = settle;
  });
  const server = createTcpServer((socket) => {
    socket.on("error", () => {});
    onTestFinished(() => void socket.destroy());
    resolve({
      spokenTo: new Promise((spoken) => socket.on("data", () => socket.write(says, () => spoken()))),
      closed: new Promise((gone) => socket.once("close", () => gone())),
    });
  });
  return { url: await listening(server), connection: next };
}

function secure(url: URL): URL {
  return new URL(`https://${url.host}/`);
}

async function* endless(): AsyncGenerator<Uint8Array> {
  for (;;) yield Buffer.alloc(65_536);
}

async function* stuck(): AsyncGenerator<Uint8Array> {
  yield Buffer.from("a");
  await new Promise(() => {});
}

describe.for([
  { name: "an exchange", send: sendAnyhow },
  { name: "an exchange on a lane", send: sendOnLane },
])("$name", ({ send }) => {
  test("gives status, headers and the exact bytes", async () => {
    const url = await serve((_request, response) => {
      response.writeHead(201, { "x-test": "yes" });
      response.end("hello");
    });
    let text = "";
    const head = await send(url, {}, (chunk) => {
      text += Buffer.from(chunk).toString();
    });
    expect(head).toMatchObject({ status: 201, headers: { "x-test": "yes" } });
    expect(text).toBe("hello");
  });

  test.for<{ name: string; sink: () => unknown }>([
    { name: "at once", sink: () => {} },
    { name: "in a microtask", sink: async () => {} },
    { name: "in a turn of the loop", sink: () => new Promise<void>((resolve) => setImmediate(resolve)) },
  ])("hands chunks one after another to a sink that settles $name", async ({ sink }) => {
    const body = Buffer.alloc(5 * megabyte, "abcdefg");
    const url = await serve((_request, response) => response.end(body));
    const chunks: Buffer[] = [];
    let inside = 0;
    await send(url, {}, (chunk) => {
      expect(inside).toBe(0);
      expect(chunk.byteLength).toBeGreaterThan(0);
      chunks.push(Buffer.from(new Uint8Array(chunk)));
      const result = sink();
      if (!(result instanceof Promise)) return;
      inside += 1;
      return result.then(() => {
        inside -= 1;
      });
    });
    expect(Buffer.concat(chunks).equals(body)).toBe(true);
  });

  test("reads no further while the sink is busy", async () => {
    let written = 0;
    const url = await serve((_request, response) => {
      const piece = Buffer.alloc(megabyte);
      response.setHeader("content-length", 100 * megabyte);
      const more = () => {
        while (written < 100) {
          written += 1;
          if (!response.write(piece)) {
            response.once("drain", more);
            return;
          }
        }
        response.end();
      };
      more();
    });
    let release = () => {};
    const stalled = new Promise<void>((resolve) => {
      release = resolve;
    });
    let received = 0;
    const sending = send(url, {}, (chunk) => {
      received += chunk.byteLength;
      return stalled;
    });
    let before = -1;
    for (let quiet = 0; quiet < 200; quiet += 1) {
      if (written !== before || received === 0) quiet = 0;
      before = written;
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(written).toBeLessThan(50); // what the kernel's buffers hold, far from everything
    release();
    await sending;
    expect(received).toBe(100 * megabyte);
  });

  test("hands over all that came when the server hangs up on a busy sink", async () => {
    const body = Buffer.alloc(30_000, "x");
    const url = await listening(
      createTcpServer((socket) => {
        socket.once("data", () =>
          socket.end(Buffer.concat([Buffer.from("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n"), body])),
        );
      }),
    );
    let received = 0;
    await send(url, {}, async (chunk) => {
      received += chunk.byteLength;
      await new Promise((resolve) => setTimeout(resolve, 5));
    });
    expect(received).toBe(body.byteLength);
  });

  test("rejects after what came when the connection breaks", async () => {
    const url = await serve((_request, response) => {
      response.writeHead(200, { "content-length": "1000" });
      response.write("x".repeat(400), () => response.destroy());
    });
    let received = 0;
    const sending = send(url, {}, async (chunk) => {
      await new Promise((resolve) => setImmediate(resolve));
      received += chunk.byteLength;
    });
    await expect(sending).rejects.toMatchObject({ code: "NETWORK" });
    expect(received).toBe(400);
  });

  test("drops the connection when the sink wants no more", async () => {
    let closing: Promise<void> | undefined;
    const url = await serve((_request, response) => {
      closing = closed(response);
      response.write("x".repeat(1000)); // and never ends
    });
    expect(await send(url, {}, () => false)).toMatchObject({ status: 200 });
    await closing;
  });

  test.for([
    {
      name: "throws",
      sink: () => {
        throw new TypeError("oops");
      },
    },
    {
      name: "rejects",
      sink: async () => {
        throw new TypeError("oops");
      },
    },
  ])("drops the connection when the sink $name, and passes its error on", async ({ sink }) => {
    let closing: Promise<void> | undefined;
    const url = await serve((_request, response) => {
      closing = closed(response);
      response.write("x");
    });
    await expect(send(url, {}, sink)).rejects.toThrow(new TypeError("oops"));
    await closing;
  });

  test("closes the socket when it is aborted, with the signal's own reason", async () => {
    const controller = new AbortController();
    const reason = { why: "enough" };
    let closing: Promise<void> | undefined;
    const url = await serve((_request, response) => {
      closing = closed(response);
      response.write("x");
    });
    const sending = send(url, { signal: controller.signal }, () => controller.abort(reason));
    await expect(sending).rejects.toBe(reason);
    await closing;
  });

  test("sends nothing when it was aborted before", async () => {
    const url = await serve(() => expect.unreachable());
    await expect(send(url, { signal: AbortSignal.abort("no") })).rejects.toBe("no");
  });

  test.for([
    { name: "an answer that never begins", listener: () => {} },
    {
      name: "a body that stops coming",
      listener: (_request: IncomingMessage, response: ServerResponse) => void response.write("x"),
    },
  ])("gives up on $name", async ({ listener }) => {
    const url = await serve(listener);
    const sending = send(url, { idleTimeoutMs: 50 });
    await expect(sending).rejects.toMatchObject({ code: "TIMEOUT", details: { idleMs: 50 } });
  });

  test("gives up on a registry that does not answer the TLS handshake, and closes the connection", async () => {
    const { url, connection } = await silent();
    const sending = send(secure(url), { idleTimeoutMs: 50 });
    await expect(sending).rejects.toMatchObject({ code: "TIMEOUT", details: { idleMs: 50 } });
    const beganMs = performance.now();
    await (await connection).closed;
    expect(performance.now() - beganMs).toBeLessThan(5000); // undici would leave it for ten seconds
  });

  test("gives up on a registry that does not take the body", async () => {
    const url = await listening(createTcpServer((socket) => void socket.pause().on("error", () => {})));
    const body = async function* () {
      for (;;) yield Buffer.alloc(65_536);
    };
    const headers = { "content-length": String(1024 ** 4) };
    const sending = send(url, { method: "PUT", idleTimeoutMs: 50, headers, body: body() });
    await expect(sending).rejects.toMatchObject({ code: "TIMEOUT", details: { idleMs: 50 } });
  });

  test("gives a registry ten times as long to store what it got, and no longer", async () => {
    const url = await serve((request) => request.resume());
    const body = async function* () {
      yield Buffer.from("a");
    };
    const sending = send(url, { method: "PUT", idleTimeoutMs: 20, headers: { "content-length": "1" }, body: body() });
    await expect(sending).rejects.toMatchObject({ code: "TIMEOUT", details: { idleMs: 200 } });
  });

  test.for<{ name: string; send: (url: URL, signal: AbortSignal) => Promise<unknown>; says?: string }>([
    { name: "in the TLS handshake", send: (url, signal) => send(secure(url), { signal }) },
    {
      name: "in the TLS handshake before an upload",
      send: (url, signal) => send(secure(url), { signal, method: "PUT", body: endless() }),
    },
    { name: "before the answer", send: (url, signal) => send(url, { signal }) },
    { name: "in the answer's head", says: "HTTP/1.1 200 OK\r\nx-", send: (url, signal) => send(url, { signal }) },
    { name: "in the answer's body", says: partOfAnAnswer, send: (url, signal) => send(url, { signal }) },
    {
      name: "while the sink takes its time",
      says: partOfAnAnswer,
      send: (url, signal) => send(url, { signal }, () => new Promise<void>(() => {})),
    },
    { name: "in an upload's body", send: (url, signal) => send(url, { signal, method: "PUT", body: endless() }) },
    {
      name: "while an upload's source takes its time",
      send: (url, signal) => send(url, { signal, method: "PUT", body: stuck() }),
    },
    {
      name: "before an upload's answer",
      send: (url, signal) =>
        send(url, { signal, method: "PUT", headers: { "content-length": "1" }, body: Buffer.from("a") }),
    },
  ])("closes the connection at once when it is aborted $name", async ({ send: start, says = "" }) => {
    const { url, connection: connecting } = await silent(says);
    const controller = new AbortController();
    const sending = start(url, controller.signal);
    const refused = expect(sending).rejects.toBe("enough");
    const connection = await connecting;
    await connection.spokenTo;
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    controller.abort("enough");
    await refused;
    await connection.closed;
  });

  test("does not count the time its sink takes", async () => {
    const url = await serve((_request, response) => response.end("x"));
    const slow = () => new Promise<void>((resolve) => setTimeout(resolve, 150));
    expect(await send(url, { idleTimeoutMs: 50 }, slow)).toMatchObject({ status: 200 });
  });

  test("does not count the time a request's body takes", async () => {
    const url = await serve((request, response) => {
      request.resume().once("end", () => response.end());
    });
    const body = async function* () {
      yield Buffer.from("a");
      await new Promise((resolve) => setTimeout(resolve, 150));
      yield Buffer.from("b");
    };
    const headers = { "content-length": "2" };
    expect(await send(url, { method: "PUT", idleTimeoutMs: 50, headers, body: body() })).toMatchObject({ status: 200 });
  });

  test("passes on what a request's body threw, codes and all", async () => {
    const url = await serve((request) => request.resume());
    const error = Object.assign(new Error("disk"), { code: "EPIPE" });
    const body = async function* () {
      yield Buffer.from("a");
      throw error;
    };
    const headers = { "content-length": "2" };
    await expect(send(url, { method: "PUT", headers, body: body() })).rejects.toBe(error);
  });

  test("takes an answer that comes before the body was sent", async () => {
    const url = await serve((_request, response) => {
      response.writeHead(413);
      response.end();
    });
    let ended = false;
    const body = async function* () {
      try {
        for (;;) yield Buffer.alloc(65_536);
      } finally {
        ended = true;
      }
    };
    const headers = { "content-length": String(1024 ** 4) };
    expect(await send(url, { method: "PUT", headers, body: body() })).toMatchObject({ status: 413 });
    while (!ended) await new Promise((resolve) => setImmediate(resolve));
  });

  test("tells a server that does not speak HTTP from a broken network", async () => {
    const url = await listening(createTcpServer((socket) => void socket.end("SSH-2.0-OpenSSH\r\n")));
    await expect(send(url)).rejects.toMatchObject({ code: "PROTOCOL" });
  });

  test("says in one line that a status makes no sense", async () => {
    const url = await listening(createTcpServer((socket) => void socket.end("HTTP/1.1 000 No\r\n\r\n")));
    await expect(send(url)).rejects.toMatchObject({
      code: "NETWORK",
      message: expect.stringMatching(/^cannot [^\n]*: the answer is one that HTTP does not know [^\n]*$/),
    });
  });

  test("takes a chunked body that ends early for a broken network", async () => {
    const head = "HTTP/1.1 200 OK\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n";
    const url = await listening(createTcpServer((socket) => void socket.end(`${head}5\r\nhel`)));
    await expect(send(url)).rejects.toMatchObject({ code: "NETWORK" });
  });

  test("keeps the connection after a HEAD", async () => {
    const sockets = new Set();
    const url = await serve((request, response) => {
      sockets.add(request.socket);
      response.setHeader("content-length", "5");
      response.end();
    });
    const agent = new Agent({ connections: 1 });
    onTestFinished(() => agent.destroy());
    for (let n = 0; n < 3; n += 1) {
      const request: WireRequest = { method: "HEAD", url, headers: {}, operation, idleTimeoutMs: 20_000 };
      await exchange(agent, request, () => () => {});
    }
    expect(sockets.size).toBe(1);
  });
});
