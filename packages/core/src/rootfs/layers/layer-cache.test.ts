import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { digestHex, MemoryRegistry } from "@tranship/registry";
import { aBlob, type BuiltBlob } from "@tranship/registry/testing";
import { expect, test } from "vitest";
import { tempFolder } from "../../../../../tests/support/temp-folder.ts";
import { noTmpfs, tmpfs } from "../../../../../tests/support/tmpfs.ts";
import { BundleLock } from "../../bundle/bundle-lock.ts";
import type { RootfsEvent } from "../events.ts";
import type { OnPullProgress, PullProgress } from "../progress/pull-progress.ts";
import { fetchLayers } from "./fetch-layers.ts";
import { LayerCache, type LayerCacheOptions } from "./layer-cache.ts";

const { signal } = new AbortController();
const start = Date.parse("2026-01-01T00:00:00Z");

function aCache(directory: string, options: LayerCacheOptions = {}) {
  const clock = { ms: start };
  const warnings: string[] = [];
  const onEvent = (event: RootfsEvent) => {
    if (event.type === "warning") warnings.push(`${event.warning.code} ${event.warning.message}`);
  };
  return { cache: new LayerCache(directory, { onEvent, now: () => clock.ms, ...options }), clock, warnings };
}

function pathOf(directory: string, { digest }: BuiltBlob): string {
  return join(directory, "blobs/sha256", digestHex(digest));
}

async function keep(cache: LayerCache, blob: BuiltBlob): Promise<void> {
  const path = join(tempFolder(), "layer");
  writeFileSync(path, blob.bytes, { mode: 0o600 });
  await cache.keep(blob, path, signal);
}

async function take(cache: LayerCache, blob: BuiltBlob): Promise<Buffer | undefined> {
  const path = join(tempFolder(), "taken");
  const isTaken = await cache.take(blob, path, signal);
  expect(existsSync(path)).toBe(isTaken);
  return isTaken ? readFileSync(path) : undefined;
}

/** A repository that counts how often its blobs are read. */
function aSource(...blobs: readonly BuiltBlob[]) {
  const repository = new MemoryRegistry().repository("demo/app");
  const source = { reads: 0, repository };
  const lane = {
    read: async ({ digest }: { digest: string }, offset: number, sink: (chunk: Uint8Array) => void | Promise<void>) => {
      source.reads += 1;
      await sink(blobs.find((blob) => blob.digest === digest)?.bytes.subarray(offset) ?? new Uint8Array());
    },
  };
  source.repository = Object.assign(repository, { lane });
  return source;
}

async function fetch(
  source: ReturnType<typeof aSource>,
  blobs: readonly BuiltBlob[],
  cache: LayerCache,
  onPullProgress?: OnPullProgress,
): Promise<number> {
  const layers = blobs.map((descriptor, layer) => ({ layer, descriptor, diffId: descriptor.digest }));
  const image = { reference: "demo/app:v1", layers, repository: source.repository };
  const options = { directory: tempFolder(), jobs: 2, cache, attempts: 1, onPullProgress };
  await using fetched = fetchLayers(image, options);
  let bytes = 0;
  for await (const { pieces } of fetched) for (const { path } of pieces) bytes += readFileSync(path).byteLength;
  return bytes;
}

test("a layer that was fetched once is not fetched again, and counts as come", async () => {
  const directory = join(tempFolder(), "cache");
  const blobs = [aBlob({ seed: 1 }), aBlob({ seed: 2 })];
  const source = aSource(...blobs);
  const { cache, warnings } = aCache(directory);
  expect(await fetch(source, blobs, cache)).toBe(2048);
  const told: PullProgress[] = [];
  expect(await fetch(source, blobs, aCache(directory).cache, (progress) => told.push(progress))).toBe(2048);
  expect(told.at(-1)).toMatchObject({ downloadedBytes: 2048, completedLayers: 2, percent: 100, speedBps: 0 });
  expect(source.reads).toBe(2);
  expect(warnings).toEqual([]);
  const meta = JSON.parse(readFileSync(`${pathOf(directory, blobs[0] ?? aBlob())}.meta.json`, "utf8"));
  expect(meta).toEqual({ digest: blobs[0]?.digest, size: 1024, lastAccess: "2026-01-01T00:00:00.000Z" });
  expect(statSync(join(directory, "blobs/sha256")).mode & 0o777).toBe(0o700);
});

test.for([
  { name: "has another size", spoil: (path: string) => writeFileSync(path, "short") },
  { name: "has other bytes", spoil: (path: string) => writeFileSync(path, Buffer.alloc(1024)) },
])("a kept layer that $name goes, and is fetched again", async ({ spoil }) => {
  const directory = tempFolder();
  const blob = aBlob();
  const { cache, warnings } = aCache(directory);
  await keep(cache, blob);
  spoil(pathOf(directory, blob));
  expect(await take(cache, blob)).toBeUndefined();
  expect(readdirSync(join(directory, "blobs/sha256"))).toEqual([]);
  expect(warnings).toEqual([expect.stringContaining("CACHE_FAILED cannot use layer")]);
  const source = aSource(blob);
  expect(await fetch(source, [blob], cache)).toBe(1024);
  expect(source.reads).toBe(1);
  expect(await take(cache, blob)).toEqual(Buffer.from(blob.bytes));
});

test("without what stands beside it a kept layer is not used", async () => {
  const directory = tempFolder();
  const blob = aBlob();
  const { cache } = aCache(directory);
  await keep(cache, blob);
  writeFileSync(`${pathOf(directory, blob)}.meta.json`, "{");
  expect(await take(cache, blob)).toBeUndefined();
});

