import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync, zstdCompressSync } from "node:zlib";
import { type Descriptor, digestOf, type Manifest, MediaType, manifestOf } from "@tranship/registry";
import { Header, type ReadEntry } from "tar";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ImageLayout } from "../../layout/image-layout.ts";
import { blobPath } from "../section.ts";
import { type ImageFilesOptions, readImageFiles } from "./image-files.ts";

let layout: ImageLayout;
beforeEach(async () => {
  layout = await ImageLayout.open(mkdtempSync(join(tmpdir(), "tranship-files-")));
});
afterEach(() => rmSync(layout.path, { recursive: true }));

interface Node {
  readonly type?: ReadEntry["type"];
  readonly data?: string | Uint8Array;
  readonly linkpath?: string;
}

/** A layer's archive: text stands for a file. */
function layer(entries: readonly (readonly [string, string | Node])[], { trailer = true } = {}): Buffer {
  const parts = entries.map(([path, entry]) => {
    const node: Node = typeof entry === "string" ? { data: entry } : entry;
    const data = Buffer.from(node.data ?? "");
    const header = Buffer.alloc(512);
    const { type = "File", linkpath } = node;
    new Header({
      path,
      type,
      size: data.byteLength,
      mode: 0o644,
      ...(linkpath === undefined ? {} : { linkpath }),
    }).encode(header, 0);
    return Buffer.concat([header, data, Buffer.alloc((512 - (data.byteLength % 512)) % 512)]);
  });
  return Buffer.concat([...parts, Buffer.alloc(trailer ? 1024 : 0)]);
}

async function store(bytes: Uint8Array, mediaType: string): Promise<Descriptor> {
  const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.byteLength };
  await layout.pushBlob(descriptor, async function* () {
    yield bytes;
  });
  return descriptor;
}

/** An image of these blobs, lowest layer first. */
async function imageOf(...layers: readonly Uint8Array[]): Promise<Manifest> {
  const config = await store(Buffer.from("{}"), MediaType.ociConfig);
  const stored = [];
  for (const bytes of layers) stored.push(await store(bytes, MediaType.ociLayer));
  return manifest(MediaType.ociManifest, { config, layers: stored });
}

async function manifest(mediaType: string, body: object): Promise<Manifest> {
  const made = manifestOf(Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, ...body })), mediaType);
  await layout.pushManifest(made);
  return made;
}

async function read(
  image: Manifest,
  names: readonly string[],
  options?: ImageFilesOptions,
): Promise<Record<string, string>> {
  const files = await readImageFiles(layout, image, names, options);
  return Object.fromEntries([...files].map(([name, bytes]) => [name, Buffer.from(bytes).toString()]));
}

function damage(blob: Uint8Array, at: number): void {
  const path = join(layout.path, blobPath(digestOf(blob)));
  const bytes = readFileSync(path);
  bytes.writeUInt8((bytes.at(at) ?? 0) ^ 0xff, at < 0 ? bytes.byteLength + at : at);
  writeFileSync(path, bytes);
}

test.for([
  { packing: "plain", pack: (bytes: Buffer) => bytes },
  { packing: "gzip", pack: (bytes: Buffer) => gzipSync(bytes) },
  { packing: "zstd", pack: (bytes: Buffer) => zstdCompressSync(bytes) },
  {
    packing: "gzip in two members",
    pack: (b: Buffer) => Buffer.concat([gzipSync(b.subarray(0, 700)), gzipSync(b.subarray(700))]),
  },
  { packing: "gzip with zeros after it", pack: (b: Buffer) => Buffer.concat([gzipSync(b), Buffer.alloc(600_000)]) },
  {
    packing: "zstd in many frames",
    pack: (b: Buffer) =>
      Buffer.concat(
        [0, 1000, 1512, 2000, 30_000].map((at, nth, all) => zstdCompressSync(b.subarray(at, all[nth + 1]))),
      ),
  },
  {
    packing: "zstd behind a skippable frame",
    pack: (b: Buffer) => Buffer.concat([Buffer.from("502a4d180400000001020304", "hex"), zstdCompressSync(b)]),
  },
])("reads files of a layer packed as $packing", async ({ pack }) => {
  const big = "0123456789".repeat(6000);
  const image = await imageOf(
    pack(
      layer([
        ["other", "x"],
        ["dir/big", big],
        ["./version.json", "{}"],
      ]),
    ),
  );
  expect(await read(image, ["version.json", "/dir//big", "absent"])).toEqual({
    "version.json": "{}",
    "/dir//big": big,
  });
});

test("the uppermost layer that has a file gives it", async () => {
  const image = await imageOf(
    layer([
      ["a", "old"],
      ["b", "old"],
    ]),
    layer([["a", "new"]]),
  );
  expect(await read(image, ["a", "b"])).toEqual({ a: "new", b: "old" });
});

