import { layerExtents } from "../output/content-target.ts";
import type { DirectoryInode, FileInode, Inode, InodeMetadata } from "../tree/inode.ts";
import { treeTotals } from "../tree/tree-totals.ts";
import { countDirectoryBlocks } from "./directory-blocks.ts";
import { blockBytes, lostAndFoundInode } from "./ext4-geometry.ts";
import { ext4Xattrs } from "./ext4-xattrs.ts";

/** What a tree takes of an ext4 file system, beyond what is taken as soon as it is formatted. */
export interface Ext4Needs {
  /** Blocks; at most a little more than are used in the end. */
  readonly blocks: number;
  /** Inodes, exactly; the root and `lost+found` are there from the start. */
  readonly inodes: number;
  /** Whether some directory is larger than a block, and so is worth an index. */
  readonly hasLargeDirectories: boolean;
}

/** Symbolic links up to so many bytes are kept in their inode. */
const maxInodeTarget = 59;

/** What extended attributes may take of an inode, headers left out, in bytes. */
const inodeXattrBytes = 256 - 128 - 32 - 8;

/** Extents that fit into an inode, and into a block. */
const inodeExtents = 4;
const blockExtents = 340;

/** The most blocks an extent has. */
const extentBlocks = 32_768;

/**
 * Counts what a tree will take, file by file.
 * @param root - Has a `lost+found`.
 */
export function ext4Needs(root: DirectoryInode): Ext4Needs {
  const totals = treeTotals(root, blockBytes);
  let blocks = totals.dataBlocks;
  let hasLargeDirectories = false;
  const seen = new Set<Inode>();
  const count = (inode: Inode) => {
    if (xattrSpace(inode) > inodeXattrBytes) blocks++;
    if (inode.type === "symlink" && inode.target.length > maxInodeTarget) blocks++;
    if (inode.type === "file") blocks += extentTreeBlocks(inode);
    if (inode.type !== "directory") return;
    const size = countDirectoryBlocks(inode.entries.keys());
    // names of an index lie in blocks by their hash, and those are left with room for more; here they come in no order yet
    blocks += size === 1 ? 1 : Math.ceil(size * 1.4) + 3;
    hasLargeDirectories ||= size > 1;
  };
  const pending: DirectoryInode[] = [root];
  count(root);
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    for (const inode of directory.entries.values()) {
      if (inode.type === "directory") pending.push(inode);
      else if (seen.has(inode)) continue;
      else seen.add(inode);
      count(inode);
    }
  }
  // blocks of zeros become holes, which makes extents of what would be one
  const slack = 16 + Math.ceil(blocks / 512);
  return { blocks: blocks + slack, inodes: totals.inodes - 2, hasLargeDirectories };
}

/** The least that `-N` may ask for. */
export function inodeCount({ inodes }: Ext4Needs): number {
  return inodes + lostAndFoundInode;
}

/** What extended attributes take of an inode or a block, in bytes, headers left out. */
export function xattrSpace(inode: InodeMetadata): number {
  let bytes = 0;
  for (const [name, value] of ext4Xattrs(inode) ?? []) bytes += 16 + fours(name.length) + fours(value.byteLength);
  return bytes;
}

function extentTreeBlocks(inode: FileInode): number {
  const parts = Math.max(layerExtents(inode).length, Math.ceil(inode.size / (extentBlocks * blockBytes)));
  if (parts <= inodeExtents) return 0;
  const leaves = Math.ceil((parts * 1.1) / (blockExtents / 2)); // a leaf that is split leaves two half full
  return leaves + Math.ceil(leaves / (blockExtents / 2));
}

function fours(bytes: number): number {
  return Math.ceil(bytes / 4) * 4;
}
