import type { ByteString } from "../../layer-archive/byte-string.ts";
import { type DirectoryInode, type Inode, sortedEntries } from "../tree/inode.ts";
import { linkCounts } from "../tree/tree-totals.ts";
import { lostAndFoundInode, lostAndFoundName, rootInode } from "./ext4-geometry.ts";

/** A directory as it will be in an image. */
export interface PlannedDirectory {
  /** Its inode's number; its parent's. The root is its own parent. */
  readonly number: number;
  readonly parent: number;
  readonly inode: DirectoryInode;
  /** Bytewise by name. */
  readonly names: readonly PlannedName[];
}

/** A name in a {@link PlannedDirectory}. */
export interface PlannedName {
  readonly name: ByteString;
  readonly inode: Inode;
  /** The inode's number in the image. */
  readonly number: number;
  /** Whether it is the first name of its inode: further ones are links. */
  readonly isFirst: boolean;
  /** Names of its inode. */
  readonly links: number;
}

/** The tree with the directory that a check of the file system wants to find: its own, or an empty one. */
export function withLostAndFound(root: DirectoryInode): DirectoryInode {
  if (root.entries.has(lostAndFoundName)) return root;
  const { mtime } = root;
  const made: DirectoryInode = {
    type: "directory",
    entries: new Map(),
    mode: 0o700,
    uid: 0,
    gid: 0,
    mtime,
    atime: undefined,
    xattrs: undefined,
  };
  return { ...root, entries: new Map([...root.entries, [lostAndFoundName, made]]) };
}

/**
 * Every directory of a tree, the root first, in an order that is always the same: the names of a directory are numbered one
 * after the other, and what is in its directories comes after them. As `debugfs` takes the first inode that is free and no
 * inode is ever given back, their numbers are known before it runs.
 * @param root - Has a `lost+found`.
 */
export function* plannedDirectories(root: DirectoryInode): Generator<PlannedDirectory, void, undefined> {
  const counts = linkCounts(root);
  const linked = new Map<Inode, number>();
  let next = lostAndFoundInode + 1;
  const pending: Omit<PlannedDirectory, "names">[] = [{ inode: root, number: rootInode, parent: rootInode }];
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    const parent = directory.number;
    const isRoot = parent === rootInode;
    const below: typeof pending = [];
    const names = sortedEntries(directory.inode).map(([name, inode]): PlannedName => {
      const isThere = isRoot && name === lostAndFoundName;
      const known = linked.get(inode);
      const number = isThere ? lostAndFoundInode : (known ?? next++);
      const links = counts.get(inode) ?? 1;
      if (links > 1) linked.set(inode, number);
      if (inode.type === "directory") below.push({ inode, number, parent });
      return { name, inode, number, isFirst: known === undefined, links };
    });
    pending.push(...below.reverse());
    yield { ...directory, names };
  }
}