test("long names are read whatever header they need", async () => {
  const path = `${"d".repeat(120)}/${"e".repeat(120)}`;
  const body = `${path.length + 10} path=${path}\n`;
  const image = await imageOf(
    layer([
      ["x", { type: "ExtendedHeader", data: body }],
      ["short", "found"],
    ]),
  );
  expect(await read(image, [path, "short"])).toEqual({ [path]: "found" });
});

test.for<{ readonly name: string; readonly path: string; readonly top: readonly (readonly [string, string | Node])[] }>(
  [
    { name: "a whiteout", path: "dir/file", top: [["dir/.wh.file", ""]] },
    { name: "a whiteout of its directory", path: "dir/sub/file", top: [["dir/.wh.sub", ""]] },
    { name: "a whiteout with ./", path: "file", top: [["./.wh.file", ""]] },
    { name: "an opaque whiteout of its directory", path: "dir/file", top: [["dir/.wh..wh..opq", ""]] },
    { name: "an opaque whiteout of the root", path: "dir/file", top: [[".wh..wh..opq", ""]] },
    { name: "a directory in its place", path: "file", top: [["file/", { type: "Directory" }]] },
    {
      name: "a symbolic link in its place",
      path: "file",
      top: [["file", { type: "SymbolicLink", linkpath: "other" }]],
    },
    { name: "a file in its directory's place", path: "dir/file", top: [["dir", "no directory"]] },
    {
      name: "a link in its directory's place",
      path: "dir/file",
      top: [["dir", { type: "SymbolicLink", linkpath: "/other" }]],
    },
  ],
)("$name hides a file below", async ({ path, top }) => {
  const image = await imageOf(layer([[path, "hidden"]]), layer(top));
  expect(await read(image, [path])).toEqual({});
});

test.for<{ readonly name: string; readonly path: string; readonly top: readonly (readonly [string, string | Node])[] }>(
  [
    { name: "a whiteout of a longer name", path: "file", top: [[".wh.file2", ""]] },
    { name: "a whiteout in another directory", path: "dir/file", top: [["other/.wh.file", ""]] },
    { name: "an opaque whiteout of another directory", path: "dir/file", top: [["di/.wh..wh..opq", ""]] },
    { name: "the entry of its directory", path: "dir/file", top: [["dir/", { type: "Directory" }]] },
  ],
)("$name hides nothing", async ({ path, top }) => {
  const image = await imageOf(layer([[path, "seen"]]), layer(top));
  expect(await read(image, [path])).toEqual({ [path]: "seen" });
});

test("a whiteout does not hide its own layer's files", async () => {
  const image = await imageOf(
    layer([["d/a", "old"]]),
    layer([
      ["d/.wh..wh..opq", ""],
      ["d/.wh.a", ""],
      ["d/a", "new"],
    ]),
  );
  expect(await read(image, ["d/a"])).toEqual({ "d/a": "new" });
});

test.for([
  { mediaType: "application/vnd.example.model", isRead: false },
  { mediaType: "application/json", isRead: false },
  { mediaType: "application/vnd.example.chart.v1.tar+gzip", isRead: true },
  { mediaType: "application/vnd.oci.image.layer.v1.tar+gzip+encrypted", isRead: true },
])("of an artifact's layers, $mediaType is taken for files: $isRead", async ({ mediaType, isRead }) => {
  const config = await store(Buffer.from("{}"), MediaType.ociConfig);
  const layers = [await store(Buffer.from("no archive of any kind"), mediaType)];
  const artifact = await manifest(MediaType.ociManifest, { config, layers });
  const reading = read(artifact, ["file"]);
  if (isRead) await expect(reading).rejects.toMatchObject({ code: "IMAGE_FILE_INVALID" });
  else expect(await reading).toEqual({});
});

test("an empty layer has no files", async () => {
  const image = await imageOf(layer([["a", "1"]]), gzipSync(layer([])), layer([]));
  expect(await read(image, ["a"])).toEqual({ a: "1" });
});

test("stops reading once all is found", async () => {
  const top = gzipSync(
    layer([
      ["a", "first"],
      ["rest", { data: randomBytes(3_000_000) }],
    ]),
  );
  const image = await imageOf(randomBytes(5000), top);
  damage(top, -1);
  expect(await read(image, ["a"])).toEqual({ a: "first" });
});

test("what is found in a small layer is proven by the layer's digest", async () => {
  const top = layer([
    ["a", "first"],
    ["rest", { data: randomBytes(300_000) }],
  ]);
  const image = await imageOf(top);
  damage(top, 600);
  damage(top, -2000);
  await expect(read(image, ["a"])).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
});

