import type { ByteString } from "../../layer-archive/byte-string.ts";
import { type DirectoryInode, type Inode, sortedEntries } from "./inode.ts";

/** A name in a tree. Names that are hard links of each other come with the same inode object. */
export interface TreeEntry {
  /** From the root, without a slash before it or after it; "" for the root itself. */
  readonly path: ByteString;
  readonly inode: Inode;
}

/** Every name below `root`, itself first: a directory before what is in it, and that bytewise by name. */
export function* walkTree(root: DirectoryInode): Generator<TreeEntry, void, undefined> {
  yield { path: "", inode: root };
  const levels = [{ prefix: "", entries: sortedEntries(root), next: 0 }];
  for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
    const entry = level.entries[level.next++];
    if (entry === undefined) {
      levels.pop();
      continue;
    }
    const [name, inode] = entry;
    const path = level.prefix + name;
    yield { path, inode };
    if (inode.type === "directory") levels.push({ prefix: `${path}/`, entries: sortedEntries(inode), next: 0 });
  }
}
