import { createHash } from "node:crypto";
import { closeSync, mkdirSync, openSync, renameSync, statSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { type Digest, digestOf, MediaType, parseDigest } from "@tranship/registry";
import { tarPadding } from "../../packages/core/src/bundle/tar/tar-header.ts";
import type { LayerFile } from "../../packages/core/src/rootfs/layers/layer-file.ts";
import { encodeEntry } from "../../packages/core/src/rootfs/output/tar/encode-entry.ts";
import type { Inode } from "../../packages/core/src/rootfs/tree/inode.ts";
import { keystream } from "../support/keystream.ts";
import { seededRandom } from "../support/random.ts";

/** An image in an OCI layout, made of thin air and always the same. */
export interface BenchImage {
  /** The layout; its tag is `bench`. */
  readonly layout: string;
  readonly layers: readonly LayerFile[];
  readonly names: number;
  /** Of all files. */
  readonly fileBytes: number;
}

/** What an image is made of. */
export interface BenchImageSize {
  readonly names: number;
  readonly fileBytes: number;
  readonly layers: number;
}

const corpusBytes = 16 * 1024 * 1024;

/**
 * Makes an image with the shape of a Debian system: a tenth of the names directories, a tenth symbolic links, files from
 * nothing to megabytes of which half are below 2 KiB, contents that gzip makes a third of.
 */
export async function makeBenchImage(folder: string, size: BenchImageSize): Promise<BenchImage> {
  const layout = join(folder, "layout");
  mkdirSync(join(layout, "blobs/sha256"), { recursive: true });
  writeFileSync(join(layout, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  const corpus = makeCorpus();
  const layers: LayerFile[] = [];
  let fileBytes = 0;
  const perLayer = { names: Math.round(size.names / size.layers), bytes: size.fileBytes / size.layers };
  for (let layer = 0; layer < size.layers; layer += 1) {
    const made = planLayer(layer, perLayer.names, perLayer.bytes);
    fileBytes += made.reduce((sum, { bytes }) => sum + bytes, 0);
    layers.push(await writeLayer(layout, layer, made, corpus));
  }
  writeIndex(layout, layers);
  return { layout, layers, names: perLayer.names * size.layers, fileBytes };
}

interface Planned {
  readonly name: string;
  readonly inode: Inode;
  readonly bytes: number;
}

const mtime = { seconds: 1_700_000_000, nanoseconds: 0 };
const metadata = { uid: 0, gid: 0, mtime, atime: undefined, xattrs: undefined };

function planLayer(layer: number, names: number, totalBytes: number): readonly Planned[] {
  const random = seededRandom(layer + 1);
  const directories = [`usr/layer${layer}`];
  const planned: Planned[] = [];
  const weights: number[] = [];
  for (let number = 0; planned.length < names; number += 1) {
    const kind = random();
    const parent = directories[Math.floor(random() ** 2 * directories.length)] ?? "";
    const name = `${parent}/${number % 3 === 0 ? "lib" : "share-"}${number.toString(36)}${kind < 0.5 ? ".so.1" : ""}`;
    if (planned.length === 0 || kind < 0.1) {
      const path = planned.length === 0 ? parent : name;
      if (planned.length > 0) directories.push(path);
      planned.push({
        name: `${path}/`,
        inode: { type: "directory", entries: new Map(), mode: 0o755, ...metadata },
        bytes: 0,
      });
    } else if (kind < 0.2) {
      planned.push({
        name,
        inode: { type: "symlink", target: `../${number}/target`, mode: 0o777, ...metadata },
        bytes: 0,
      });
    } else {
      const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
      weights.push(Math.min(2_000_000, Math.exp(7.5 + 1.7 * normal)));
      planned.push({ name, inode: fileOf(0, kind < 0.4 ? 0o755 : 0o644), bytes: 0 });
    }
  }
  const scale = totalBytes / weights.reduce((sum, weight) => sum + weight, 0);
  let file = 0;
  return planned.map((entry) => {
    if (entry.inode.type !== "file") return entry;
    const bytes = Math.round((weights[file++] ?? 0) * scale);
    return { ...entry, inode: fileOf(bytes, entry.inode.mode), bytes };
  });
}

function fileOf(size: number, mode: number): Inode {
  return { type: "file", size, content: { bytes: new Uint8Array() }, mode, ...metadata };
}

/** Words of a made-up language, the short ones often, with some bytes in between that nothing packs. */
function makeCorpus(): Buffer {
  const random = seededRandom(404);
  const words = Array.from({ length: 3000 }, (_, rank) => {
    const length = 2 + Math.floor(Math.log2(rank + 2) / 2 + random() * 5);
    return Array.from({ length }, () => String.fromCharCode(97 + Math.floor(random() * 26))).join("");
  });
  const corpus = Buffer.alloc(corpusBytes);
  for (let at = 0; at < corpusBytes; ) {
    at += corpus.write(`${words[Math.floor(words.length ** random()) - 1] ?? ""} `, at, "latin1") || 1;
  }
  const noise = Buffer.concat([...keystream("bench", corpusBytes)].map((piece) => Buffer.from(piece)));
  for (let at = 0; at < corpusBytes; at += 16_384) noise.copy(corpus, at, at, at + 512);
  return corpus;
}

async function writeLayer(
  layout: string,
  layer: number,
  entries: readonly Planned[],
  corpus: Buffer,
): Promise<LayerFile> {
  const random = seededRandom(1000 + layer);
  const plain = createHash("sha256");
  const packed = createHash("sha256");
  const path = join(layout, "blobs/sha256", `layer-${layer}`);
  function* archive(): Generator<Buffer> {
    for (const { name, inode, bytes } of entries) {
      yield encodeEntry(inode, { name });
      for (let left = bytes; left > 0; ) {
        const from = Math.floor(random() * (corpusBytes - 65_536));
        const piece = corpus.subarray(from, from + Math.min(left, 65_536));
        left -= piece.byteLength;
        yield piece;
      }
      yield Buffer.alloc(tarPadding(bytes));
    }
    yield Buffer.alloc(1024);
  }
  function* hashed(): Generator<Buffer> {
    let batch: Buffer[] = [];
    let batchBytes = 0;
    for (const piece of archive()) {
      plain.update(piece);
      batch.push(piece);
      batchBytes += piece.byteLength;
      if (batchBytes < 1024 * 1024) continue;
      yield Buffer.concat(batch);
      batch = [];
      batchBytes = 0;
    }
    yield Buffer.concat(batch);
  }
  const descriptor = openSync(path, "w");
  await pipeline(
    Readable.from(hashed()),
    createGzip({ level: 6, chunkSize: 1024 * 1024 }),
    async (chunks: AsyncIterable<Buffer>) => {
      for await (const chunk of chunks) {
        packed.update(chunk);
        writeSync(descriptor, chunk);
      }
    },
  );
  closeSync(descriptor);
  const digest = parseDigest(`sha256:${packed.digest("hex")}`);
  const diffId = parseDigest(`sha256:${plain.digest("hex")}`);
  return rename(path, { layer, digest, diffId });
}

function rename(
  path: string,
  { layer, digest, diffId }: { readonly layer: number; readonly digest: Digest; readonly diffId: Digest },
): LayerFile {
  const size = statSync(path).size;
  const named = join(path, "..", digest.slice("sha256:".length));
  renameSync(path, named);
  return { layer, digest, size, diffId, pieces: [{ path: named, offset: 0, length: size }] };
}

function writeIndex(layout: string, layers: readonly LayerFile[]): void {
  const put = (value: unknown) => {
    const bytes = Buffer.from(JSON.stringify(value));
    const digest = digestOf(bytes);
    writeFileSync(join(layout, "blobs/sha256", digest.slice("sha256:".length)), bytes);
    return { digest, size: bytes.byteLength };
  };
  const diffIds = layers.map(({ diffId }) => diffId);
  const config = put({ architecture: "amd64", os: "linux", config: {}, rootfs: { type: "layers", diff_ids: diffIds } });
  const manifest = put({
    schemaVersion: 2,
    mediaType: MediaType.ociManifest,
    config: { mediaType: MediaType.ociConfig, ...config },
    layers: layers.map(({ digest, size }) => ({ mediaType: MediaType.ociLayerGzip, digest, size })),
  });
  const annotations = { "org.opencontainers.image.ref.name": "bench" };
  const manifests = [{ mediaType: MediaType.ociManifest, ...manifest, annotations }];
  writeFileSync(join(layout, "index.json"), JSON.stringify({ schemaVersion: 2, manifests }));
}
