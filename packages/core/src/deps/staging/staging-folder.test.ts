import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir, readdir, readFile, rm, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { type Blob, blobOf, digestAlgorithm, digestHex, isRegistryError, type OpenBlob } from "@tranship/registry";
import { expect, test } from "vitest";
import { tempFolder } from "../../../../../tests/support/temp-folder.ts";
import { noTmpfs, resize, tmpfs } from "../../../../../tests/support/tmpfs.ts";
import { isDepsError } from "../errors.ts";
import { type FillOptions, StartOver } from "../jobs/item-job.ts";
import { abandonedIn } from "./leftovers.ts";
import { StagingFolder } from "./staging-folder.ts";

const bytes = randomBytes(300_000);
const blob = blobOf(bytes);
const never = new AbortController().signal;

test.for(["sha256", "sha512"] as const)(
  "content of a %s digest becomes a file and leaves nothing behind",
  async (algorithm) => {
    const { folder, place, staging } = await start();
    const wanted = blobOf(bytes, algorithm);
    const told: number[] = [];
    await using file = await staging.fill(wanted, source().open, {
      signal: never,
      onBytes: (count) => told.push(count),
    });
    await file.moveTo(place);
    expect(await readFile(place)).toEqual(bytes);
    expect((await stat(place)).mode & 0o777).toBe(0o644 & ~process.umask());
    expect(await readdir(folder)).toEqual([]);
    expect(sum(told)).toBe(bytes.length);
  },
);

test.for([
  { name: "goes on with the beginning of it", there: bytes.subarray(0, 100_000), offsets: [100_000] },
  { name: "takes a whole one without asking", there: bytes, offsets: [] },
  { name: "drops a file that is longer than it", there: Buffer.concat([bytes, bytes]), offsets: [0] },
  { name: "drops other bytes once all are there", there: Buffer.alloc(1000), offsets: [1000, 0] },
  { name: "drops other bytes of the same length", there: Buffer.alloc(bytes.length), offsets: [0] },
])("content that an earlier run began: $name", async ({ there, offsets }) => {
  const { folder, place, staging } = await start();
  await writeFile(partial(folder), there);
  const told: number[] = [];
  const from = source();
  await using file = await staging.fill(blob, from.open, { signal: never, onBytes: (count) => told.push(count) });
  await file.moveTo(place);
  expect(await readFile(place)).toEqual(bytes);
  expect(from.offsets).toEqual(offsets);
  expect(sum(told)).toBe(bytes.length);
});

test("what begins anew is taken from its beginning", async () => {
  const { folder, staging } = await start();
  await writeFile(partial(folder), bytes.subarray(0, 5000));
  const from = source();
  const open: OpenBlob = (offset) => {
    if (offset > 0) throw new StartOver();
    return from.open(offset);
  };
  await using file = await staging.fill(blob, open, { signal: never });
  expect(await readFile(file.path)).toEqual(bytes);
  expect(from.offsets).toEqual([0]);
});

async function* endless() {
  for (;;) yield Buffer.alloc(1000);
}

const unknownSize: Omit<Blob, "size"> = { digest: blob.digest };

test.for([
  { name: "other bytes", open: source(randomBytes(bytes.length)).open, code: "DIGEST_MISMATCH" },
  { name: "one byte too many", open: source(Buffer.concat([bytes, Buffer.alloc(1)])).open, code: "SIZE_MISMATCH" },
  { name: "a byte too few", open: source(bytes.subarray(1)).open, code: "SIZE_MISMATCH" },
  { name: "no end", open: endless, code: "SIZE_MISMATCH" },
  { name: "no end, of no known size", open: endless, code: "TOO_LARGE", content: unknownSize },
  {
    name: "other bytes, of no known size",
    open: source(Buffer.alloc(9)).open,
    code: "DIGEST_MISMATCH",
    content: unknownSize,
  },
] as const)("content with $name is refused, and removed", async ({ open, code, ...rest }) => {
  const { folder, staging } = await start();
  const told: number[] = [];
  const filling = staging.fill("content" in rest ? rest.content : blob, open, {
    signal: never,
    maxBytes: 400_000,
    onBytes: (count) => told.push(count),
  });
  await expect(filling).rejects.toSatisfy((error) => isRegistryError(error, code));
  expect(await readdir(folder)).toEqual([]);
  expect(sum(told)).toBe(0);
});

test("whoever ends it leaves the beginning, and the next run fetches the rest alone", async () => {
  const { folder, staging } = await start();
  const from = source(bytes, 30_000);
  for (let chunks = 1; chunks < 10; chunks += 1) {
    const ending = new AbortController();
    const open: OpenBlob = async function* (offset) {
      for await (const chunk of from.open(offset)) {
        yield chunk;
        ending.abort("enough");
      }
    };
    await expect(staging.fill(blob, open, { signal: ending.signal })).rejects.toBe("enough");
    expect(await readFile(partial(folder))).toEqual(bytes.subarray(0, chunks * 30_000));
  }
  await using file = await staging.fill(blob, from.open, { signal: never });
  expect(await readFile(file.path)).toEqual(bytes);
  expect(from.offsets).toEqual(Array.from({ length: 10 }, (_, count) => count * 30_000));
});

