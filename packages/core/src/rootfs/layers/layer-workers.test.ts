import { createHash } from "node:crypto";
import { appendFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import type { Digest } from "@tranship/registry";
import { expect, onTestFinished, test } from "vitest";
import { paxHeader, tarEnd, tarEntry, tarHeader } from "../../../../../tests/support/tar-blocks.ts";
import { tempFolder } from "../../../../../tests/support/temp-folder.ts";
import type { LayerEntry } from "../../layer-archive/layer-entry.ts";
import { defaultRootfsLimits } from "../limits.ts";
import type { FilePiece, LayerFile } from "./layer-file.ts";
import { createLayerUsage } from "./layer-usage.ts";
import { LayerWorkers, type ScanOptions } from "./layer-workers.ts";

function digestOf(bytes: Uint8Array, algorithm: "sha256" | "sha512" = "sha256"): Digest {
  return `${algorithm}:${createHash(algorithm).update(bytes).digest("hex")}` as Digest;
}

/** A layer of these bytes, in a file with others around them, and in pieces that end at `cuts`. */
function layerOf(bytes: Uint8Array, changes: Partial<LayerFile> = {}, cuts: readonly number[] = []): LayerFile {
  const path = join(tempFolder(), "layer");
  writeFileSync(path, "before");
  appendFileSync(path, bytes);
  appendFileSync(path, "behind");
  const ends = [...cuts, bytes.byteLength];
  const pieces: FilePiece[] = ends.map((end, index) => {
    const start = ends[index - 1] ?? 0;
    return { path, offset: 6 + start, length: end - start };
  });
  return { layer: 3, digest: digestOf(bytes), size: bytes.byteLength, diffId: undefined, pieces, ...changes };
}

function startWorkers(): LayerWorkers {
  const workers = new LayerWorkers({ maxThreads: 1 });
  onTestFinished(() => workers[Symbol.asyncDispose]());
  return workers;
}

async function scanned(file: LayerFile, options: Partial<ScanOptions> = {}, workers: LayerWorkers = startWorkers()) {
  const entries: LayerEntry[] = [];
  let storedBytes = 0;
  const scan = await workers.scan(file, {
    reference: "demo/app:1",
    limits: defaultRootfsLimits,
    onEntries: (batch) => void entries.push(...batch),
    onBytes: (bytes) => {
      storedBytes += bytes;
    },
    ...options,
  });
  return { scan, entries, storedBytes };
}

const archive = Buffer.concat([
  tarHeader({ type: "5", name: "dir/" }),
  paxHeader([["SCHILY.xattr.user.a", "\x00\xff"]]),
  tarEntry({ name: "dir/file" }, "data"),
  tarEnd,
]);
const half = archive.byteLength / 2 - 77;
const skippable = Buffer.from("5a2a4d180300000001020a", "hex");

/** A zstd frame of one block, whose size is told in so many bytes: what is given as it is, or a byte so many times. */
function frameOf(content: Uint8Array | { readonly zeros: number }, sizeBytes: 1 | 2 | 4 | 8): Buffer {
  const length = content instanceof Uint8Array ? content.byteLength : content.zeros;
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(sizeBytes === 2 ? length - 256 : length));
  const block = Buffer.alloc(4);
  block.writeUInt32LE(length * 8 + (content instanceof Uint8Array ? 0 : 2) + 1); // type, and that it is the last
  const [magic, descriptor] = [Buffer.from("28b52ffd", "hex"), Buffer.of(0x20 + Math.log2(sizeBytes) * 0x40)];
  const data = content instanceof Uint8Array ? content : Buffer.of(0);
  return Buffer.concat([magic, descriptor, size.subarray(0, sizeBytes), block.subarray(0, 3), data]);
}

