import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { isRegistryError, RegistryError } from "../errors.ts";
import { type FileServer, faults, startFileServer } from "../testing/index.ts";
import { randomBytes } from "../testing/random-bytes.ts";
import { createFileClient } from "./file-client.ts";
import type { FetchedFile, FetchFileOptions, FileFetcher } from "./file-fetcher.ts";
import { redirectTarget } from "./redirect-target.ts";
import { webFileFetcher } from "./web-file-fetcher.ts";

const bytes = randomBytes(200_000, "file");
const size = bytes.byteLength;
const etag = '"v1"';

const client = createFileClient({ idleTimeoutMs: 5000 });
const impatient = createFileClient({ idleTimeoutMs: 50 });
let server: FileServer;
let other: FileServer;

beforeAll(async () => {
  server = await startFileServer();
  other = await startFileServer();
  server.put("/file", bytes, { etag });
});
beforeEach(() => {
  server.reset();
  other.reset();
});
afterAll(async () => {
  for (const one of [client, impatient, server, other]) await one[Symbol.asyncDispose]();
});

async function bytesOf(file: FetchedFile): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of file.body) chunks.push(chunk);
  return new Uint8Array(Buffer.concat(chunks));
}

describe.for([
  { name: "createFileClient", files: client as FileFetcher, hasty: impatient as FileFetcher },
  { name: "webFileFetcher", files: webFileFetcher(), hasty: webFileFetcher({ idleTimeoutMs: 50 }) },
])("$name", ({ files, hasty }) => {
  const read = async (url: string, options?: FetchFileOptions) => await bytesOf(await files.fetch(url, options));

  test.for<{
    name: string;
    asked?: FetchFileOptions;
    outcome: FetchedFile["outcome"];
    from?: number;
    sent?: Record<string, string>;
  }>([
    { name: "a file", outcome: "whole", sent: { "accept-encoding": "identity" } },
    { name: "the rest of a file", asked: { offset: 400 }, outcome: "rest", from: 400, sent: { range: "bytes=400-" } },
    {
      name: "the last byte",
      asked: { offset: size - 1 },
      outcome: "rest",
      from: size - 1,
      sent: { range: `bytes=${size - 1}-` },
    },
    {
      name: "the rest of the same version",
      asked: { offset: 400, ifRange: etag },
      outcome: "rest",
      from: 400,
      sent: { range: "bytes=400-", "if-range": etag },
    },
    {
      name: "another version whole",
      asked: { offset: 400, ifRange: '"v0"' },
      outcome: "whole",
      sent: { range: "bytes=400-", "if-range": '"v0"' },
    },
    {
      name: "all when a weak version cannot promise the rest",
      asked: { offset: 400, ifRange: 'W/"v1"' },
      outcome: "whole",
    },
    { name: "what is not the known version", asked: { ifNoneMatch: '"v0"' }, outcome: "whole" },
    { name: "nothing of the known version", asked: { ifNoneMatch: etag }, outcome: "unchanged", from: size },
    {
      name: "nothing from the end on",
      asked: { offset: size },
      outcome: "beyond",
      from: size,
      sent: { range: `bytes=${size}-` },
    },
    {
      name: "nothing behind the end",
      asked: { offset: size + 1 },
      outcome: "beyond",
      from: size,
      sent: { range: `bytes=${size + 1}-` },
    },
  ])("fetches $name", async ({ asked, outcome, from = 0, sent = {} }) => {
    await using file = await files.fetch(server.url("/file#part"), asked);
    expect(file).toMatchObject({ outcome, url: server.url("/file"), etag });
    if (outcome !== "unchanged") expect(file.size).toBe(size);
    expect(Buffer.compare(await bytesOf(file), bytes.subarray(from))).toBe(0);
    expect(() => file.body[Symbol.asyncIterator]()).toThrow("was read or dropped before");
    expect(server.requests()).toMatchObject([{ method: "GET", path: "/file", headers: sent }]);
    expect(server.requests()[0]?.range).toBe(sent.range);
  });

  test("fetches empty files, files of no version, and files of no said size", async () => {
    expect(await read(server.put("/empty", ""))).toHaveLength(0);
    const unversioned = await files.fetch(server.put("/unversioned", bytes, { etag: false, ranges: false }), {
      offset: 7,
    });
    expect([unversioned.outcome, unversioned.etag]).toEqual(["whole", undefined]);
    expect(await bytesOf(unversioned)).toHaveLength(size);
    server.failOnce(faults.unsized(), "/file");
    const unsized = await files.fetch(server.url("/file"));
    expect([unsized.outcome, unsized.size]).toEqual(["whole", undefined]);
    expect(Buffer.compare(await bytesOf(unsized), bytes)).toBe(0);
  });

  test.for<{ name: string; fault: Parameters<FileServer["fail"]>[0]; asked?: FetchFileOptions; error: object }>([
    { name: "404", fault: faults.htmlError(404), error: { code: "NOT_FOUND" } },
    { name: "410", fault: faults.status(410), error: { code: "NOT_FOUND" } },
    { name: "401", fault: faults.unauthorizedAfter(0), error: { code: "UNAUTHORIZED" } },
    { name: "403", fault: faults.status(403), error: { code: "FORBIDDEN" } },
    {
      name: "429",
      fault: faults.status(429, { headers: { "retry-after": "7" } }),
      error: { code: "RATE_LIMITED", details: { retryAfterMs: 7000 } },
    },
    {
      name: "503",
      fault: faults.status(503, { headers: { "retry-after": "2" } }),
      error: { code: "SERVER_ERROR", details: { status: 503, retryAfterMs: 2000 } },
    },
    { name: "408", fault: faults.status(408), error: { code: "SERVER_ERROR", details: { status: 408 } } },
    { name: "204", fault: faults.status(204), error: { code: "UNEXPECTED_STATUS", details: { status: 204 } } },
    { name: "304 to no condition", fault: faults.status(304), error: { code: "UNEXPECTED_STATUS" } },
    { name: "416 to no range", fault: faults.status(416), error: { code: "UNEXPECTED_STATUS" } },
    {
      name: "206 to no range",
      fault: faults.status(206, { headers: { "content-range": "bytes 0-1/2" }, body: "ab" }),
      error: { code: "PROTOCOL" },
    },
    {
      name: "416 within the file",
      fault: faults.status(416, { headers: { "content-range": "bytes */500" } }),
      asked: { offset: 400 },
      error: { code: "PROTOCOL" },
    },
    { name: "another range", fault: faults.lyingRange(), asked: { offset: 400 }, error: { code: "PROTOCOL" } },
    {
      name: "a range of another total",
      fault: faults.lyingRange({ mode: "total" }),
      asked: { offset: 400 },
      error: { code: "PROTOCOL" },
    },
    {
      name: "a range of no total",
      fault: faults.status(206, { headers: { "content-range": "bytes 400-401/*" }, body: "ab" }),
      asked: { offset: 400 },
      error: { code: "PROTOCOL" },
    },
    {
      name: "a range longer than it says",
      fault: faults.status(206, { headers: { "content-range": "bytes 400-401/402" }, body: "abc" }),
      asked: { offset: 400 },
      error: { code: "PROTOCOL" },
    },
    {
      name: "several ranges",
      fault: faults.status(206, { headers: { "content-type": "multipart/byteranges; boundary=b" } }),
      asked: { offset: 400 },
      error: { code: "PROTOCOL" },
    },
    { name: "a content coding", fault: faults.gzip(), error: { code: "PROTOCOL" } },
    { name: "a reset", fault: faults.reset(), error: { code: "NETWORK" } },
    { name: "a redirect to nowhere", fault: faults.status(302), error: { code: "PROTOCOL" } },
    {
      name: "a redirect to another scheme",
      fault: faults.status(302, { headers: { location: "file:///etc/passwd" } }),
      error: { code: "PROTOCOL" },
    },
  ])("refuses $name", async ({ fault, asked, error }) => {
    server.failOnce(fault, "/file");
    const { host } = server;
    await expect(files.fetch(server.url("/file?token=s3cret"), asked)).rejects.toMatchObject({
      message: expect.stringMatching(`^cannot fetch http://${host}/file: (?!.*s3cret)`),
      ...error,
    });
    expect(await read(server.url("/file"), asked)).not.toHaveLength(0);
  });

  test.for([
    { name: "breaks off", fault: faults.cutAfter(150_000), asked: {} },
    { name: "breaks off in the rest", fault: faults.cutAfter(1000), asked: { offset: 400 } },
  ])("tells of a body that $name", async ({ fault, asked }) => {
    server.failOnce(fault, "/file");
    const file = await files.fetch(server.url("/file"), asked);
    await expect(bytesOf(file)).rejects.toMatchObject({ code: "NETWORK" });
  });

  test("tells of a body that falls silent", async () => {
    server.fail(faults.stall({ afterBytes: 1000 }), { match: "/file" });
    const reading = hasty.fetch(server.url("/file")).then(bytesOf);
    await expect(reading).rejects.toMatchObject({ code: "TIMEOUT", details: { idleMs: 50 } });
  });

  test("tells of a server that never answers", async () => {
    server.holdUntil(2);
    await expect(hasty.fetch(server.url("/file"))).rejects.toMatchObject({ code: "TIMEOUT", details: { idleMs: 50 } });
  });

  test.for([301, 302, 303, 307, 308])("follows a redirect of status %i", async (status) => {
    const target = other.put("/target file", bytes, { etag });
    const url = server.redirect("/led", server.redirect("/led/on", target, status), status);
    const seen: string[] = [];
    const onAddress = ({ href }: URL) => void seen.push(href);
    await using file = await files.fetch(url, { offset: 400, ifRange: etag, onAddress });
    expect(file).toMatchObject({ outcome: "rest", url: target });
    expect(Buffer.compare(await bytesOf(file), bytes.subarray(400))).toBe(0);
    expect(seen).toEqual([url, server.url("/led/on"), target]);
    expect(other.requests()).toMatchObject([
      { path: "/target%20file", range: "bytes=400-", headers: { "if-range": etag } },
    ]);
  });

  test("follows ten redirects, and no eleventh", async () => {
    for (let n = 0; n < 11; n += 1) server.redirect(`/hop/${n}`, n === 10 ? "/file" : `${n + 1}`);
    expect(await read(server.url("/hop/1"))).toHaveLength(size);
    await expect(files.fetch(server.url("/hop/0"))).rejects.toMatchObject({
      code: "PROTOCOL",
      message: expect.stringContaining("more than 10 redirects"),
    });
  });

  test("goes nowhere that its caller forbids", async () => {
    const url = server.redirect("/led", other.put("/forbidden", bytes));
    const refusal = new Error("not there");
    const onAddress = ({ host }: URL) => {
      if (host === other.host) throw refusal;
    };
    await expect(files.fetch(url, { onAddress })).rejects.toBe(refusal);
    expect(other.requests()).toEqual([]);
  });

  test("shows the user info of an address to its own server alone", async () => {
    const credentials = { username: "ann@example", password: "p%ss:word" };
    const shared = server.put("/secret", bytes, { credentials });
    server.redirect("/near", "/secret");
    server.redirect("/far", other.redirect("/back", shared));
    const withUser = (path: string) => server.url(path).replace("//", "//ann%40example:p%25ss%3Aword@");
    const file = await files.fetch(withUser("/near"));
    expect(file.url).toBe(shared);
    expect(await bytesOf(file)).toHaveLength(size);
    const failure: unknown = await files.fetch(withUser("/far")).catch((error: unknown) => error);
    expect(failure).toMatchObject({ code: "UNAUTHORIZED" });
    expect(JSON.stringify([failure, String(failure)])).not.toContain("word");
    expect(other.requests()).toMatchObject([{ path: "/back", authorization: false }]);
    await expect(files.fetch(shared)).rejects.toMatchObject({ code: "UNAUTHORIZED" });
  });

  test.for(["no address", "http://", "ftp://host/file", "file:///etc/passwd", "data:,x", "https://ann:s3cret@ho st/"])(
    "fetches nothing from %s",
    async (address) => {
      const failure: unknown = await files.fetch(address).catch((error: unknown) => error);
      expect(failure).toMatchObject({ code: "INVALID_REFERENCE" });
      expect(JSON.stringify([failure, String(failure)])).not.toContain("s3cret");
    },
  );

  test.for<FetchFileOptions>([{ offset: -1 }, { offset: 0.5 }, { ifRange: '"a"\r\nx: y' }, { ifNoneMatch: "" }])(
    "asks for nothing that makes no sense: %o",
    async (asked) => {
      await expect(files.fetch(server.url("/file"), asked)).rejects.toThrow(/must be/);
      expect(server.requests()).toEqual([]);
    },
  );

  test("ends with the reason of its signal: before, without an answer, and in the body", async () => {
    const reason = new Error("enough");
    const url = server.url("/file");
    await expect(files.fetch(url, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(server.requests()).toEqual([]);

    server.holdUntil(2);
    const early = new AbortController();
    const waiting = files.fetch(url, { signal: early.signal });
    await expect.poll(() => server.requests()).toHaveLength(1);
    early.abort(reason);
    await expect(waiting).rejects.toBe(reason);

    server.reset();
    server.failOnce(faults.stall({ afterBytes: 1000 }), "/file");
    const late = new AbortController();
    const file = await files.fetch(url, { signal: late.signal });
    const reading = async () => {
      for await (const _chunk of file.body) late.abort(reason);
    };
    await expect(reading()).rejects.toBe(reason);
  });

  test("gives nothing more once aborted, though more has come", async () => {
    const leaving = new AbortController();
    const file = await files.fetch(server.url("/file"), { signal: leaving.signal });
    const chunks = file.body[Symbol.asyncIterator]();
    await chunks.next();
    await expect.poll(() => server.bytesSent()).toBe(size);
    await (await fetch(other.url("/none"))).bytes(); // what was sent has arrived
    leaving.abort(new Error("enough"));
    await expect(chunks.next()).rejects.toBe(leaving.signal.reason);
  });

  test("asks for no more than its reader takes, and drops the connection when that leaves", async () => {
    server.failOnce(faults.endless(), "/file");
    const before = server.connections();
    const file = await files.fetch(server.url("/file"));
    for await (const _chunk of file.body) {
      let sent = -1;
      for (let quiet = 0; quiet < 3; ) {
        quiet = sent === server.bytesSent() ? quiet + 1 : 0; // never, where nobody holds the server back
        sent = server.bytesSent();
        await (await fetch(other.url("/none"))).bytes();
      }
      break;
    }
    await expect.poll(() => server.requests().at(-1)?.failure ?? "open").not.toBe("open");
    expect(server.connections()).toBeLessThanOrEqual(before + 1);
    await using unread = await files.fetch(server.url("/file"));
    await unread[Symbol.asyncDispose]();
    expect(() => unread.body[Symbol.asyncIterator]()).toThrow("was read or dropped before");
  });
});

test.for<{ name: string; fetch: typeof fetch; code: string }>([
  {
    name: "hides where redirects lead",
    fetch: async () => Object.defineProperty(new Response(), "type", { value: "opaqueredirect" }),
    code: "UNSUPPORTED",
  },
  {
    name: "follows redirects by itself",
    fetch: async () => Object.defineProperty(new Response("text"), "redirected", { value: true }),
    code: "PROTOCOL",
  },
  { name: "never answers nor heeds its signal", fetch: () => new Promise(() => {}), code: "TIMEOUT" },
  { name: "fails for no known reason", fetch: () => Promise.reject(new TypeError("no")), code: "NETWORK" },
  {
    name: "gives less than was said",
    fetch: async () => new Response("text", { headers: { "content-length": "5" } }),
    code: "NETWORK",
  },
  {
    name: "gives more than was said",
    fetch: async () => new Response("text", { headers: { "content-length": "3" } }),
    code: "PROTOCOL",
  },
])("webFileFetcher fails with a fetch that $name", async ({ fetch, code }) => {
  const files = webFileFetcher({ fetch, idleTimeoutMs: 20 });
  const failure: unknown = await files
    .fetch("https://example.org/file")
    .then(bytesOf)
    .catch((error: unknown) => error);
  expect(failure).toBeInstanceOf(RegistryError);
  expect(isRegistryError(failure) && failure.code).toBe(code);
});

test.for([
  ["https://a.example/x/y", "../z?q=1#part", "https://a.example/z?q=1"],
  ["https://a.example/x", "https://ann:pw@b.example/z", "https://b.example/z"],
  ["http://a.example/x", "https://a.example/x", "https://a.example/x"],
  ["http://a.example/x", "//b.example/x", "http://b.example/x"],
  ["http://127.0.0.1/x", "http://10.0.0.1/x", "http://10.0.0.1/x"],
  ["https://a.example/x", "http://a.example/x", /from https to http/],
  ["https://a.example/x", "http://127.0.0.1/x", /from https to http/],
  ["http://a.example/x", "file:///x", /of scheme file:/],
  ["http://a.example/x", "javascript:alert(1)", /of scheme javascript:/],
  ["http://a.example/x", "http://10.0.0.1/x", /a private address/],
  ["http://a.example/x", "http://169.254.169.254/x", /a link-local address/],
  ["http://a.example/x", "http://[::ffff:127.0.0.1]/x", /a loopback address/],
  ["http://a.example/x", "http://localhost/x", /a loopback address/],
  ["http://a.example/x", "http://[/", /not a URL/],
  ["http://a.example/x", undefined, /no Location/],
] as const)("from %s a redirect to %s leads to %s", ([from, location, expected]) => {
  const target = redirectTarget(location, new URL(from), new URL(from));
  if (typeof expected === "string") expect(String(target)).toBe(expected);
  else expect(target).toMatch(expected);
});

test("a private name in between opens no private network", () => {
  const [from, first] = [new URL("http://files.internal/x"), new URL("http://a.example/x")];
  expect(redirectTarget("http://10.0.0.1/x", from, from)).toBeInstanceOf(URL);
  expect(redirectTarget("http://10.0.0.1/x", from, first)).toMatch(/a private address/);
});
