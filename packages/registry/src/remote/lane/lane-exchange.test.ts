import { createHash, randomBytes } from "node:crypto";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { createServer as createSecureServer } from "node:tls";
import fc from "fast-check";
import { Agent } from "undici";
import { describe, expect, onTestFinished, test } from "vitest";
import { CertificateAuthority, canMakeCertificates } from "../../../../../tests/support/certificates.ts";
import { type BodySink, exchange, type WireRequest } from "../exchange.ts";
import { exchangeOnLane } from "./lane-exchange.ts";
import { LanePool } from "./lane-pool.ts";

const operation = { registry: "host", reference: "host/app@sha256:1", what: "read blob host/app@sha256:1" };

/** A server that answers the n-th request it gets, on whichever connection, as `answer` has it. */
async function answering(answer: (n: number, socket: Socket) => void, tls?: { cert: string; key: string }) {
  const sockets = new Set<Socket>();
  let requests = 0;
  const onSocket = (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    let text = "";
    socket.on("data", (data) => {
      text += data.toString("latin1");
      for (let end = text.indexOf("\r\n\r\n"); end >= 0; end = text.indexOf("\r\n\r\n")) {
        text = text.slice(end + 4);
        requests += 1;
        answer(requests, socket);
      }
    });
  };
  const server = tls ? createSecureServer(tls, onSocket) : createServer(onSocket);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const endpoint = { host: "127.0.0.1", port, timeoutMs: 5000 };
  const pool = new LanePool(tls ? { ...endpoint, tls: () => ({ rejectUnauthorized: false }) } : endpoint);
  onTestFinished(() => {
    pool.close(new Error("the test is over"));
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const url = new URL(`http${tls ? "s" : ""}://127.0.0.1:${port}/`);
  const request: WireRequest = { method: "GET", url, headers: {}, operation, idleTimeoutMs: 5000 };
  return { pool, request, sockets, requests: () => requests, close: () => server.close() };
}

async function textOf(pool: LanePool, request: WireRequest): Promise<string> {
  let text = "";
  const head = await exchangeOnLane(pool, request, () => (chunk) => {
    text += Buffer.from(chunk).toString("latin1");
  });
  return head ? text : "left to another reader";
}

const hello = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";

test("requests one after another use one connection", async () => {
  const { pool, request, sockets } = await answering((_n, socket) => socket.write(hello));
  for (let n = 0; n < 3; n += 1) expect(await textOf(pool, request)).toBe("hello");
  expect(sockets.size).toBe(1);
});

test.for([
  {
    name: "ends with its connection",
    answer: "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello",
  },
  { name: "is followed by what nobody asked for", answer: `${hello}, world` },
  {
    name: "says that its connection goes at once",
    answer: hello.replace("\r\n\r\n", "\r\nkeep-alive: timeout=1\r\n\r\n"),
  },
])("an answer that $name leaves no connection for the next request", async ({ answer }) => {
  const { pool, request, sockets } = await answering((_n, socket) => socket.write(answer));
  for (let n = 0; n < 2; n += 1) expect(await textOf(pool, request)).toBe("hello");
  expect(sockets.size).toBe(2);
});

test.for([
  { name: "new", nth: 1 },
  { name: "kept", nth: 2 },
])("a $name connection on which the server hangs up is a failure, which whoever asks may repeat", async ({ nth }) => {
  const { pool, request, requests } = await answering((n, socket) => {
    if (n === nth) socket.destroy();
    else socket.write(hello);
  });
  for (let n = 1; n < nth; n += 1) expect(await textOf(pool, request)).toBe("hello");
  await expect(textOf(pool, request)).rejects.toMatchObject({ code: "NETWORK" });
  expect(requests()).toBe(nth);
  expect(await textOf(pool, request)).toBe("hello");
});

test("an answer that began is not asked for again", async () => {
  const { pool, request, requests } = await answering((n, socket) => {
    if (n === 1) socket.write(hello);
    else socket.end(hello.slice(0, -2));
  });
  expect(await textOf(pool, request)).toBe("hello");
  await expect(textOf(pool, request)).rejects.toMatchObject({ code: "NETWORK" });
  expect(requests()).toBe(2);
});

test("a closed pool ends what is under way, and what comes later", async () => {
  const { pool, request } = await answering((_n, socket) => socket.write(hello.slice(0, -1)));
  const reason = new Error("closed");
  const sink = () => queueMicrotask(() => pool.close(reason));
  await expect(exchangeOnLane(pool, request, () => sink)).rejects.toBe(reason);
  await expect(textOf(pool, request)).rejects.toBe(reason);
});

test("a header that would break the request's lines is not sent on a lane", async () => {
  const { pool, request, requests } = await answering(() => {});
  const odd = { ...request, headers: { authorization: "Bearer a\r\nx: y" } };
  expect(await textOf(pool, odd)).toBe("left to another reader");
  expect(requests()).toBe(0);
});

describe.for([{ name: "plain" }, { name: "over TLS" }])("a large body, $name,", ({ name }) => {
  const isPossible = name === "plain" || canMakeCertificates;
  test.skipIf(!isPossible).for([{ end: "its length is told" }, { end: "the connection ends with it" }])(
    "comes whole through a sink that takes its time, and is lent until that has settled; $end",
    async ({ end }) => {
      const body = randomBytes(6_000_000);
      using authority = name === "plain" ? undefined : new CertificateAuthority();
      const tls = authority?.issue({ altNames: "IP:127.0.0.1" });
      const { pool, request } = await answering((_n, socket) => {
        const length = `content-length: ${body.byteLength}`;
        socket.write(`HTTP/1.1 200 OK\r\n${end === "its length is told" ? length : "connection: close"}\r\n\r\n`);
        if (end === "its length is told") socket.write(body);
        else socket.end(body);
      }, tls);
      const hash = createHash("sha256");
      let busy = 0;
      let n = 0;
      const sink: BodySink = (chunk) => {
        expect(busy).toBe(0);
        n += 1;
        const before = Buffer.from(new Uint8Array(chunk));
        hash.update(before);
        if (n % 3 === 0) return;
        busy = 1;
        return new Promise<void>((resolve) => {
          setTimeout(
            () => {
              expect(before.equals(chunk)).toBe(true);
              busy = 0;
              resolve();
            },
            n % 7 === 0 ? 2 : 0,
          );
        });
      };
      await exchangeOnLane(pool, request, () => sink);
      expect(hash.digest("hex")).toBe(createHash("sha256").update(body).digest("hex"));
    },
  );
});

test.skipIf(!canMakeCertificates)("records of TLS come many at a time", async () => {
  const body = randomBytes(4_000_000);
  using authority = new CertificateAuthority();
  const { pool, request } = await answering(
    (_n, socket) => {
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${body.byteLength}\r\n\r\n`);
      socket.write(body);
    },
    authority.issue({ altNames: "IP:127.0.0.1" }),
  );
  const sizes: number[] = [];
  await exchangeOnLane(pool, request, () => (chunk) => void sizes.push(chunk.byteLength));
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(body.byteLength);
  expect(sizes.length).toBeLessThan(body.byteLength / 16_384 / 2);
});

test("answers cut into any pieces, and damaged ones, end as they do with the other reader", async () => {
  const bodies = ["", "hello", "x".repeat(3000)];
  const heads = [
    (size: number) => `HTTP/1.1 200 OK\r\ncontent-length: ${size}\r\n\r\n`,
    (size: number) =>
      `HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 206 Partial Content\r\nContent-Length:${size}\r\nA: b\r\n\r\n`,
    () => "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n",
  ];
  const damage = fc.record({ at: fc.nat(200), byte: fc.nat(255) });
  const pieces = fc.array(fc.integer({ min: 1, max: 400 }), { maxLength: 12 });
  let answer = Buffer.alloc(0);
  let cuts: readonly number[] = [];
  const { request } = await answering((_n, socket) => {
    const write = (from: number, [size, ...rest]: readonly number[]) => {
      if (size === undefined) {
        socket.end(answer.subarray(from));
        return;
      }
      socket.write(answer.subarray(from, from + size));
      setImmediate(() => write(from + size, rest));
    };
    write(0, cuts);
  });
  const agent = new Agent({ pipelining: 0 }); // a connection for each request
  onTestFinished(() => agent.destroy());
  const outcome = async (send: (sink: BodySink) => Promise<{ status: number } | undefined>) => {
    let text = "";
    const sink: BodySink = (chunk) => {
      text += Buffer.from(chunk).toString("latin1");
    };
    try {
      const head = await send(sink);
      return head ? `${head.status} ${text}` : "left to another reader";
    } catch (error) {
      return `${(error as { code?: string }).code}`;
    }
  };
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...bodies),
      fc.constantFrom(...heads),
      fc.option(damage, { nil: undefined }),
      pieces,
      async (body, head, damaged, sizes) => {
        answer = Buffer.from(head(body.length) + body, "latin1");
        if (damaged) answer[damaged.at % answer.length] = damaged.byte;
        if (answer.includes("HTTP/1.1 100")) return; // of use before uploads only: undici takes it for a mistake
        cuts = sizes;
        const { hostname: host, port } = request.url;
        const pool = new LanePool({ host, port: Number(port), timeoutMs: 5000 }); // this server hangs up after each answer
        const ours = await outcome((sink) => exchangeOnLane(pool, request, () => sink));
        pool.close(new Error("done"));
        if (ours === "left to another reader") return;
        const theirs = await outcome((sink) => exchange(agent, request, () => sink));
        expect(ours).toBe(theirs);
      },
    ),
    { numRuns: 150 },
  );
});
