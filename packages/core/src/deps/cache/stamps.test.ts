import {
  chmodSync,
  copyFileSync,
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { type Digest, digestOf } from "@tranship/registry";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { tempFolder } from "../../../../../tests/support/temp-folder.ts";
import { DepsCache } from "./deps-cache.ts";
import { HashPool } from "./hash-pool.ts";

const bytes = Buffer.from("what is kept");
const other = Buffer.from("what is else");
const content = { digest: digestOf(bytes), size: bytes.byteLength };
const longAgo = new Date("2020-01-01T00:00:00.5Z");

/** A cache with a file in it that was written long ago and checked. */
async function aCache(folder = tempFolder()) {
  const cache = await DepsCache.open(folder);
  const path = join(cache.path, "file");
  writeFileSync(path, bytes);
  utimesSync(path, longAgo, longAgo);
  expect(await cache.contents.check(path, content)).toBe("present");
  expect(await cache.contents.known(path)).toBe(content.digest);
  return { cache, path };
}

/** Other bytes of the same length, in the same file, with the same time: only reading them shows it. */
function changeUnseen(path: string): void {
  const { atime, mtime } = statSync(path);
  writeFileSync(path, other);
  utimesSync(path, atime, mtime);
}

describe("a file that was checked", () => {
  test.for([
    { how: "is touched", change: (path: string) => utimesSync(path, longAgo, new Date(0)), is: "present" },
    { how: "is written over", change: (path: string) => writeFileSync(path, other), is: "differs" },
    { how: "is cut", change: (path: string) => truncateSync(path, 3), is: "differs" },
    { how: "grows", change: (path: string) => writeFileSync(path, "!", { flag: "a" }), is: "differs" },
    { how: "is gone", change: (path: string) => rmSync(path), is: "absent" },
    { how: "becomes a folder", change: (path: string) => [rmSync(path), mkdirSync(path)], is: "differs" },
    {
      how: "is replaced by another of its size and time",
      change(path: string) {
        writeFileSync(`${path}.new`, other);
        utimesSync(`${path}.new`, longAgo, longAgo);
        renameSync(`${path}.new`, path);
      },
      is: "differs",
    },
    {
      how: "is replaced by its like",
      change(path: string) {
        copyFileSync(path, `${path}.new`);
        renameSync(`${path}.new`, path);
      },
      is: "present",
    },
  ])("and $how is $is", async ({ change, is }) => {
    const { cache, path } = await aCache();
    await using _ = cache;
    change(path);
    expect(await cache.contents.check(path, content)).toBe(is);
  });

  test("is not read again, in this run or the next, unless deeply", async () => {
    const { cache, path } = await aCache();
    await cache[Symbol.asyncDispose]();
    changeUnseen(path);
    const stamps = readFileSync(join(cache.workFolder, "stamps"));
    {
      await using again = await DepsCache.open(cache.path);
      expect(await again.contents.check(path, content)).toBe("present");
      expect(await again.contents.check(path, { ...content, size: 5 })).toBe("differs");
      expect(await again.contents.check(path, { digest: digestOf(other) })).toBe("differs");
    }
    expect(readFileSync(join(cache.workFolder, "stamps"))).toEqual(stamps);
    await using deep = await DepsCache.open(cache.path);
    expect(await deep.contents.check(path, content, { isDeep: true })).toBe("differs");
    expect(await deep.contents.check(path, content)).toBe("differs");
    expect(await deep.contents.known(path)).toBe(digestOf(other));
  });

  test("by several at once is read once", async () => {
    await using cache = await DepsCache.open(tempFolder());
    const path = join(cache.path, "file");
    writeFileSync(path, bytes);
    utimesSync(path, longAgo, longAgo);
    const reads = vi.spyOn(HashPool.prototype, "hash");
    onTestFinished(() => reads.mockRestore());
    const first = cache.contents.check(path, content);
    const ending = new AbortController();
    const others = [1, 2, 3].map(() => cache.contents.check(path, content));
    const aborted = cache.contents.check(path, content, { signal: ending.signal });
    ending.abort(new Error("enough"));
    await expect(aborted).rejects.toThrow("enough");
    expect(await first).toBe("present");
    expect(await Promise.all(others)).toEqual(["present", "present", "present"]);
    expect(reads).toHaveBeenCalledTimes(1);
  });

  test("is known by each algorithm it was asked for", async () => {
    const { cache, path } = await aCache();
    await using _ = cache;
    const long: Digest = digestOf(bytes, "sha512");
    expect(await cache.contents.check(path, { digest: long })).toBe("present");
    changeUnseen(path);
    expect(await cache.contents.check(path, { digest: long })).toBe("present");
    expect(await cache.contents.check(path, content)).toBe("present");
  });

  test("is read again where its notes are damaged", async () => {
    const { cache, path } = await aCache();
    await cache[Symbol.asyncDispose]();
    const stamps = join(cache.workFolder, "stamps");
    const text = readFileSync(stamps, "utf8");
    writeFileSync(
      stamps,
      text.replace(/sha256:./, (start) => `${start.slice(0, -1)}${start.endsWith("0") ? 1 : 0}`),
    );
    changeUnseen(path);
    await using again = await DepsCache.open(cache.path);
    expect(await again.contents.check(path, content)).toBe("differs");
  });
});

describe("a file just written", () => {
  test("by others is read each time; by us it is known, and a change in the same moment shows", async () => {
    await using cache = await DepsCache.open(tempFolder());
    const path = join(cache.path, "file");
    const write = (text: Uint8Array) => {
      writeFileSync(path, text);
      utimesSync(path, new Date(), new Date(Date.now() + 60_000)); // a clock ahead of ours: never long ago
    };
    write(bytes);
    expect(await cache.contents.check(path, content)).toBe("present");
    expect(await cache.contents.known(path)).toBeUndefined();
    write(bytes);
    await cache.contents.note(path, content.digest);
    expect(await cache.contents.known(path)).toBe(content.digest);
    writeFileSync(path, other);
    expect(await cache.contents.known(path)).toBeUndefined();
    expect(await cache.contents.check(path, content)).toBe("differs");
  });

  test("is known beside the cache too, and by its link; a second name changes nothing", async () => {
    const root = tempFolder();
    const store = join(root, "registry");
    mkdirSync(store);
    const path = join(store, "blob");
    writeFileSync(path, bytes);
    {
      await using cache = await DepsCache.open(join(root, "deps"), { also: [store] });
      await cache.contents.note(path, content.digest);
      linkSync(path, join(store, "again"));
    }
    await using cache = await DepsCache.open(join(root, "deps"), { also: [store] });
    changeUnseen(path);
    expect(await cache.contents.check(path, content)).toBe("present");
    symlinkSync(path, join(cache.path, "link"));
    expect(await cache.contents.check(join(cache.path, "link"), { digest: digestOf(other) })).toBe("present");
  });
});

test.for([
  ["nothing", "absent", () => {}],
  ["a file in a file", "absent", (path: string) => writeFileSync(join(path, ".."), "")],
  ["a link that leads nowhere", "absent", (path: string) => symlinkSync("nowhere", path)],
  ["a link in a circle", "differs", (path: string) => symlinkSync("file", path)],
  ["a link out of the cache", "differs", (path: string) => symlinkSync(import.meta.filename, path)],
  ["a folder", "differs", (path: string) => mkdirSync(path)],
  ["an empty file", "differs", (path: string) => writeFileSync(path, "")],
] as const)("%s in place of content is %s", async ([what, then, make]) => {
  await using cache = await DepsCache.open(tempFolder());
  const folder = join(cache.path, "folder");
  if (what !== "a file in a file") mkdirSync(folder);
  make(join(folder, "file"));
  expect(await cache.contents.check(join(folder, "file"), { digest: content.digest })).toBe(then);
});

test.skipIf(process.getuid?.() === 0)("a file that may not be read is told by its name", async () => {
  const { cache, path } = await aCache();
  await using _ = cache;
  chmodSync(path, 0);
  await expect(cache.contents.check(path, content, { isDeep: true })).rejects.toMatchObject({
    code: "FILE_FAILED",
    details: { path },
  });
});

describe("many bytes", () => {
  const big = Buffer.alloc(6 * 1024 * 1024, "big");

  test("are read in threads, several files at once, and stop when told", async () => {
    await using cache = await DepsCache.open(tempFolder());
    const paths = ["a", "b", "c", "d"].map((name) => join(cache.path, name));
    for (const path of paths) writeFileSync(path, big);
    const check = (path: string, signal?: AbortSignal) =>
      cache.contents.check(path, { digest: digestOf(big), size: big.byteLength }, { isDeep: true, signal });
    const ending = new AbortController();
    const stopped = paths.map((path) => check(path, ending.signal));
    const others = paths.map((path) => check(path));
    const reason = new Error("enough");
    ending.abort(reason);
    for (const one of await Promise.allSettled(stopped)) expect(one).toEqual({ status: "rejected", reason });
    expect(await Promise.all(others)).toEqual(paths.map(() => "present"));
  });

  test("of a file that is gone fail alone; those that are read when the pool ends reject", async () => {
    const path = join(tempFolder(), "big");
    writeFileSync(path, big);
    const pool = new HashPool();
    await expect(pool.hash(`${path}-not`, big.byteLength, "sha256")).rejects.toMatchObject({ code: "ENOENT" });
    const { hex } = await pool.hash(path, big.byteLength, "sha512");
    expect(`sha512:${hex}`).toBe(digestOf(big, "sha512"));
    truncateSync(path, 64 * 1024 ** 3); // takes a minute to read, and no room
    const running = Array.from({ length: 9 }, () => pool.hash(path, big.byteLength, "sha256"));
    const settled = Promise.allSettled(running);
    await pool[Symbol.asyncDispose]();
    for (const one of await settled) expect(one.status).toBe("rejected");
  });
});
