import { textOfByteString } from "../../layer-archive/byte-string.ts";
import { RootfsError } from "../errors.ts";
import { maxNameBytes } from "../limits.ts";
import { isSafeName } from "../output/host-path.ts";
import type { DirectoryInode, Inode } from "../tree/inode.ts";
import { linkCounts } from "../tree/tree-totals.ts";
import { walkTree } from "../tree/walk-tree.ts";
import { isDebugfsLine } from "./debugfs-words.ts";
import { blockBytes, lostAndFoundName } from "./ext4-geometry.ts";
import { xattrSpace } from "./ext4-needs.ts";
import { ext4Xattrs } from "./ext4-xattrs.ts";

/** The most names an ext4 inode has. */
export const maxLinks = 65_000;

/** Device numbers Linux has: 12 bits and 20 bits. */
const maxMajor = 2 ** 12 - 1;
const maxMinor = 2 ** 20 - 1;

/** What extents can address, in bytes. */
const maxFileBytes = (2 ** 32 - 1) * blockBytes;

/** What extended attributes of an inode may take together: a block without its header. */
const maxXattrBytes = blockBytes - 36;

/**
 * Finds what an ext4 file system cannot hold, before anything is written. Gives how many extended attributes there are that
 * it has no place for.
 * @throws RootfsError `TREE_UNFIT`
 */
export function requireFit(root: DirectoryInode): number {
  const links = linkCounts(root);
  let misplaced = 0;
  for (const { path, inode } of walkTree(root)) {
    misplaced += (inode.xattrs?.size ?? 0) - (ext4Xattrs(inode)?.size ?? 0);
    const reason = misfitOf(path, inode, links.get(inode) ?? 1);
    if (reason === undefined) continue;
    const shown = `/${textOfByteString(path)}`;
    throw new RootfsError("TREE_UNFIT", `cannot put ${shown} into an ext4 image: ${reason}`, { path: shown, reason });
  }
  return misplaced;
}

function misfitOf(path: string, inode: Inode, links: number): string | undefined {
  const name = path.slice(path.lastIndexOf("/") + 1);
  if (path !== "" && (!isSafeName(name) || name.length > maxNameBytes)) return "no file can have this name";
  if (path === lostAndFoundName && inode.type !== "directory") return "the file system keeps a directory of this name";
  if (links > maxLinks) return `it has ${links} names, and ${maxLinks} is the most`;
  if (!isId(inode.uid) || !isId(inode.gid)) return "its owner is no 32-bit number";
  if (xattrSpace(inode) > maxXattrBytes) return `its extended attributes do not fit into ${maxXattrBytes} bytes`;
  for (const [attribute, value] of ext4Xattrs(inode) ?? []) {
    if (attribute === "" || attribute.length > maxNameBytes)
      return "no extended attribute can have the name of its one";
    if (!isDebugfsLine(attribute)) return "the name of an extended attribute of it has an end of line in it";
    if (attribute.startsWith("system.posix_acl_") && !isAcl(value)) return `its ${attribute} is no access control list`;
  }
  if (inode.type === "symlink" && (inode.target === "" || inode.target.length >= blockBytes))
    return `its target has ${inode.target.length} bytes`;
  if (inode.type === "symlink" && inode.target.includes("\0")) return "its target has a NUL in it";
  if (inode.type === "file" && inode.size > maxFileBytes) return `it is larger than ${maxFileBytes} bytes`;
  if (inode.type !== "character" && inode.type !== "block") return undefined;
  const { major, minor } = inode;
  return major > maxMajor || minor > maxMinor ? `there is no device ${major}:${minor}` : undefined;
}

/** Whether it is a version, 2, and entries of eight bytes: the form that programs and layers have. */
function isAcl(value: Uint8Array): boolean {
  const { byteLength } = value;
  return byteLength > 4 && byteLength % 8 === 4 && Buffer.from(value).readUInt32LE(0) === 2;
}

function isId(id: number): boolean {
  return Number.isInteger(id) && id >= 0 && id < 2 ** 32;
}
