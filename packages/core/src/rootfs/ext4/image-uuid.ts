import { createHash } from "node:crypto";
import type { Timestamp } from "../../layer-archive/layer-entry.ts";
import type { Inode, InodeMetadata } from "../tree/inode.ts";
import type { RootfsTree } from "../tree/rootfs-tree.ts";
import { linkCounts } from "../tree/tree-totals.ts";
import { walkTree } from "../tree/walk-tree.ts";

/** What makes two file systems differ that look the same. */
export interface ImageIds {
  readonly uuid: string;
  /** Salts the hashes of names in directories; has the form of a UUID. */
  readonly hashSeed: string;
}

/**
 * Derives the ids of an image from what is in it: names, metadata, and for contents where they lie in layers that are known
 * by their digest. So the same tree has the same ids, wherever and whenever it is written.
 */
export function imageIds({ root, layers }: RootfsTree): ImageIds {
  const hash = createHash("sha256");
  const linked = linkCounts(root);
  const numbers = new Map<Inode, number>();
  for (const layer of layers) hash.update(`${layer.layer} ${layer.diffId ?? layer.digest}\n`);
  for (const { path, inode } of walkTree(root)) {
    const known = numbers.get(inode);
    if (linked.has(inode)) numbers.set(inode, known ?? numbers.size);
    const what = known === undefined ? [metadataOf(inode), ...contentOf(inode)] : ["link", known];
    hash.update(`${JSON.stringify([path, ...what])}\n`);
    if (known !== undefined) continue;
    if (inode.type === "file" && "bytes" in inode.content) hash.update(inode.content.bytes);
    for (const [name, value] of inode.xattrs ?? [])
      hash.update(`${JSON.stringify([name, value.byteLength])}`).update(value);
  }
  const digest = hash.digest();
  return { uuid: uuidOf(digest.subarray(0, 16)), hashSeed: uuidOf(digest.subarray(16)) };
}

function metadataOf({ mode, uid, gid, mtime, atime }: InodeMetadata): unknown {
  return [mode, uid, gid, moment(mtime), atime && moment(atime)];
}

function moment({ seconds, nanoseconds }: Timestamp): unknown {
  return [seconds, nanoseconds];
}

function contentOf(inode: Inode): readonly unknown[] {
  if (inode.type === "symlink") return [inode.type, inode.target];
  if (inode.type === "character" || inode.type === "block") return [inode.type, inode.major, inode.minor];
  if (inode.type !== "file") return [inode.type];
  const { size, content } = inode;
  if ("bytes" in content) return [inode.type, size];
  const extents = content.extents?.map(({ at, offset, length }) => [at, offset, length]);
  return [inode.type, size, content.layer, extents ?? content.offset];
}

/** A UUID as version 5 looks: made of a hash. */
function uuidOf(bytes: Uint8Array): string {
  const uuid = Buffer.from(bytes);
  uuid[6] = ((uuid[6] ?? 0) & 0x0f) | 0x50;
  uuid[8] = ((uuid[8] ?? 0) & 0x3f) | 0x80;
  return uuid.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