test("a layer that came with other bytes is not kept", async () => {
  const directory = tempFolder();
  const blob = aBlob();
  const source = aSource({ ...aBlob({ seed: "other" }), digest: blob.digest });
  await expect(fetch(source, [blob], aCache(directory).cache)).rejects.toMatchObject({ code: "LAYER_MISMATCH" });
  expect(readdirSync(directory)).toEqual([]);
});

test("a cache that cannot be used fails nothing, and is told of once", async () => {
  const file = join(tempFolder(), "file");
  writeFileSync(file, "");
  const blobs = [aBlob({ seed: 1 }), aBlob({ seed: 2 })];
  const { cache, warnings } = aCache(join(file, "cache")); // nothing can be made below a file, whoever asks
  const source = aSource(...blobs);
  expect(await fetch(source, blobs, cache)).toBe(2048);
  await cache[Symbol.asyncDispose]();
  expect(warnings).toEqual([expect.stringMatching(/^CACHE_FAILED cannot keep layer .*ENOTDIR/)]);
});

test("the time of access is written at most every 30 seconds", async () => {
  const directory = tempFolder();
  const blob = aBlob();
  const { cache, clock } = aCache(directory);
  await keep(cache, blob);
  const meta = () => JSON.parse(readFileSync(`${pathOf(directory, blob)}.meta.json`, "utf8")).lastAccess;
  clock.ms += 29_999;
  await take(cache, blob);
  expect(meta()).toBe("2026-01-01T00:00:00.000Z");
  clock.ms += 1;
  await take(cache, blob);
  expect(meta()).toBe("2026-01-01T00:00:30.000Z");
});

test("the layers not used for longest go when there are too many bytes", async () => {
  const directory = tempFolder();
  const blobs = [1, 2, 3].map((seed) => aBlob({ seed }));
  const { cache, clock } = aCache(directory, { quotaBytes: 2048 });
  for (const blob of blobs.slice(0, 2)) {
    await keep(cache, blob);
    clock.ms += 60_000;
  }
  await take(cache, blobs[0] ?? aBlob());
  clock.ms += 60_000;
  await keep(cache, blobs[2] ?? aBlob());
  await keep(cache, aBlob({ size: 3000, seed: "larger than all" }));
  await cache[Symbol.asyncDispose]();
  const kept = await Promise.all(blobs.map((blob) => take(cache, blob)));
  expect(kept.map((bytes) => bytes !== undefined)).toEqual([true, false, true]);
});

test("nothing goes while another process makes room, and what killed runs left goes after a day", async () => {
  const directory = tempFolder();
  const { cache, warnings } = aCache(directory, { quotaBytes: 1100, now: Date.now });
  const folder = join(directory, "blobs/sha256");
  mkdirSync(folder, { recursive: true });
  for (const [name, hours] of [
    [".tmp-1-old", 25],
    [".tmp-2-new", 1],
    [`${"0".repeat(64)}.meta.json`, 25],
  ] as const) {
    writeFileSync(join(folder, name), "x");
    const time = Date.now() / 1000 - hours * 3600;
    utimesSync(join(folder, name), time, time);
  }
  {
    using _held = await BundleLock.acquire(directory);
    await keep(cache, aBlob({ seed: 1 }));
    await keep(cache, aBlob({ seed: 2 }));
    expect(readdirSync(folder)).toHaveLength(7);
  }
  await keep(cache, aBlob({ seed: 3 }));
  expect(readdirSync(folder)).toHaveLength(3);
  expect(readdirSync(folder)).toContain(".tmp-2-new");
  expect(warnings).toEqual([]);
});

test("runs that keep, take and make room at once give each other whole layers or none", async () => {
  const directory = tempFolder();
  const blobs = Array.from({ length: 6 }, (_, seed) => aBlob({ seed, size: 5000 }));
  const runs = Array.from({ length: 3 }, async () => {
    const { cache, warnings } = aCache(directory, { quotaBytes: 16_000, now: Date.now });
    for (const blob of blobs) {
      await keep(cache, blob);
      const taken = await take(cache, blob);
      if (taken) expect(taken).toEqual(Buffer.from(blob.bytes));
    }
    await cache[Symbol.asyncDispose]();
    return warnings.filter((text) => text.includes("other bytes"));
  });
  expect((await Promise.all(runs)).flat()).toEqual([]);
  expect(readdirSync(join(directory, "blobs/sha256")).filter((name) => name.startsWith(".tmp-"))).toEqual([]);
});

test.skipIf(noTmpfs !== undefined)("layers are copied from and to a cache on another file system", async () => {
  const directory = tmpfs(1024 * 1024);
  const blob = aBlob();
  const { cache, warnings } = aCache(directory);
  await keep(cache, blob);
  expect(await take(cache, blob)).toEqual(Buffer.from(blob.bytes));
  expect(warnings).toEqual([]);
});

test.skipIf(noTmpfs !== undefined)(
  "a disk that is full costs no layer of the cache, and nothing is left on it",
  async () => {
    const kept = tempFolder();
    const blob = aBlob({ size: 50_000 });
    await keep(aCache(kept).cache, blob);
    const full = tmpfs(24_576);
    expect(await aCache(kept).cache.take(blob, join(full, "taken"), signal)).toBe(false);
    expect(await take(aCache(kept).cache, blob)).toEqual(Buffer.from(blob.bytes));
    const small = aBlob({ size: 4096 });
    writeFileSync(join(full, "others"), new Uint8Array(3 * 4096));
    const { cache, warnings } = aCache(full);
    await keep(cache, small);
    await keep(cache, blob);
    expect(warnings.join()).toContain("ENOSPC");
    expect(readdirSync(full, { recursive: true, encoding: "utf8" }).filter((name) => name.includes(".tmp-"))).toEqual(
      [],
    );
  },
);