test("a layer is read however it is packed, and whatever pieces it is in", async () => {
  const workers = startWorkers();
  const [first, second] = [archive.subarray(0, half), archive.subarray(half)];
  const plain = await scanned(layerOf(archive), {}, workers);
  expect(plain.scan).toEqual({ unpackedBytes: archive.byteLength, entries: 2 });
  expect(plain.entries.map(({ name, xattrs }) => [name, xattrs])).toEqual([
    ["dir/", undefined],
    ["dir/file", [["user.a", new Uint8Array([0, 0xff])]]],
  ]);
  const twoMembers = Buffer.concat([gzipSync(first), gzipSync(second)]);
  const cuts = [1, 2, 2, 5, gzipSync(first).byteLength, gzipSync(first).byteLength + 1];
  for (const [bytes, changes, ends] of [
    [archive, { diffId: digestOf(archive) }, [100, 612]],
    [gzipSync(archive), { diffId: digestOf(archive, "sha512") }],
    [twoMembers, {}, cuts],
    [gzipSync(archive), { digest: digestOf(gzipSync(archive), "sha512") }],
    [Buffer.concat([gzipSync(archive), gzipSync(""), Buffer.alloc(1500)])],
    [zstdCompressSync(archive)],
    [
      Buffer.concat([
        frameOf(first, 8),
        frameOf(second.subarray(0, -1024), 4),
        frameOf({ zeros: 512 }, 2),
        frameOf({ zeros: 200 }, 1),
        frameOf({ zeros: 312 }, 8),
      ]),
    ],
    [Buffer.concat([skippable, zstdCompressSync(first), skippable, zstdCompressSync(second), skippable]), {}, [3]],
  ] as const) {
    const { entries, storedBytes } = await scanned(layerOf(bytes, changes, ends), {}, workers);
    expect(entries).toEqual(plain.entries);
    expect(storedBytes).toBe(bytes.byteLength);
  }
});

test("frames and members that end at and around the ends of what is read at a time are all unpacked", async () => {
  const workers = startWorkers();
  const noise = Buffer.concat(Array.from({ length: 3000 }, (_, at) => createHash("sha512").update(`${at}`).digest()));
  const large = Buffer.concat([...Array.from({ length: 20 }, () => tarEntry({}, noise)), tarEnd]);
  for (const pack of [gzipSync, zstdCompressSync]) {
    const parts: Buffer[] = [];
    for (let at = 0; at < large.byteLength; at += 31_000) parts.push(pack(large.subarray(at, at + 31_000)));
    const { scan } = await scanned(layerOf(Buffer.concat(parts), { diffId: digestOf(large) }), {}, workers);
    expect(scan).toEqual({ unpackedBytes: large.byteLength, entries: 20 });
  }
});

test("no bytes at all are an empty layer", async () => {
  const { scan, entries } = await scanned(layerOf(Buffer.alloc(0), { diffId: digestOf(Buffer.alloc(0)) }));
  expect(scan).toEqual({ unpackedBytes: 0, entries: 0 });
  expect(entries).toEqual([]);
});

test("what follows the archive's end counts for what the layer unpacks to", async () => {
  const bytes = Buffer.concat([archive, Buffer.alloc(3_000_001, "!")]);
  const { scan } = await scanned(layerOf(gzipSync(bytes), { diffId: digestOf(bytes) }));
  expect(scan).toEqual({ unpackedBytes: bytes.byteLength, entries: 2 });
});

test("a layer whose bytes are others is refused for that, whatever else is wrong with it", async () => {
  const workers = startWorkers();
  const wrong = digestOf(Buffer.from("other"));
  const torn = gzipSync(archive).subarray(0, -9);
  for (const [bytes, changes, isDiffId] of [
    [archive, { digest: wrong }, false],
    [torn, { digest: wrong }, false],
    [Buffer.alloc(9000, "no archive"), { digest: wrong }, false],
    [Buffer.from("BZh91AY&SY"), { digest: wrong }, false],
    [gzipSync(archive), { diffId: wrong }, true],
  ] as const) {
    await expect(scanned(layerOf(bytes, changes), {}, workers)).rejects.toMatchObject({
      name: "RootfsError",
      code: "LAYER_MISMATCH",
      message: expect.stringContaining("layer 3 of demo/app:1"),
      details: {
        reference: "demo/app:1",
        layer: 3,
        expected: wrong,
        actual: isDiffId ? digestOf(archive) : digestOf(bytes),
        isDiffId,
      },
    });
  }
});

