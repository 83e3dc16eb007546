import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import type { RegistryErrorCode } from "../errors.ts";
import type { RegistryEvent } from "../events.ts";
import { digestOf } from "../oci/digest.ts";
import { bytesOf, expectCode } from "../testing/contract-support.ts";
import { aBlob, faults, startTestRegistry, type TestRegistryOptions } from "../testing/index.ts";
import { createRegistry, type RegistryOptions } from "./create-registry.ts";

const blob = aBlob({ size: 300_000 });
const never = new AbortController().signal;

async function aRepository(options: RegistryOptions = {}, serverOptions?: TestRegistryOptions) {
  const server = await startTestRegistry(serverOptions);
  server.seed("app", blob);
  const events: RegistryEvent[] = [];
  const registry = createRegistry(server.host, { retryDelayMs: 1, onEvent: (event) => events.push(event), ...options });
  return {
    server,
    events,
    registry,
    repository: registry.repository("app"),
    async [Symbol.asyncDispose]() {
      await registry.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

type Home = Awaited<ReturnType<typeof aRepository>>;

/** What the lane gives before it ends or breaks. */
async function readLane({ repository }: Home, offset: number, signal = never) {
  const chunks: Uint8Array[] = [];
  const error = await repository.lane
    .read(blob, offset, (chunk) => void chunks.push(new Uint8Array(chunk)), signal)
    .then(() => undefined)
    .catch((reason: unknown) => reason);
  return { bytes: Buffer.concat(chunks), error };
}

function isFrom(bytes: Uint8Array, offset: number): boolean {
  return Buffer.compare(bytes, blob.bytes.subarray(offset, offset + bytes.byteLength)) === 0;
}

describe("a lane", () => {
  test.for([0, 1, 65_536, 299_999])("reads from byte %s in one exchange", async (offset) => {
    await using home = await aRepository();
    const { bytes, error } = await readLane(home, offset);
    expect(error).toBeUndefined();
    expect(bytes.byteLength).toBe(blob.size - offset);
    expect(isFrom(bytes, offset)).toBe(true);
    expect(home.server.requests().map(({ range }) => range)).toEqual([
      offset === 0 ? undefined : `bytes=${offset}-${blob.size - 1}`,
    ]);
  });

  test("asks for nothing when there is nothing left", async () => {
    await using home = await aRepository();
    expect(await readLane(home, blob.size)).toMatchObject({ error: undefined });
    expect(home.server.requests()).toEqual([]);
  });

  test("skips what it did not ask for when the registry knows no ranges", async () => {
    await using home = await aRepository();
    home.server.fail(faults.status(200, { body: "0123456789" }));
    const ten = { digest: blob.digest, size: 10 };
    let text = "";
    await home.repository.lane.read(
      ten,
      7,
      (chunk) => {
        text += Buffer.from(chunk).toString();
      },
      never,
    );
    expect(text).toBe("789");
  });

  test("skips whole reads, too, when the registry knows no ranges", async () => {
    await using home = await aRepository();
    home.server.fail(faults.lyingRange({ mode: "ignored" }));
    const { bytes, error } = await readLane(home, 299_990);
    expect(error).toBeUndefined();
    expect(bytes).toEqual(Buffer.from(blob.bytes.subarray(299_990)));
  });

  test("breaks with what came, and does not try again", async () => {
    await using home = await aRepository();
    home.server.fail(faults.cutAfter(100_000));
    const { bytes, error } = await readLane(home, 50_000);
    expect(error).toMatchObject({ code: "NETWORK" });
    expect(bytes.byteLength).toBe(100_000);
    expect(isFrom(bytes, 50_000)).toBe(true);
    expect(home.server.requests()).toHaveLength(1);
    expect(home.events).toEqual([]);
  });

  test.for<{ name: string; status: number; headers: Record<string, string>; body?: string; code: RegistryErrorCode }>([
    { name: "another start", status: 206, headers: { "content-range": "bytes 0-9/300000" }, code: "PROTOCOL" },
    { name: "a start beyond", status: 206, headers: { "content-range": "bytes 101-299999/300000" }, code: "PROTOCOL" },
    { name: "another size", status: 206, headers: { "content-range": "bytes 100-299999/300001" }, code: "PROTOCOL" },
    { name: "no size", status: 206, headers: { "content-range": "bytes 100-299999/*" }, code: "PROTOCOL" },
    { name: "no range", status: 206, headers: {}, code: "PROTOCOL" },
    { name: "an end beyond", status: 206, headers: { "content-range": "bytes 100-300000/300000" }, code: "PROTOCOL" },
    { name: "no such range", status: 416, headers: {}, code: "PROTOCOL" },
    { name: "a smaller blob", status: 416, headers: { "content-range": "bytes */50" }, code: "SIZE_MISMATCH" },
    {
      name: "a larger blob",
      status: 200,
      headers: { "content-length": "300001" },
      body: "x".repeat(300_001),
      code: "SIZE_MISMATCH",
    },
    {
      name: "more than the range",
      status: 206,
      headers: { "content-range": "bytes 100-109/300000" },
      body: "x".repeat(50),
      code: "SIZE_MISMATCH",
    },
    {
      name: "less than the range",
      status: 206,
      headers: { "content-range": "bytes 100-299999/300000" },
      body: "x",
      code: "SIZE_MISMATCH",
    },
    {
      name: "an end before the start",
      status: 206,
      headers: { "content-range": "bytes 100-50/300000" },
      code: "PROTOCOL",
    },
    {
      name: "several ranges",
      status: 206,
      headers: { "content-type": "multipart/byteranges; boundary=x", "content-range": "bytes 100-299999/300000" },
      code: "PROTOCOL",
    },
    {
      name: "a smaller blob",
      status: 200,
      headers: { "content-length": "5" },
      body: "12345",
      code: "SIZE_MISMATCH",
    },
    {
      name: "other bytes than the stored ones",
      status: 200,
      headers: { "content-encoding": "gzip" },
      code: "PROTOCOL",
    },
    { name: "nothing of the kind", status: 404, headers: {}, code: "NOT_FOUND" },
  ])("refuses $name in a $status", async ({ status, headers, body = "", code }) => {
    await using home = await aRepository();
    home.server.fail(faults.status(status, { headers, body }));
    const { error } = await readLane(home, 100);
    expect(error).toMatchObject({ code });
  });

  test("gives up on a registry that stops sending", async () => {
    await using home = await aRepository({ idleTimeoutMs: 50 });
    home.server.fail(faults.slow({ delayMs: 60_000 }));
    expect((await readLane(home, 0)).error).toMatchObject({ code: "TIMEOUT" });
  });

  test("ends with the signal's reason, and gives its slot back", async () => {
    await using home = await aRepository({ limits: { down: 1 } });
    const controller = new AbortController();
    const reading = home.repository.lane.read(blob, 0, () => controller.abort("enough"), controller.signal);
    await expect(reading).rejects.toBe("enough");
    expect((await readLane(home, 0)).bytes.byteLength).toBe(blob.size);
  });
});

/** A server that knows nothing of HTTP: the nth connection gets the nth answer, then the end. */
async function sayingOnly(...answers: readonly string[]) {
  const asked: string[] = [];
  const server = createServer((socket) => {
    socket.once("data", (data) => {
      asked.push(/^range: (.*)$/im.exec(data.toString())?.[1]?.trim() ?? "all");
      socket.end(answers[asked.length - 1] ?? "");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const registry = createRegistry(`127.0.0.1:${(server.address() as AddressInfo).port}`, { retryDelayMs: 1 });
  return {
    asked,
    repository: registry.repository("app"),
    async [Symbol.asyncDispose]() {
      await registry.close();
      server.close();
    },
  };
}

describe("an answer of an old or odd server", () => {
  const bytes = new TextEncoder().encode("hello, world");
  const text = { bytes, digest: digestOf(bytes), size: bytes.byteLength };
  const rest = "HTTP/1.1 206 Partial Content\r\ncontent-range: bytes 5-11/12\r\nconnection: close\r\n\r\n, world";

  test.for([
    { name: "that ends with its connection", answer: "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhello, world" },
    { name: "of HTTP/1.0", answer: "HTTP/1.0 200 OK\r\n\r\nhello, world", isPlain: false },
    {
      name: "with other answers before it",
      answer: [
        "HTTP/1.1 102 Processing\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\nlink: </style>\r\n\r\n",
        "HTTP/1.1 200 OK\r\ncontent-length: 12\r\nconnection: close\r\n\r\nhello, world",
      ].join(""),
    },
    {
      name: "in chunks, with trailers",
      answer:
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n" +
        "5;ext=1\r\nhello\r\n7\r\n, world\r\n0\r\nx-sum: 1\r\n\r\n",
      isPlain: false,
    },
    {
      name: "encoded as itself",
      answer: "HTTP/1.1 200 OK\r\ncontent-encoding: identity\r\nconnection: close\r\n\r\nhello, world",
    },
  ])("$name is read whole", async ({ answer, isPlain = true }) => {
    await using home = await sayingOnly(answer, answer);
    expect(await bytesOf(home.repository.fetchBlob(text))).toEqual(text.bytes);
    // what is not the plainest HTTP/1.1 is asked for once more, by another reader
    expect(home.asked).toEqual(isPlain ? ["all"] : ["all", "all"]);
  });

  test.for([
    { name: "with its connection", answer: "HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nhello" },
    { name: "before its length", answer: "HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\nhello" },
    {
      name: "inside a chunk",
      answer: "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n9\r\nhello",
      isPlain: false,
    },
    {
      name: "between chunks",
      answer: "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n",
      isPlain: false,
    },
  ])("that ends too early $name is continued", async ({ answer, isPlain = true }) => {
    const before = isPlain ? [] : [answer];
    await using home = await sayingOnly(...before, answer, rest);
    expect(await bytesOf(home.repository.fetchBlob(text))).toEqual(text.bytes);
    expect(home.asked).toEqual([...before.map(() => "all"), "all", "bytes=5-11"]);
  });

  test("that gives less than the range is continued after it", async () => {
    const head = "HTTP/1.1 206 Partial Content\r\nconnection: close\r\ncontent-range: bytes";
    await using home = await sayingOnly(`${head} 5-7/12\r\n\r\n, w`, `${head} 8-11/12\r\n\r\norld`);
    const part = await bytesOf(home.repository.fetchBlob(text, { offset: 5 }));
    expect(Buffer.from(part).toString()).toBe(", world");
    expect(home.asked).toEqual(["bytes=5-11", "bytes=8-11"]);
  });

  test("that starts again at a range is read from where it was broken off", async () => {
    const whole = "HTTP/1.1 200 OK\r\ncontent-length: 12\r\nconnection: close\r\n\r\nhello";
    await using home = await sayingOnly(whole, `${whole}, world`);
    expect(await bytesOf(home.repository.fetchBlob(text))).toEqual(text.bytes);
    expect(home.asked).toEqual(["all", "bytes=5-11"]);
  });

  test.for([
    { name: "that goes on with something else", answer: rest.replace("world", "wurst"), code: "DIGEST_MISMATCH" },
    { name: "that never ends", answer: `HTTP/1.1 200 OK\r\n\r\n${"hello, world".repeat(99)}`, code: "SIZE_MISMATCH" },
  ] as const)("$name is refused", async ({ answer, code }) => {
    await using home = await sayingOnly("HTTP/1.1 200 OK\r\ncontent-length: 12\r\n\r\nhello", answer);
    await expectCode(bytesOf(home.repository.fetchBlob(text)), code);
  });
});

describe("a redirect", () => {
  const credentials = { username: "user", password: "secret" };

  test("is followed to another host, without the credentials and with the range", async () => {
    await using storage = await startTestRegistry();
    storage.seed("store", blob);
    await using home = await aRepository({ credentials, limits: { down: 1 } }, { credentials });
    const location = `${storage.url}/v2/store/blobs/${blob.digest}`;
    home.server.fail(faults.status(307, { headers: { location } }), { match: /blobs/ });
    const { bytes, error } = await readLane(home, 1000);
    expect(error).toBeUndefined();
    expect(isFrom(bytes, 1000)).toBe(true);
    expect(home.server.requests().map(({ authorization }) => authorization)).toEqual([false, true]); // the first asks how
    expect(storage.requests()).toMatchObject([{ authorization: false, range: "bytes=1000-299999" }]);
  });

  test("is followed on the same host with the credentials", async () => {
    await using home = await aRepository({ credentials }, { credentials });
    home.server.seed("other", blob);
    home.server.failOnce(faults.status(302, { headers: { location: `/v2/other/blobs/${blob.digest}` } }));
    expect((await readLane(home, 0)).bytes.byteLength).toBe(blob.size);
    expect(home.server.requests().map(({ authorization }) => authorization)).toEqual([false, true, true]);
  });

  test.for([
    { name: "in a circle", location: `/v2/app/blobs/${blob.digest}`, requests: 6 },
    { name: "to a file", location: "file:///etc/passwd", requests: 1 },
    { name: "to nowhere", location: undefined, requests: 1 },
  ])("is refused $name", async ({ location, requests }) => {
    await using home = await aRepository();
    home.server.fail(faults.status(302, { headers: location === undefined ? {} : { location } }));
    expect((await readLane(home, 0)).error).toMatchObject({ code: "PROTOCOL" });
    expect(home.server.requests()).toHaveLength(requests);
  });

  test("from the open Internet to an address inside is refused", async () => {
    const asked: string[] = [];
    const proxy = createHttpServer(({ url = "" }, response) => {
      asked.push(url);
      response.writeHead(307, { location: "http://10.0.0.1/store" }).end();
    });
    await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void proxy.close());
    const options = { insecure: true, proxy: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, attempts: 1 };
    await using registry = createRegistry("registry.example", options);
    const error = await bytesOf(registry.repository("app").fetchBlob(blob)).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: "PROTOCOL", message: expect.stringContaining("a private address") });
    expect(asked).toEqual([`http://registry.example/v2/app/blobs/${blob.digest}`]);
  });

  test("that leads to a refusal tells from where, and not with which query", async () => {
    await using storage = await startTestRegistry();
    storage.fail(faults.status(403, { body: "<Error/>" }));
    await using home = await aRepository();
    const location = `${storage.url}/v2/store/blobs/${blob.digest}?X-Signature=verysecret`;
    home.server.fail(faults.status(307, { headers: { location } }));
    const { error } = await readLane(home, 0);
    expect(error).toMatchObject({ code: "FORBIDDEN" });
    expect(String(error)).toContain(storage.host);
    expect(String(error)).not.toContain("verysecret");
  });
});

describe("fetching a blob", () => {
  test("goes on at the byte where the connection broke, as often as something comes", async () => {
    await using home = await aRepository({ attempts: 2 });
    for (let n = 0; n < 4; n += 1) home.server.failOnce(faults.cutAfter(60_000));
    expect(Buffer.compare(await bytesOf(home.repository.fetchBlob(blob)), blob.bytes)).toBe(0);
    const ranges = home.server.requests().map(({ range }) => range);
    expect(ranges).toEqual([
      undefined,
      "bytes=60000-299999",
      "bytes=120000-299999",
      "bytes=180000-299999",
      "bytes=240000-299999",
    ]);
  });

  test("asks for no more than the part it was asked for", async () => {
    await using home = await aRepository();
    home.server.failOnce(faults.cutAfter(1000));
    const part = await bytesOf(home.repository.fetchBlob(blob, { offset: 500, length: 3000 }));
    expect(part).toEqual(blob.bytes.slice(500, 3500));
    expect(home.server.requests().map(({ range }) => range)).toEqual(["bytes=500-3499", "bytes=1500-3499"]);
  });

  test("gives up when nothing comes any more", async () => {
    await using home = await aRepository({ attempts: 3 });
    home.server.fail(faults.status(500));
    await expectCode(bytesOf(home.repository.fetchBlob(blob)), "SERVER_ERROR");
    expect(home.server.requests()).toHaveLength(3);
    expect(home.events).toMatchObject([{ attempt: 1 }, { attempt: 2 }]);
  });

  test("reports bytes that are not the digest's at the end", async () => {
    await using home = await aRepository();
    home.server.fail(faults.corrupt({ at: 299_999 }));
    await expectCode(bytesOf(home.repository.fetchBlob(blob)), "DIGEST_MISMATCH");
  });

  test("makes the registry wait for a slow reader, and gives the slot back when the reader leaves", async () => {
    await using home = await aRepository({ limits: { down: 1 } });
    const large = aBlob({ size: 40_000_000 });
    home.server.seed("app", large);
    for await (const _chunk of home.repository.fetchBlob(large)) {
      let before = -1;
      for (let quiet = 0; quiet < 200; quiet += 1) {
        if (home.server.bytesSent() !== before) quiet = 0;
        before = home.server.bytesSent();
        await new Promise((resolve) => setImmediate(resolve));
      }
      expect(before).toBeLessThan(large.size / 2);
      break;
    }
    expect((await bytesOf(home.repository.fetchBlob(blob))).byteLength).toBe(blob.size);
  });
});