test("who waits for the first bytes has no file yet, however many wait", async () => {
  const { folder, staging } = await start();
  const [asked, ending] = [Promise.withResolvers<void>(), new AbortController()];
  const open: OpenBlob = async function* () {
    asked.resolve();
    await new Promise((_resolve, reject) => ending.signal.addEventListener("abort", () => reject(new Error("late"))));
    yield bytes;
  };
  const filling = staging.fill(blob, open, { signal: ending.signal });
  await asked.promise;
  expect(await readdir(folder)).toEqual([]);
  ending.abort(new Error("enough"));
  await expect(filling).rejects.toThrow("enough");
});

// the program runs the sources, of which Node 22 cannot read `await using`
test.skipIf(process.version.startsWith("v22."))("a process that is killed leaves the beginning", async () => {
  const { root, folder, staging } = await start();
  const program = join(root, "program.mts");
  await writeFile(join(root, "bytes"), bytes);
  await writeFile(program, killedProgram(root, folder));
  const killed = promisify(execFile)(process.execPath, [program]);
  await expect(killed).rejects.toMatchObject({ signal: "SIGKILL" });
  expect(await readFile(partial(folder))).toEqual(bytes.subarray(0, 200_000));
  const from = source();
  await using file = await staging.fill(blob, from.open, { signal: never });
  expect(await readFile(file.path)).toEqual(bytes);
  expect(from.offsets).toEqual([200_000]);
});

test("attempts that break off are gone on with, and told how far all of them came", async () => {
  const { staging } = await start();
  const from = source(bytes, 100_000);
  const reaches: number[] = [];
  const open: OpenBlob = async function* (offset) {
    for await (const chunk of from.open(offset)) {
      yield chunk;
      throw new Error("cut");
    }
  };
  const again: FillOptions["again"] = async (attempt, reached) => {
    for (; reached() < bytes.length; reaches.push(reached())) await attempt().catch(() => {});
  };
  await using file = await staging.fill(blob, open, { signal: never, again });
  expect(await readFile(file.path)).toEqual(bytes);
  expect(reaches).toEqual([100_000, 200_000, 300_000]);
});

test("of many who want one content at once, one fetches it, and each has a file", async () => {
  const { root, folder, staging } = await start();
  const from = source();
  const told: number[] = [];
  const places = Array.from({ length: 5 }, (_, index) => join(root, "cache", `${index}`));
  const onBytes = (count: number) => told.push(count);
  await Promise.all(
    places.map(async (place) => {
      await using file = await staging.fill(blob, from.open, { signal: never, onBytes });
      await file.moveTo(place);
      expect(await readFile(place)).toEqual(bytes);
    }),
  );
  expect(from.offsets).toEqual([0]);
  expect(sum(told)).toBe(5 * bytes.length);
  expect(await readdir(folder)).toEqual([]);
});

test("when the one who fetches fails, the next one goes on; who waits can leave", async () => {
  const { folder, staging } = await start();
  const from = source(bytes, 50_000);
  const ending = new AbortController();
  const { promise: hasLeft, resolve: left } = Promise.withResolvers<void>();
  const breaking: OpenBlob = async function* () {
    yield bytes.subarray(0, 50_000);
    await hasLeft;
    throw new Error("gone");
  };
  const first = staging.fill(blob, breaking, { signal: never });
  const second = staging.fill(blob, from.open, { signal: never });
  const third = staging.fill(blob, from.open, { signal: ending.signal });
  ending.abort("bored");
  await expect(third).rejects.toBe("bored");
  left();
  await expect(first).rejects.toThrow("gone");
  await (await second)[Symbol.asyncDispose]();
  expect(from.offsets).toEqual([50_000]);
  expect(await readdir(folder)).toEqual([]);
});

test("files go below the roots alone, whatever links are on the way", async () => {
  const { root, staging } = await start();
  await mkdir(join(root, "outside"));
  await mkdir(join(root, "cache", "inside"), { recursive: true });
  await symlink(join(root, "outside"), join(root, "cache", "out"));
  await symlink("nowhere", join(root, "cache", "dangling"));
  await symlink("inside", join(root, "cache", "in"));
  const refusals = [
    { to: "out/a/b", code: "NAME_UNSAFE" },
    { to: "dangling/a", code: "NAME_UNSAFE" },
    { to: "../outside/a", code: "NAME_UNSAFE" },
    { to: "..", code: "NAME_UNSAFE" },
    { to: "inside", code: "FILE_FAILED" },
  ] as const;
  for (const { to, code } of refusals) {
    await using file = await staging.blank();
    await expect(file.moveTo(join(root, "cache", to))).rejects.toSatisfy((error) => isDepsError(error, code));
  }
  await using file = await staging.blank();
  await file.moveTo(join(root, "cache", "in", "new", "a"));
  expect(await readdir(join(root, "cache", "inside", "new"))).toEqual(["a"]);
  expect(await readdir(join(root, "outside"))).toEqual([]);
});

