import { createHash } from "node:crypto";
import { closeSync, openSync, readSync } from "node:fs";
import type { Timestamp } from "../../../packages/core/src/layer-archive/layer-entry.ts";
import type { DirectoryInode, FileInode, Inode } from "../../../packages/core/src/rootfs/tree/inode.ts";
import { finishRecords, type ReadRecord, type TreeRecord } from "./tree-record.ts";

/**
 * Describes a merged tree in memory. Contents come from `archives`, the unpacked layers by number, by their offsets; they were
 * unpacked by others than those who made the tree.
 */
export function readTree(root: DirectoryInode, archives: readonly string[]): readonly TreeRecord[] {
  const files = archives.map((path) => openSync(path, "r"));
  const [numbers, sums] = [new Map<Inode, string>(), new Map<Inode, string>()];
  const found: ReadRecord[] = [];
  const visit = (path: string, inode: Inode): void => {
    if (!numbers.has(inode)) numbers.set(inode, String(numbers.size));
    if (inode.type === "file" && !sums.has(inode)) sums.set(inode, sha256OfContent(inode, files));
    found.push({
      path,
      type: inode.type,
      mode: inode.mode,
      uid: inode.uid,
      gid: inode.gid,
      mtime: nanosecondsOf(inode.mtime),
      size: inode.type === "file" ? inode.size : undefined,
      sha256: sums.get(inode),
      target: inode.type === "symlink" ? inode.target : undefined,
      device: inode.type === "character" || inode.type === "block" ? `${inode.major}:${inode.minor}` : undefined,
      xattrs: [...(inode.xattrs ?? [])].map(([name, value]) => `${name}=${Buffer.from(value).toString("hex")}`).sort(),
      inode: inode.type === "directory" ? undefined : numbers.get(inode),
    });
    if (inode.type !== "directory") return;
    for (const [name, child] of inode.entries) visit(path === "." ? name : `${path}/${name}`, child);
  };
  try {
    visit(".", root);
    return finishRecords(found);
  } finally {
    for (const file of files) closeSync(file);
  }
}

function nanosecondsOf({ seconds, nanoseconds }: Timestamp): bigint {
  return BigInt(seconds) * 1_000_000_000n + BigInt(nanoseconds);
}

function sha256OfContent({ size, content }: FileInode, files: readonly number[]): string {
  const hash = createHash("sha256");
  if ("bytes" in content) return hash.update(content.bytes).digest("hex");
  const file = files[content.layer];
  if (file === undefined) throw new Error(`there is no layer ${content.layer}`);
  let at = 0;
  for (const extent of content.extents ?? [{ at: 0, offset: content.offset, length: size }]) {
    zeros(hash, extent.at - at);
    const bytes = Buffer.alloc(extent.length);
    if (readSync(file, bytes, { position: extent.offset }) < extent.length) throw new Error("a layer ends in a file");
    hash.update(bytes);
    at = extent.at + extent.length;
  }
  zeros(hash, size - at);
  return hash.digest("hex");
}

function zeros(hash: ReturnType<typeof createHash>, count: number): void {
  const chunk = Buffer.alloc(Math.min(count, 2 ** 20));
  for (let left = count; left > 0; left -= chunk.length) hash.update(chunk.subarray(0, left));
}
