import { type ByteString, textOfByteString } from "../../../layer-archive/byte-string.ts";
import { RootfsError } from "../../errors.ts";
import type { FileInode, Inode } from "../../tree/inode.ts";
import type { RootfsTree } from "../../tree/rootfs-tree.ts";
import { type TreeEntry, walkTree } from "../../tree/walk-tree.ts";
import { isSafeName } from "../host-path.ts";

/** The names of a tree by how they are made. Each list is in the order of the tree. */
export interface SortedTree {
  /** The root first. */
  readonly directories: readonly TreeEntry[];
  readonly files: readonly (TreeEntry & { readonly inode: FileInode })[];
  readonly symlinks: readonly (TreeEntry & { readonly inode: Extract<Inode, { type: "symlink" }> })[];
  /** Devices and named pipes. */
  readonly nodes: readonly TreeEntry[];
  /** Further names. */
  readonly links: readonly (TreeEntry & { readonly to: ByteString })[];
  /** Of all files, holes included, in bytes. */
  readonly fileBytes: number;
}

/**
 * Sorts the names of a tree.
 * @throws RootfsError `IMAGE_INVALID`: a name that would lead out of its directory
 */
export function sortEntries({ root }: RootfsTree, reference: string): SortedTree {
  const firstNames = new Map<Inode, ByteString>();
  const sorted = {
    directories: [] as TreeEntry[],
    files: [] as SortedTree["files"][number][],
    symlinks: [] as SortedTree["symlinks"][number][],
    nodes: [] as TreeEntry[],
    links: [] as SortedTree["links"][number][],
    fileBytes: 0,
  };
  for (const { path, inode } of walkTree(root)) {
    if (inode.type === "directory") {
      for (const name of inode.entries.keys()) requireSafe(name, path, reference);
      sorted.directories.push({ path, inode });
      continue;
    }
    const to = firstNames.get(inode);
    if (to !== undefined) {
      sorted.links.push({ path, inode, to });
      continue;
    }
    firstNames.set(inode, path);
    if (inode.type === "symlink") sorted.symlinks.push({ path, inode });
    else if (inode.type === "file") {
      sorted.files.push({ path, inode });
      sorted.fileBytes += inode.size;
    } else sorted.nodes.push({ path, inode });
  }
  return sorted;
}

function requireSafe(name: ByteString, directory: ByteString, reference: string): void {
  if (isSafeName(name)) return;
  const reason = `${JSON.stringify(textOfByteString(name))} in /${textOfByteString(directory)} is no name`;
  throw new RootfsError("IMAGE_INVALID", `cannot write the files of ${reference}: ${reason}`, { reference, reason });
}