test.skipIf(noTmpfs)(
  "files go to another file system too, and a full one is told before anything is asked",
  async () => {
    const { folder } = await start();
    const other = tmpfs(1024 * 1024);
    const place = join(other, "b", "c");
    const elsewhere = await StagingFolder.open(folder, { roots: [other] });
    await using file = await elsewhere.fill(blob, source().open, { signal: never });
    await file.moveTo(place);
    expect(await readFile(place)).toEqual(bytes);
    expect(await readdir(join(other, "b"))).toEqual(["c"]);
    expect(await readdir(folder)).toEqual([]);
    resize(other, 320 * 1024);
    for (const offsets of [[0], []]) {
      const from = source();
      await using again = await elsewhere.fill(blob, from.open, { signal: never });
      await expect(again.moveTo(join(other, "b", "d"))).rejects.toMatchObject({ code: "NO_SPACE" });
      expect(from.offsets).toEqual(offsets); // what was fetched is there still
    }
    expect(await readdir(join(other, "b"))).toEqual(["c"]);
    await rm(partial(folder));

    const full = await StagingFolder.open(join(other, "partial"));
    resize(other, 512 * 1024);
    const from = source();
    const filling = full.fill({ ...blob, size: 10 ** 9 }, from.open, { signal: never });
    await expect(filling).rejects.toSatisfy((error) => isDepsError(error, "NO_SPACE"));
    expect(from.offsets).toEqual([]);
    const unsized = full.fill({ digest: blob.digest }, endless, { signal: never });
    await expect(unsized).rejects.toSatisfy((error) => isDepsError(error, "NO_SPACE"));
  },
);

test("what nobody asked for in a month can go, and what a run left that ended badly", async () => {
  const { folder } = await start();
  const day = 24 * 60 * 60;
  const ages = { [`sha256-${"a".repeat(64)}`]: 31, [`sha256-${"b".repeat(64)}`]: 29, mine: 99 };
  const temporary = { "01234567-89ab-cdef-0123-456789abcdef.tmp": 2, "11234567-89ab-cdef-0123-456789abcdef.tmp": 0.5 };
  for (const [name, days] of Object.entries({ ...ages, ...temporary })) {
    await writeFile(join(folder, name), "abc");
    const time = Date.now() / 1000 - days * day;
    await utimes(join(folder, name), time, time);
  }
  const found = await abandonedIn(folder);
  expect(found.map(({ path, sizeBytes, kind }) => ({ path, sizeBytes, kind }))).toEqual([
    { path: join(folder, Object.keys(temporary)[0] ?? ""), sizeBytes: 3, kind: "temporary" },
    { path: join(folder, `sha256-${"a".repeat(64)}`), sizeBytes: 3, kind: "partial" },
  ]);
  expect(await abandonedIn(join(folder, "none"))).toEqual([]);
});

/** Kills itself while it waits for the third part of the content. */
function killedProgram(root: string, folder: string): string {
  return `
    import { readFileSync } from "node:fs";
    import { StagingFolder } from ${JSON.stringify(new URL("staging-folder.ts", import.meta.url))};
    const bytes = readFileSync(${JSON.stringify(join(root, "bytes"))});
    const staging = await StagingFolder.open(${JSON.stringify(folder)});
    const open = async function* () {
      yield bytes.subarray(0, 100_000);
      yield bytes.subarray(100_000, 200_000);
      process.kill(process.pid, "SIGKILL");
      await new Promise((resolve) => setTimeout(resolve, 60_000));
    };
    await staging.fill(${JSON.stringify(blob)}, open, { signal: new AbortController().signal });
  `;
}

async function start() {
  const root = tempFolder();
  const folder = join(root, "cache", ".work", "partial");
  const staging = await StagingFolder.open(folder, { roots: [join(root, "cache")] });
  return { root, folder, staging, place: join(root, "cache", "files", "one") };
}

function partial(folder: string): string {
  return join(folder, `${digestAlgorithm(blob.digest)}-${digestHex(blob.digest)}`);
}

/** Gives bytes in chunks, and notes where it was opened. */
function source(content: Uint8Array = bytes, chunkBytes = 64_000) {
  const offsets: number[] = [];
  const open: OpenBlob = async function* (offset) {
    offsets.push(offset);
    for (let at = offset; at < content.length; at += chunkBytes) yield content.subarray(at, at + chunkBytes);
  };
  return { offsets, open };
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0);
}
