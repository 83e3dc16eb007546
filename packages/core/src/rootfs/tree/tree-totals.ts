import type { DirectoryInode, FileInode, Inode } from "./inode.ts";

/** What a tree comes to. Hard links are counted once, but for `names`. */
export interface TreeTotals {
  readonly directories: number;
  readonly files: number;
  readonly symlinks: number;
  /** Character and block devices. */
  readonly devices: number;
  readonly fifos: number;
  /** All of the above, the root among them. */
  readonly inodes: number;
  /** Names in directories: inodes without the root, and one more for each further hard link. */
  readonly names: number;
  /** Logical bytes of all files, holes included. */
  readonly fileBytes: number;
  /** Bytes of all files that are somewhere: in a layer, or in memory. */
  readonly dataBytes: number;
  /** Blocks that have a byte of a file, holes left out. */
  readonly dataBlocks: number;
  /** Extended attributes' values and names, in bytes. */
  readonly xattrBytes: number;
}

/**
 * Counts a tree.
 * @param blockBytes - What `dataBlocks` counts. @defaultValue 4096
 */
export function treeTotals(root: DirectoryInode, blockBytes = 4096): TreeTotals {
  const totals = { directory: 0, file: 0, symlink: 0, character: 0, block: 0, fifo: 0 };
  const seen = new Set<Inode>();
  let names = -1;
  let fileBytes = 0;
  let dataBytes = 0;
  let dataBlocks = 0;
  let xattrBytes = 0;
  for (const inode of inodesBelow(root)) {
    names++;
    if (inode.type !== "directory") {
      if (seen.has(inode)) continue;
      seen.add(inode);
    }
    totals[inode.type]++;
    for (const [name, value] of inode.xattrs ?? []) xattrBytes += name.length + value.byteLength;
    if (inode.type !== "file") continue;
    const data = dataOf(inode, blockBytes);
    fileBytes += inode.size;
    dataBytes += data.bytes;
    dataBlocks += data.blocks;
  }
  return {
    directories: totals.directory,
    files: totals.file,
    symlinks: totals.symlink,
    devices: totals.character + totals.block,
    fifos: totals.fifo,
    inodes: totals.directory + seen.size,
    names,
    fileBytes,
    dataBytes,
    dataBlocks,
    xattrBytes,
  };
}

/** Names that each inode has, of those that have more than one. */
export function linkCounts(root: DirectoryInode): ReadonlyMap<Inode, number> {
  const once = new Set<Inode>();
  const counts = new Map<Inode, number>();
  for (const inode of inodesBelow(root)) {
    if (inode.type === "directory") continue;
    if (once.has(inode)) counts.set(inode, (counts.get(inode) ?? 1) + 1);
    else once.add(inode);
  }
  return counts;
}

/** The root and what every name stands for, in no order. */
function* inodesBelow(root: DirectoryInode): Generator<Inode, void, undefined> {
  const directories = [root];
  yield root;
  for (let directory = directories.pop(); directory !== undefined; directory = directories.pop()) {
    for (const inode of directory.entries.values()) {
      yield inode;
      if (inode.type === "directory") directories.push(inode);
    }
  }
}

function dataOf({ size, content }: FileInode, blockBytes: number): { readonly bytes: number; readonly blocks: number } {
  if ("bytes" in content || content.extents === undefined) return { bytes: size, blocks: Math.ceil(size / blockBytes) };
  let bytes = 0;
  let blocks = 0;
  let counted = 0; // the first block that is not counted yet
  for (const { at, length } of content.extents) {
    if (length === 0) continue;
    const end = Math.ceil((at + length) / blockBytes);
    blocks += Math.max(0, end - Math.max(counted, Math.floor(at / blockBytes)));
    counted = Math.max(counted, end);
    bytes += length;
  }
  return { bytes, blocks };
}