test("a layer that cannot be unpacked or parsed is refused with the reason", async () => {
  const workers = startWorkers();
  const zeros = Buffer.alloc(10);
  const junk = Buffer.from("junk");
  const wideWindow = Buffer.from("28b52ffd04b801000000", "hex");
  for (const [bytes, reason, entry] of [
    [gzipSync(archive).subarray(0, -1), /cannot be unpacked/],
    [gzipSync(archive).subarray(0, 9), /cannot be unpacked/],
    [Buffer.concat([gzipSync(archive), junk]), /cannot be unpacked|follows/],
    [Buffer.concat([gzipSync(archive), zeros, junk]), /zeros follows its gzip data/],
    [zstdCompressSync(archive).subarray(0, -1), /ends within a zstd frame/],
    [zstdCompressSync(archive).subarray(0, 6), /ends within a zstd frame/],
    [Buffer.concat([zstdCompressSync(archive), junk]), /cannot be unpacked|follows/],
    [Buffer.concat([zstdCompressSync(archive), skippable.subarray(0, -1)]), /ends within a zstd frame/],
    [Buffer.concat([zstdCompressSync(archive), skippable.subarray(0, 2)]), /ends within a zstd frame/],
    [wideWindow, /cannot be unpacked: .*memory/],
    [Buffer.from("BZh91AY&SY"), /bzip2/],
    [Buffer.from("fd377a585a0000", "hex"), /xz/],
    [Buffer.alloc(600, "x"), /checksum/],
    [archive.subarray(0, -1024 - 1), /cut short/],
    [tarHeader({ name: "b\xe4d\n", type: "Z" }), /unknown type/, "b\ufffdd\n"],
  ] as const) {
    const details = expect.objectContaining({
      layer: 3,
      reason: expect.stringMatching(reason),
      ...(entry && { entry }),
    });
    const expected = { code: "LAYER_INVALID", details, message: expect.stringMatching(reason) };
    await expect(scanned(layerOf(bytes), {}, workers)).rejects.toMatchObject(expected);
  }
});

test("a file that is gone, too short, or not as long as the layer is an error with its path", async () => {
  const workers = startWorkers();
  const file = layerOf(archive);
  const [piece] = file.pieces as [FilePiece];
  const path = `${piece.path}.gone`;
  await expect(scanned({ ...file, pieces: [{ ...piece, path }] }, {}, workers)).rejects.toMatchObject({
    code: "FILE_FAILED",
    details: { path, reason: "ENOENT" },
  });
  const short = { ...file, size: file.size + 100, pieces: [{ ...piece, length: piece.length + 100 }] };
  await expect(scanned(short, {}, workers)).rejects.toMatchObject({
    code: "LAYER_INVALID",
    details: { reason: expect.stringContaining("94 bytes too early") },
  });
  await expect(scanned({ ...file, size: 7 }, {}, workers)).rejects.toMatchObject({ code: "LAYER_INVALID" });
});

const gib = 1024 ** 3;
const sparse = paxHeader([
  ["GNU.sparse.size", `${gib}`],
  ["GNU.sparse.map", "0,4"],
]);
test.for<{ limit: keyof typeof defaultRootfsLimits; max: number; bytes: Buffer; entry?: string }>([
  { limit: "maxEntries", max: 1, bytes: archive, entry: "dir/file" },
  { limit: "maxUnpackedBytes", max: archive.byteLength - 1, bytes: gzipSync(archive) },
  {
    limit: "maxFileBytes",
    max: gib - 1,
    bytes: Buffer.concat([sparse, tarEntry({ name: "big" }, "data")]),
    entry: "big",
  },
  { limit: "maxPathBytes", max: 7, bytes: archive, entry: "dir/file" },
  { limit: "maxPathBytes", max: 7, bytes: tarHeader({ name: "a", type: "2", linkName: "12345678" }), entry: "a" },
  { limit: "maxMetadataBytes", max: 4 + 8 + 400 + 6 + 1, bytes: archive, entry: "dir/file" },
])("a layer beyond $limit is refused", async ({ limit, max, bytes, entry }) => {
  const limits = { ...defaultRootfsLimits, [limit]: max };
  await expect(scanned(layerOf(bytes), { limits })).rejects.toMatchObject({
    code: "LIMIT_EXCEEDED",
    message: expect.stringContaining(`${limit}, ${max}`),
    details: { reference: "demo/app:1", limit, max, layer: 3, ...(entry && { entry }) },
  });
  const { scan } = await scanned(layerOf(bytes), { limits: { ...limits, [limit]: max + 1 } });
  expect(scan.entries).toBeGreaterThan(0);
});

test("layers that share their usage are one image to the ceilings", async () => {
  const workers = startWorkers();
  const limits = { ...defaultRootfsLimits, maxEntries: 5 };
  const options = { limits, usage: createLayerUsage() };
  await scanned(layerOf(archive), options, workers);
  await scanned(layerOf(archive), options, workers);
  await expect(scanned(layerOf(archive), options, workers)).rejects.toMatchObject({ code: "LIMIT_EXCEEDED" });
});

test("a layer that unpacks to far more than it is ends before it has", async () => {
  const member = gzipSync(Buffer.alloc(1024 * 1024));
  const bomb = Buffer.concat(Array.from({ length: 80 }, () => member));
  const limits = { ...defaultRootfsLimits, maxRatio: 20 };
  await expect(scanned(layerOf(bomb), { limits })).rejects.toMatchObject({
    code: "LIMIT_EXCEEDED",
    details: { limit: "maxRatio", max: 20 },
  });
});
