import type { ByteString, DirectoryInode, Inode } from "../tree/inode.ts";
import { debugfsWord } from "./debugfs-words.ts";
import { lostAndFoundInode, rootInode } from "./ext4-geometry.ts";
import { type PlannedName, plannedNames, standInTarget } from "./planned-names.ts";
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

/** All that makes a tree of an empty ext4 file system, but for the names and targets that stand in for others. */
export function* imageCommands(root: DirectoryInode): Generator<DebugfsCommand, void, undefined> {
  // names are hashed as signed bytes, wherever this is formatted: by itself mke2fs does as this machine's compiler does
  yield { line: "ssv flags 1" };
  let current = rootInode;
  for (const planned of plannedNames(root)) {
    if (planned.directory !== current) yield { line: `cd <${planned.directory}>` };
    current = planned.directory;
    yield* commandsFor(planned);
  }
  yield* metadataCommands(rootInode, root, 1);
  // last, because a directory that grows becomes another one
  for (const { inode, number } of plannedNames(root)) {
    if (inode.type === "directory") yield* metadataCommands(number, inode, 1);
  }
}

function* commandsFor(planned: PlannedName): Generator<DebugfsCommand, void, undefined> {
  const { inode, number, isFirst, links } = planned;
  const name = debugfsWord(planned.standIn);
  if (!isFirst) {
    yield { line: `ln <${number}> ${name}` };
    return;
  }
  const answer = `Allocated inode: ${number}`;
  switch (inode.type) {
    case "directory":
      if (number !== lostAndFoundInode) yield { line: `mkdir ${name}` };
      return;
    case "symlink":
      yield { line: `symlink ${name} ${debugfsWord(standInTarget(inode.target))}` };
      break;
    case "file":
      yield { line: `write ${inode.size === 0 ? "/dev/null" : contentFile(number)} ${name}`, answer };
      break;
    case "fifo":
      yield { line: `mknod ${name} p`, answer };
      break;
    default:
      yield { line: `mknod ${name} ${inode.type === "block" ? "b" : "c"} 0 0`, answer };
      yield* deviceCommands(number, inode.major, inode.minor);
  }
  yield* metadataCommands(number, inode, links);
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
  // lost+found is private until here; everything else is made by user 0
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
  if (links > 1) yield set("links_count", links);
  if (inode.type === "directory" && subdirectories(inode) + 2 > maxLinks) yield set("links_count", 1);
  let index = 0;
  for (const name of inode.xattrs?.keys() ?? []) {
    yield { line: `ea_set -f ${xattrFile(number, index++)} <${number}> ${debugfsWord(name)}` };
  }
}

function subdirectories({ entries }: DirectoryInode): number {
  if (entries.size + 2 <= maxLinks) return 0;
  let count = 0;
  for (const inode of entries.values()) if (inode.type === "directory") count++;
  return count;
}
