import type { ByteString } from "../../layer-archive/byte-string.ts";
import type { DirectoryInode, Inode } from "../tree/inode.ts";
import { debugfsWord, standInTarget } from "./debugfs-words.ts";
import { blocksOfDirectory, lostAndFoundBlocks } from "./directory-blocks.ts";
import { lostAndFoundInode } from "./ext4-geometry.ts";
import { ext4Xattrs } from "./ext4-xattrs.ts";
import { type PlannedDirectory, plannedDirectories } from "./planned-directories.ts";
import { maxLinks } from "./require-fit.ts";
import { timestampFields } from "./timestamp-fields.ts";

/** A command of `debugfs`. */
export interface DebugfsCommand {
  readonly line: ByteString;
  /** The only line it writes when it succeeds; `undefined` for none. */
  readonly answer?: ByteString;
}

/** Where the value of an inode's attribute number `index` is, in the folder that `debugfs` runs in. */
export function xattrFile(number: number, index: number): string {
  return `x${number}-${index}`;
}

/** Where the bytes of a file are, in the folder that `debugfs` runs in. */
export function contentFile(number: number): string {
  return `f${number}`;
}

/** What everything is called for as long as it takes to make it. */
const passingName = "made";

/**
 * All that makes the inodes of a tree on an empty ext4 file system, but for names: those are written afterwards, because
 * `debugfs` reads all of a directory for each name it adds. Here everything is made in `lost+found` and loses its name at
 * once. A directory gets the blocks its names will need.
 * @param root - Has a `lost+found`.
 */
export function* imageCommands(root: DirectoryInode): Generator<DebugfsCommand, void, undefined> {
  // names are hashed as signed bytes, wherever this is formatted: by itself mke2fs does as this machine's compiler does
  yield { line: "ssv flags 1" };
  // what was written so far is counted no further: where a file system cannot make a range zero, zeros are written to it
  yield { line: "ssv kbytes_written 0" };
  yield { line: `cd <${lostAndFoundInode}>` };
  let lostAndFound: PlannedDirectory | undefined;
  for (const directory of plannedDirectories(root)) {
    if (directory.number === lostAndFoundInode) lostAndFound = directory;
    else yield* directoryCommands(directory, 1);
    for (const { inode, number, isFirst, links } of directory.names) {
      if (!isFirst || number === lostAndFoundInode) continue;
      yield* makingCommands(number, inode);
      yield { line: `unlink ${passingName}` };
      if (inode.type !== "directory") yield* metadataCommands(number, inode, links);
    }
  }
  // last, because each directory that is made in it counts as a link to it
  if (lostAndFound !== undefined) yield* directoryCommands(lostAndFound, lostAndFoundBlocks);
  yield { line: "close -a" }; // into the copies of the superblock as well
}

/** What a directory is given that is there, with so many blocks. */
function* directoryCommands(directory: PlannedDirectory, blocks: number): Generator<DebugfsCommand, void, undefined> {
  const { number, inode, names } = directory;
  for (let count = blocksOfDirectory(directory); count > blocks; count--) yield { line: `expand_dir <${number}>` };
  const links = 2 + names.reduce((sum, name) => sum + (name.inode.type === "directory" ? 1 : 0), 0);
  yield* metadataCommands(number, inode, links > maxLinks ? 1 : links); // 1 stands for "many"
}

function* makingCommands(number: number, inode: Inode): Generator<DebugfsCommand, void, undefined> {
  const answer = `Allocated inode: ${number}`;
  switch (inode.type) {
    case "directory":
      yield { line: `mkdir ${passingName}` };
      break;
    case "symlink":
      yield { line: `symlink ${passingName} ${debugfsWord(standInTarget(inode.target))}` };
      break;
    case "file":
      yield { line: `write ${inode.size === 0 ? "/dev/null" : contentFile(number)} ${passingName}`, answer };
      break;
    case "fifo":
      yield { line: `mknod ${passingName} p`, answer };
      break;
    default:
      yield { line: `mknod ${passingName} ${inode.type === "block" ? "b" : "c"} 0 0`, answer };
      yield* deviceCommands(number, inode.major, inode.minor);
  }
}

/** Small numbers have a form of their own, as in the kernel; `mknod` does not take the largest ones. */
function* deviceCommands(number: number, major: number, minor: number): Generator<DebugfsCommand, void, undefined> {
  const isSmall = major < 256 && minor < 256;
  const large = ((minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12)) >>> 0;
  yield { line: `sif <${number}> block[0] ${isSmall ? major * 256 + minor : 0}` };
  yield { line: `sif <${number}> block[1] ${isSmall ? 0 : large}` };
}

const typeBits = {
  directory: 0o040000,
  file: 0o100000,
  symlink: 0o120000,
  character: 0o020000,
  block: 0o060000,
  fifo: 0o010000,
};

function* metadataCommands(number: number, inode: Inode, links: number): Generator<DebugfsCommand, void, undefined> {
  const set = (field: string, value: number | string): DebugfsCommand => ({
    line: `sif <${number}> ${field} ${value}`,
  });
  const mode = inode.type === "symlink" ? 0o777 : inode.mode & 0o7777; // nobody asks a link's mode, and Linux knows no other
  yield set("mode", `0${(typeBits[inode.type] | mode).toString(8)}`);
  if (inode.uid !== 0) yield set("uid", inode.uid);
  if (inode.gid !== 0) yield set("gid", inode.gid);
  const mtime = timestampFields(inode.mtime);
  const atime = inode.atime === undefined ? mtime : timestampFields(inode.atime);
  // the change and the birth of an inode are not in an image: they are when its file was last written
  for (const [field, { low, extra }] of [
    ["atime", atime],
    ["ctime", mtime],
    ["mtime", mtime],
    ["crtime", mtime],
  ] as const) {
    yield set(`${field}_lo`, low);
    if (extra !== 0) yield set(`${field}_extra`, extra);
  }
  if (inode.type === "directory" || links > 1) yield set("links_count", links);
  let index = 0;
  for (const name of ext4Xattrs(inode)?.keys() ?? []) {
    yield { line: `ea_set -f ${xattrFile(number, index++)} <${number}> ${debugfsWord(name)}` };
  }
}
