import { randomBytes } from "node:crypto";
import { link, lstat, mkdir, readdir, readFile, readlink, rm, stat, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import {
  blobOf,
  createFileClient,
  type Digest,
  digestOf,
  type FileFetcher,
  RegistryError,
  webFileFetcher,
} from "@tranship/registry";
import { type FileServer, faults, startFileServer } from "@tranship/registry/testing";
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from "vitest";
import { tempFolder } from "../../../../../tests/support/temp-folder.ts";
import type { DepsAccess } from "../access.ts";
import { DepsCache } from "../cache/deps-cache.ts";
import { type DepsErrorCode, isDepsError } from "../errors.ts";
import { HostSlots } from "../jobs/host-slots.ts";
import type { BringContext } from "../jobs/item-job.ts";
import type { DepsItem, DepsSource } from "../manifest.ts";
import { allowHosts } from "../trust/host-policy.ts";
import { fetchDocument } from "./fetch-document.ts";
import { createFileJob } from "./file-job.ts";
import { type LinkMaker, linkMakers } from "./place-link.ts";

const bytes = randomBytes(200_000);
const { digest, size } = blobOf(bytes);
const other = randomBytes(200_000);
const never = new AbortController().signal;
const files = createFileClient({ idleTimeoutMs: 5000 });
const webFiles = webFileFetcher({ idleTimeoutMs: 5000 });
const job = createFileJob({ delayMs: 1 });
let server: FileServer;

beforeAll(async () => {
  server = await startFileServer();
});
beforeEach(() => {
  server.reset();
  for (const path of ["/file", "/second"]) server.remove(path);
});
afterAll(async () => {
  await files[Symbol.asyncDispose]();
  await server[Symbol.asyncDispose]();
});

test.for<{
  name: string;
  algorithm?: "sha512";
  fault?: () => void;
  ranges: readonly string[];
  put?: object;
  item?: Partial<DepsItem>;
}>([
  { name: "as it comes", ranges: [""] },
  { name: "by its sha512", algorithm: "sha512", ranges: [""] },
  { name: "cut once", fault: () => server.failOnce(faults.cutAfter(70_000)), ranges: ["", "bytes=R-"] },
  {
    name: "cut where no range is known",
    fault: () => server.failOnce(faults.cutAfter(70_000)),
    put: { ranges: false },
    ranges: ["", "bytes=R-"],
  },
  {
    name: "cut where ranges are others than asked for",
    fault: () => {
      server.failOnce(faults.cutAfter(70_000));
      server.failOnce(faults.lyingRange());
    },
    ranges: ["", "bytes=R-", ""],
  },
  { name: "after a 503", fault: () => server.failOnce(faults.status(503)), ranges: ["", ""] },
  {
    name: "after a 429 with a date",
    fault: () => server.failOnce(faults.status(429, { headers: { "retry-after": "0" } })),
    ranges: ["", ""],
  },
  { name: "of unknown size", item: { size: undefined }, ranges: [""] },
  { name: "of untold length", fault: () => server.failOnce(faults.unsized()), ranges: [""] },
])(
  "a file is brought $name, and leaves nothing else behind",
  async ({ name, algorithm, fault, ranges, put, item: parts }) => {
    const { cache, context, path, link } = await start();
    server.put("/file", bytes, put);
    fault?.();
    const item = { ...anItem({ digest: digestOf(bytes, algorithm), path, link }), ...parts };
    const got = await job.bring(item, context);
    expect(got).toEqual({ digest: item.digest, sizeBytes: size, path });
    expect(await readFile(link)).toEqual(bytes);
    expect((await stat(path)).mode & 0o777).toBe(0o644 & ~process.umask());
    expect(server.requests().map(({ headers }) => (headers.range ?? "").replace(/\d+/, "R"))).toEqual(ranges);
    expect(await readdir(join(cache.workFolder, "partial"))).toEqual([]);
    expect(context.told.sum).toBe(size);
    if (name.startsWith("after a ")) expect(context.told.retried).toEqual([expect.stringContaining("127.0.0.1")]);
    expect(context.told.total).toBe(item.size === undefined ? size : undefined);
    expect(await job.probe(item, context)).toBe("present");
  },
);

test("what an earlier run left is gone on with", async () => {
  const { cache, context, path } = await start();
  server.put("/file", bytes);
  const item = anItem({ path });
  const ending = new AbortController();
  const stopping: FileFetcher = {
    async fetch(url, options) {
      const answer = await files.fetch(url, options);
      return {
        ...answer,
        body: untilEnded(answer.body, ending),
        [Symbol.asyncDispose]: () => answer[Symbol.asyncDispose](),
      };
    },
  };
  const ended = { ...context, signal: ending.signal, access: { ...context.access, files: stopping } };
  await expect(job.bring(item, ended)).rejects.toBe("enough");
  const folder = join(cache.workFolder, "partial");
  const [name = ""] = await readdir(folder);
  const begun = (await stat(join(folder, name))).size;
  expect(begun).toBeGreaterThan(0);
  await job.bring(item, context);
  expect(server.requests().map(({ headers }) => headers.range)).toEqual([undefined, `bytes=${begun}-`]);
  expect(await readFile(path)).toEqual(bytes);
});

test.for<{
  name: string;
  code: DepsErrorCode;
  details?: object;
  fault?: () => void;
  put?: Uint8Array | null;
  item?: Partial<DepsItem>;
}>([
  {
    name: "other bytes",
    put: other,
    code: "DIGEST_MISMATCH",
    details: { item: "thing", expected: digest, actual: digestOf(other) },
  },
  {
    name: "more bytes",
    put: Buffer.concat([bytes, other]),
    code: "SIZE_MISMATCH",
    details: { expected: size, actual: 2 * size },
  },
  { name: "fewer bytes", put: bytes.subarray(9), code: "SIZE_MISMATCH", details: { expected: size, actual: size - 9 } },
  {
    name: "fewer bytes than it lets know",
    put: bytes.subarray(9),
    fault: () => server.fail(faults.unsized()),
    code: "SIZE_MISMATCH",
    details: { item: "thing", expected: size, actual: size - 9 },
  },
  { name: "no end", fault: () => server.fail(faults.endless()), code: "SIZE_MISMATCH" },
  {
    name: "a coded answer",
    fault: () => server.fail(faults.gzip()),
    code: "TRANSFER_FAILED",
    details: { code: "PROTOCOL" },
  },
  { name: "nothing", put: null, code: "NOT_FOUND", details: {} },
  ...[410, 404].map((status) => ({
    name: `a ${status}`,
    fault: () => server.fail(faults.status(status)),
    code: "NOT_FOUND" as const,
  })),
  ...[401, 403, 418, 429, 500, 503].map((status) => ({
    name: `a ${status}`,
    fault: () => server.fail(faults.status(status)),
    code: "HTTP_STATUS" as const,
    details: { status },
  })),
  {
    name: "cuts alone",
    fault: () => server.fail(faults.reset()),
    code: "TRANSFER_FAILED",
    details: { failure: "transient" },
  },
])(
  "a server that gives $name is told by its address, and nothing is kept",
  async ({ code, details, fault, ...rest }) => {
    const { context, path, cache } = await start();
    const content = "put" in rest ? rest.put : bytes;
    if (content) server.put("/file", content);
    fault?.();
    const url = server.url("/file").replace("//", "//me:secret@");
    const item = anItem({ path, urls: [`${url}?token=hidden`] });
    const error = await failure(job.bring(item, context));
    expect(error).toMatchObject({ code, details: details ?? {} });
    expect(error.message).toContain("thing");
    expect(error.message).toContain(server.url("/file"));
    expect(error.message + JSON.stringify(error.details)).not.toMatch(/secret|hidden|me:/);
    expect(error.cause).toBeInstanceOf(RegistryError);
    expect(String(error.cause)).not.toMatch(/secret|hidden|me:/);
    expect(await readdir(join(cache.workFolder, "partial"))).toEqual([]);
    expect(context.told.sum).toBe(0);
    expect(await job.probe(item, context)).toBe("absent");
  },
);

test("the next address is asked when one fails, and goes on where that one ended", async () => {
  const { context, path } = await start();
  server.put("/file", bytes);
  server.put("/second", bytes);
  server.failOnce(faults.cutAfter(70_000), "/file");
  server.fail(faults.status(403), { match: "/file" });
  const urls = ["/none", "/file", "/second"].map((name) => server.url(name));
  await job.bring(anItem({ path, urls }), context);
  expect(server.requests().map((one) => [one.path, one.status])).toEqual([
    ["/none", 404],
    ["/file", 200],
    ["/file", 403],
    ["/second", 206],
  ]);
  expect(await readFile(path)).toEqual(bytes);
  expect(context.told.sum).toBe(size);
});

test("of several addresses that fail, one that does not say it has nothing says why", async () => {
  const { context, path } = await start();
  server.fail(faults.status(403), { match: "/second" });
  const urls = ["/none", "/second", "/file"].map((name) => server.url(name));
  const error = await failure(job.bring(anItem({ path, urls }), context));
  expect(error).toMatchObject({ code: "HTTP_STATUS", details: { status: 403 }, cause: { errors: [{}, {}, {}] } });
  for (const url of urls) expect(error.message).toContain(url);
});

test("redirects are followed to hosts that may be asked", async () => {
  await using elsewhere = await startFileServer();
  elsewhere.put("/file", bytes);
  server.redirect("/file", elsewhere.url("/file"));
  const { context, path } = await start();
  const hosts = allowHosts([server.host]);
  const refused = { ...context, access: { ...context.access, hosts } };
  const error = await failure(job.bring(anItem({ path }), refused));
  expect(error).toMatchObject({ code: "HOST_FORBIDDEN", details: { host: elsewhere.host } });
  expect(elsewhere.requests()).toEqual([]);
  await job.bring(anItem({ path }), context);
  expect(await readFile(path)).toEqual(bytes);
});

test("one slot is held for each exchange, and none while there is nothing to ask", async () => {
  const { context, path } = await start({ slots: new HostSlots({ total: 1 }) });
  server.put("/file", bytes);
  server.put("/second", other);
  server.failOnce(faults.cutAfter(70_000), "/file");
  const paths = [path, `${path}-2`];
  const items = [
    anItem({ path }),
    anItem({ path: `${path}-2`, urls: [server.url("/second")], digest: digestOf(other), id: "second" }),
  ];
  await Promise.all(items.map((item) => job.bring(item, context)));
  expect(server.mostOpen()).toBe(1);
  expect(await Promise.all(paths.map((one) => readFile(one)))).toEqual([bytes, other]);
});

test("a file without a digest is brought over TLS alone, and is never known to be the right one", async () => {
  const { context, path, link } = await start();
  server.put("/file", bytes);
  const item = { ...anItem({ path, link }), digest: undefined, size: undefined };
  expect(await job.probe(item, context)).toBe("absent");
  expect(await failure(job.bring(item, context))).toMatchObject({ code: "URL_INVALID" });
  expect(server.requests()).toEqual([]);

  const tls = { ...item, source: { type: "http", urls: ["https://files.example/file"] } } as const;
  const asked: (string | undefined)[] = [];
  const overTls: FileFetcher = {
    fetch: async (_, { onAddress: _none, ...options } = {}) => {
      asked.push(options.ifRange);
      return await files.fetch(server.url("/file"), options);
    },
  };
  const trusting = { ...context, access: { ...context.access, files: overTls } };
  server.failOnce(faults.cutAfter(70_000));
  expect(await job.bring(tls, trusting)).toEqual({ digest, sizeBytes: size, path });
  expect(asked).toEqual([undefined, expect.stringMatching(/^"/)]);
  expect(await job.probe(tls, context)).toBe("unpinned");
  expect(await job.content(tls, context)).toEqual({ digest, sizeBytes: size, path });
  expect(await readFile(link)).toEqual(bytes);
});

test.for([
  { name: "a local file", pinned: true },
  { name: "a local file without a digest", pinned: false },
])("$name is copied, and noticed when it changes", async ({ pinned }) => {
  const { root, context, path } = await start();
  const from = join(root, "from");
  await writeFile(`${from}-true`, bytes, { mode: 0o755 });
  await symlink("from-true", from);
  const item = {
    ...anItem({ path, source: { type: "file", path: from } }),
    ...(pinned ? {} : { digest: undefined, size: undefined }),
  };
  expect(await job.probe(item, context)).toBe("absent");
  expect(await job.bring(item, context)).toEqual({ digest, sizeBytes: size, path });
  expect((await stat(path)).mode & 0o777).toBe(0o644 & ~process.umask());
  expect(await job.probe(item, context)).toBe("present");
  await writeFile(from, other);
  expect(await job.probe(item, context)).toBe(pinned ? "present" : "differs");
  await rm(path);
  const again = job.bring(item, context);
  if (pinned) expect(await failure(again)).toMatchObject({ code: "DIGEST_MISMATCH" });
  else expect(await again).toMatchObject({ digest: digestOf(other) });
  await writeFile(from, "short");
  const short = job.bring(item, { ...context, isDeep: true });
  if (pinned) expect(await failure(short)).toMatchObject({ code: "SIZE_MISMATCH", details: { actual: 5 } });
  else expect(await short).toMatchObject({ sizeBytes: 5 });
  await rm(from);
  await rm(path, { force: true });
  expect(await failure(job.bring(item, context))).toMatchObject({ code: "FILE_FAILED", details: { reason: "ENOENT" } });
  await mkdir(from);
  expect(await failure(job.bring(item, context))).toMatchObject({ code: "FILE_FAILED" });
});

test("without the network, local sources are brought alone", async () => {
  const { root, context, path } = await start();
  await writeFile(join(root, "from"), bytes);
  const item = (source: DepsSource) => anItem({ path: `${path}-${source.type}`, source });
  const web = { type: "http", urls: [server.url("/file")] } as const;
  expect(await job.bringOffline?.(item(web), context)).toBeUndefined();
  const local = [{ type: "inline", bytes } as const, { type: "file", path: join(root, "from") } as const];
  for (const source of local) expect(await job.bringOffline?.(item(source), context)).toMatchObject({ digest });
  expect(server.requests()).toEqual([]);
});

test("bytes of a manifest are written, and must be what the digest says", async () => {
  const { context, path } = await start();
  const source: DepsSource = { type: "inline", bytes };
  const item = { ...anItem({ path, source }), digest: undefined, size: undefined };
  expect(await job.bring(item, context)).toEqual({ digest, sizeBytes: size, path });
  expect(await job.probe(item, context)).toBe("present");
  await writeFile(path, other);
  expect(await job.probe(item, context)).toBe("differs");
  const wrong = anItem({ path, source, digest: digestOf(other) });
  expect(
    await failure(job.bring({ ...wrong, sink: { ...wrong.sink, path: `${path}2` } as DepsItem["sink"] }, context)),
  ).toMatchObject({
    code: "DIGEST_MISMATCH",
  });
});

test.for(["bring", "bringOffline"] as const)("a file of an older tool becomes the content: %s", async (way) => {
  const { context, path, link: old } = await start();
  await mkdir(dirname(old), { recursive: true });
  await writeFile(old, bytes);
  const item = anItem({ path, link: old });
  expect(await job.probe(item, context)).toBe("absent");
  expect(await job[way]?.(item, context)).toEqual({ digest, sizeBytes: size, path });
  expect(server.requests()).toEqual([]);
  expect(await readFile(path)).toEqual(bytes);
  expect(await readlink(old)).toBe("../../../blobs/content");
  expect(await job.probe(item, context)).toBe("present");
  expect(context.told.sum).toBe(size);
});

test.for<{ name: string; make: (at: string) => Promise<unknown>; probe?: string }>([
  { name: "another file", make: (at) => writeFile(at, other) },
  { name: "a link to nowhere", make: (at) => symlink("nowhere", at) },
  { name: "a link to itself", make: (at) => symlink(at, at) },
  { name: "nothing", make: async () => {} },
  { name: "a complete link", make: async (at) => symlink(join(at, "../../../../blobs/content"), at) },
  {
    name: "a second name of the content",
    make: (at) => link(join(at, "../../../../blobs/content"), at),
    probe: "present",
  },
  { name: "a copy of the content", make: (at) => writeFile(at, bytes), probe: "present" },
])("a link is put in place of $name", async ({ make, probe = "differs" }) => {
  const { context, path, link: at } = await start();
  server.put("/file", bytes);
  const item = anItem({ path, link: at });
  await job.bring(item, context);
  await rm(at);
  await make(at);
  expect(await job.probe(item, context)).toBe(probe);
  await job.bring(item, context);
  expect(await readFile(at)).toEqual(bytes);
  expect(await job.probe(item, context)).toBe("present");
  expect(await readdir(dirname(at))).toEqual(["file"]);
  expect(server.requests()).toHaveLength(1);
});

const refuse: LinkMaker = async () => {
  throw Object.assign(new Error("not here"), { code: "EPERM" });
};

test.for([
  { name: "symbolic links", makers: [refuse, ...linkMakers.slice(1)], isSame: true },
  { name: "any links", makers: [refuse, refuse, ...linkMakers.slice(2)], isSame: false },
])("where there are no $name, the file is there all the same", async ({ makers, isSame }) => {
  const { context, path, link: at } = await start();
  server.put("/file", bytes);
  const item = anItem({ path, link: at });
  const poor = createFileJob({ linkMakers: makers });
  await poor.bring(item, context);
  expect(await readFile(at)).toEqual(bytes);
  expect((await lstat(at)).isFile()).toBe(true);
  expect((await lstat(at)).ino === (await lstat(path)).ino).toBe(isSame);
  expect(await poor.probe(item, context)).toBe("present");
  await writeFile(at, other.subarray(1));
  expect(await poor.probe(item, context)).toBe("differs");
});

test("what a process left that was killed before a link had its name goes when the link is made", async () => {
  const { context, path, link: at } = await start();
  server.put("/file", bytes);
  const item = anItem({ path, link: at });
  const made = Promise.withResolvers<void>();
  const stuck: LinkMaker = async (content, temporary) => {
    await symlink(content, temporary);
    made.resolve();
    await new Promise(() => {});
  };
  void createFileJob({ linkMakers: [stuck] }).bring(item, context);
  await made.promise;
  expect(await readdir(dirname(at))).toEqual([expect.stringMatching(/^\.[0-9a-f-]{36}\.tmp$/)]);
  await job.bring(item, context);
  expect(await readdir(dirname(at))).toEqual(["file"]);
});

test("no link is put in place of a folder, nor out of the cache", async () => {
  const { root, context, path, link: at } = await start();
  server.put("/file", bytes);
  await mkdir(at, { recursive: true });
  expect(await failure(job.bring(anItem({ path, link: at }), context))).toMatchObject({ code: "FILE_FAILED" });
  const outside = join(root, "outside");
  expect(await failure(job.bring(anItem({ path, link: outside }), context))).toMatchObject({ code: "NAME_UNSAFE" });
  expect(await failure(job.bring(anItem({ path: outside }), context))).toMatchObject({ code: "NAME_UNSAFE" });
});

test("items of one digest are fetched once, also at the same time", async () => {
  const { context, path } = await start();
  server.put("/file", bytes);
  const paths = [path, `${path}-2`, `${path}-3`];
  await Promise.all(paths.map((one) => job.bring(anItem({ path: one }), context)));
  expect(server.requests()).toHaveLength(1);
  for (const one of paths) expect(await readFile(one)).toEqual(bytes);
});

test.for<{
  name: string;
  statuses: readonly (number | "cut" | "reset")[];
  waits: readonly number[];
  code?: DepsErrorCode;
  seconds?: string;
}>([
  { name: "at once", statuses: [], waits: [] },
  { name: "after three failures", statuses: [502, 408, 429], waits: [1000, 2000, 4000] },
  { name: "after failures of the network", statuses: ["cut", "reset"], waits: [1000, 2000] },
  { name: "not after a fourth", statuses: [500, 500, 500, 599], waits: [1000, 2000, 4000], code: "HTTP_STATUS" },
  { name: "not after a 404", statuses: [404], waits: [], code: "NOT_FOUND" },
  { name: "not after a 403", statuses: [403], waits: [], code: "HTTP_STATUS" },
  { name: "when the server wants to be asked again", statuses: [503, 503], waits: [30_000, 30_000], seconds: "30" },
  { name: "not when that is too long", statuses: [429], waits: [], seconds: "3600", code: "HTTP_STATUS" },
])("a document is read $name", async ({ statuses, waits, code, seconds }) => {
  const url = server.put("/file", "{}", { etag: '"1"' });
  for (const status of statuses) {
    const headers = seconds === undefined ? {} : { "retry-after": seconds };
    if (status === "cut") server.failOnce(faults.cutAfter(1));
    else server.failOnce(status === "reset" ? faults.reset() : faults.status(status, { headers }));
  }
  const slept: number[] = [];
  const sleep = async (ms: number) => slept.push(ms);
  const reading = fetchDocument(url, { access: { files: webFiles }, item: "the manifest", sleep });
  if (code) expect(await failure(reading)).toMatchObject({ code });
  else expect(await reading).toEqual({ bytes: Buffer.from("{}"), etag: '"1"' });
  expect(slept).toEqual(waits);
});

test("a document is bounded, and known by its version", async () => {
  const url = server.put("/file", bytes, { etag: '"1"' });
  const reading = { access: { files }, item: "the manifest" };
  expect(await fetchDocument(url, { ...reading, ifNoneMatch: '"1"' })).toBe("unchanged");
  expect(await fetchDocument(url, { ...reading, ifNoneMatch: '"0"', maxBytes: size })).toMatchObject({ etag: '"1"' });
  expect(await failure(fetchDocument(url, { ...reading, maxBytes: size - 1 }))).toMatchObject({ code: "TOO_LARGE" });
  server.failOnce(faults.endless());
  expect(await failure(fetchDocument(url, reading))).toMatchObject({ code: "TOO_LARGE" });
  expect(await failure(fetchDocument("file:///etc/passwd", reading))).toMatchObject({ code: "URL_INVALID" });
  const hosts = allowHosts(["files.example"]);
  expect(await failure(fetchDocument(url, { ...reading, access: { files, hosts } }))).toMatchObject({
    code: "HOST_FORBIDDEN",
  });
  const ending = new AbortController();
  server.fail(faults.status(500));
  const sleep = async () => ending.abort("enough");
  await expect(fetchDocument(url, { ...reading, signal: ending.signal, sleep })).rejects.toBe("enough");
});

async function start(parts: Partial<BringContext> = {}) {
  const root = tempFolder();
  const cache = await DepsCache.open(join(root, "cache"));
  onTestFinished(async () => await cache[Symbol.asyncDispose]());
  const told = { sum: 0, total: undefined as number | undefined, retried: [] as string[] };
  const progress: BringContext["progress"] = {
    started() {},
    add: (count) => {
      told.sum += count;
    },
    total: (count) => {
      told.total = count;
    },
    retrying: (error) => {
      told.retried.push(String(error));
    },
  };
  const registry = () => {
    throw new Error("no registry is to be asked");
  };
  const access: DepsAccess = { files, registry };
  const { contents, staging } = cache;
  const slots = new HostSlots({ total: 4 });
  const context = { contents, staging, slots, access, progress, isDeep: false, signal: never, told, ...parts };
  const at = (path: string) => join(cache.path, path);
  return { root, cache, context, path: at("vmconfig/blobs/content"), link: at("vmconfig/artifacts/thing/1/file") };
}

interface ItemParts {
  readonly path: string;
  readonly link?: string;
  readonly id?: string;
  readonly digest?: Digest;
  readonly urls?: readonly string[];
  readonly source?: DepsSource;
}

function anItem({ path, link: to, id = "thing", urls = [server.url("/file")], source, ...parts }: ItemParts): DepsItem {
  const sink = { type: "file", path, links: to === undefined ? [] : [to] } as const;
  return {
    id,
    version: "1",
    source: source ?? { type: "http", urls },
    digest,
    size,
    selectors: {},
    sink,
    labels: {},
    ...parts,
  };
}

async function failure(work: Promise<unknown>) {
  const error = await work.then(
    (value) => new Error(`worked: ${JSON.stringify(value)}`),
    (thrown: unknown) => thrown,
  );
  if (!isDepsError(error)) throw error;
  return error;
}

async function* untilEnded(body: AsyncIterable<Uint8Array>, ending: AbortController) {
  for await (const chunk of body) {
    yield chunk;
    ending.abort("enough");
  }
}