const rest: readonly [string, Node] = ["rest", { data: randomBytes(200_000) }];
test.for([
  { name: "cut in its packing", bytes: gzipSync(layer([rest])).subarray(0, 100_000), reason: /unexpected end of file/ },
  {
    name: "cut in its zstd packing",
    bytes: zstdCompressSync(layer([rest])).subarray(0, 100_000),
    reason: /unpacked|cut short/,
  },
  {
    name: "followed by another thing",
    bytes: Buffer.concat([gzipSync(layer([rest])), randomBytes(99).fill(7)]),
    reason: /header check/,
  },
  { name: "cut inside a file", bytes: layer([rest]).subarray(0, 102_400), reason: /cut short within/ },
  { name: "cut inside a header", bytes: layer([["a1", "x"]]).subarray(0, 1100), reason: /cut short/ },
  { name: "no archive", bytes: randomBytes(4096).fill(1, 0, 1), reason: /damaged/ },
  {
    name: "an archive with a damaged header",
    bytes: layer([["a1", "x"], rest]).fill(255, 1024, 1100),
    reason: /checksum/,
  },
  { name: "packed twice", bytes: gzipSync(gzipSync(layer([rest]))), reason: /no tar archive/ },
])("a layer that is $name is an error, not an absent file", async ({ bytes, reason }) => {
  const image = await imageOf(bytes);
  await expect(read(image, ["a"])).rejects.toMatchObject({
    code: "IMAGE_FILE_INVALID",
    details: { file: "a", reason: expect.stringMatching(reason) },
  });
});

test.for([
  { name: "plain", bytes: layer([rest]) },
  { name: "gzip", bytes: gzipSync(layer([rest])) },
  { name: "zstd", bytes: zstdCompressSync(layer([rest])) },
])("bytes damaged on the way show as such: $name", async ({ bytes }) => {
  const image = await imageOf(bytes);
  damage(bytes, 600);
  await expect(read(image, ["a"])).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
});

test("a file over the limit is an error", async () => {
  const image = await imageOf(layer([["a", "x".repeat(11)]]));
  expect(await read(image, ["a"], { maxFileBytes: 11 })).toEqual({ a: "x".repeat(11) });
  await expect(read(image, ["a"], { maxFileBytes: 10 })).rejects.toMatchObject({
    code: "IMAGE_FILE_INVALID",
    details: { file: "a", reason: expect.stringContaining("11 bytes") },
  });
});

test("an image that unpacks to more than is allowed is an error", async () => {
  const bomb = gzipSync(layer([["zeros", { data: Buffer.alloc(2_000_000) }]]));
  const image = await imageOf(bomb, bomb);
  await expect(read(image, ["a"], { maxUnpackedBytes: 4_002_000 })).rejects.toMatchObject({
    code: "IMAGE_FILE_INVALID",
  });
  expect(await read(image, ["a"], { maxUnpackedBytes: 4_004_000 })).toEqual({});
});

test("a hard link is an error: its bytes are elsewhere", async () => {
  const image = await imageOf(
    layer([
      ["b", "x"],
      ["a", { type: "Link", linkpath: "b" }],
    ]),
  );
  await expect(read(image, ["a"])).rejects.toMatchObject({
    code: "IMAGE_FILE_INVALID",
    details: { file: expect.stringMatching(/^a$/) },
  });
});

test("a missing layer is the repository's error", async () => {
  const image = await imageOf(layer([["a", "x"]]));
  rmSync(join(layout.path, blobPath(digestOf(layer([["a", "x"]])))));
  await expect(read(image, ["a"])).rejects.toMatchObject({ code: "NOT_FOUND" });
});

test("an index is read for linux/amd64, else another platform, else its first image", async () => {
  const arm = await imageOf(layer([["a", "arm"]]));
  const amd = await imageOf(layer([["a", "amd"]]));
  const attestation = await imageOf(layer([["a", "attestation"]]));
  const at = (image: Manifest, os: string, architecture: string) => ({
    ...image.descriptor,
    platform: { os, architecture },
  });
  const index = await manifest(MediaType.ociIndex, {
    manifests: [at(attestation, "unknown", "unknown"), at(arm, "linux", "arm64"), at(amd, "linux", "amd64")],
  });
  expect(await read(index, ["a"])).toEqual({ a: "amd" });
  expect(await read(index, ["a"], { platform: { os: "linux", architecture: "arm64" } })).toEqual({ a: "arm" });
  expect(await read(index, ["a"], { platform: { os: "linux", architecture: "s390x" } })).toEqual({ a: "arm" });
  const bare = await manifest(MediaType.ociIndex, { manifests: [attestation.descriptor] });
  expect(await read(bare, ["a"])).toEqual({ a: "attestation" });
  const empty = await manifest(MediaType.ociIndex, { manifests: [] });
  await expect(read(empty, ["a"])).rejects.toMatchObject({ code: "IMAGE_FILE_INVALID" });
});

test("an aborted read rejects with the reason", async () => {
  const image = await imageOf(layer([["a", "x"]]));
  const reason = new Error("enough");
  await expect(read(image, ["a"], { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
});
