import type { ByteString } from "../../layer-archive/byte-string.ts";
import { maxNameBytes } from "../limits.ts";
import type { DirectoryInode, Inode } from "./inode.ts";

/** Symbolic links one path may lead through, as in Linux. */
const maxLinks = 40;

/** Names the links of one path may add to it, for each name it may be deep: keeps hostile links from costing time. */
const addedNames = 2;

/** Why a path leads nowhere. Callers turn it into their own error. */
export class PathFault extends Error {
  override readonly name: "PathFault" = "PathFault";
  /** The ceiling it went beyond, if it is that. */
  readonly limit: PathLimit | undefined;

  constructor(reason: string, limit?: PathLimit) {
    super(reason);
    this.limit = limit;
  }
}

/** The ceilings that a path can go beyond. */
export type PathLimit = "maxDepth" | "maxPathBytes" | "maxEntries" | "maxMetadataBytes";

/** Where a path leads. */
export interface Place {
  /** Holds the name; the root holds itself, under the name "". */
  readonly directory: DirectoryInode;
  readonly name: ByteString;
  /** What has the name, if anything does. */
  readonly inode: Inode | undefined;
  /** Names from the root to here, this one included. */
  readonly depth: number;
  /** Their bytes and those of the slashes between them. */
  readonly bytes: number;
}

/** How {@link walkPath} goes about a path. */
export interface WalkOptions {
  readonly limits: { readonly maxDepth: number; readonly maxPathBytes: number };
  /** Whether a link that is the last name is followed too. */
  readonly follow: boolean;
  /** Whether a path through something that is no directory leads nowhere, in place of failing. @defaultValue false */
  readonly lenient?: boolean | undefined;
  /** Whether a link is followed, whatever else says so; where it is not, the path leads nowhere. @defaultValue all are */
  readonly through?: ((directory: DirectoryInode, name: ByteString) => boolean) | undefined;
  /** Makes a directory that is missing above where the path leads, `bytes` from the root; without it such a path leads nowhere. */
  readonly make?: ((parent: DirectoryInode, name: ByteString, bytes: number) => DirectoryInode) | undefined;
}

/** A directory on the way, maybe one that is still to be made: its name, and the bytes of the path so far. */
interface Level {
  inode: DirectoryInode | undefined;
  readonly name: ByteString;
  readonly bytes: number;
}

/** The names of a path, as seen from the root: `.` and doubled slashes mean nothing, and no `..` leads above the root. */
export function namesOfPath(path: ByteString): ByteString[] {
  const names: ByteString[] = [];
  for (const name of path.split("/")) {
    if (name === "..") names.pop();
    else if (name !== "" && name !== ".") names.push(name);
  }
  return names;
}

/**
 * Goes from the root to where `path` leads, as a process whose root directory this is would: absolute links start over at the
 * root, and `..` stays in it. `path` is names of {@link namesOfPath}, or a text whose `..` count after links are followed.
 * Gives `undefined` where a directory on the way is missing.
 * @throws PathFault when something on the way is no directory (unless `lenient`), for too many links, a name over 255 bytes,
 *   or a path over a limit.
 */
export function walkPath(
  root: DirectoryInode,
  path: ByteString | readonly ByteString[],
  options: WalkOptions,
): Place | undefined {
  const { maxDepth, maxPathBytes } = options.limits;
  const top: Level = { inode: root, name: "", bytes: 0 };
  const stack = [top];
  const pending = (typeof path === "string" ? path.split("/") : [...path]).reverse();
  let links = 0;
  let added = 0;
  for (;;) {
    const here = stack.at(-1) ?? top;
    const name = pending.pop();
    if (name === undefined) {
      const inode = madeOf(stack, root, options.make);
      const directory = stack.at(-2)?.inode ?? root;
      return { directory, name: here.name, inode, depth: stack.length - 1, bytes: here.bytes };
    }
    if (name === "" || name === ".") continue;
    if (name === "..") {
      if (stack.length > 1) stack.pop();
      continue;
    }
    const isLast = pending.length === 0;
    const inode = here.inode?.entries.get(name);
    if (here.inode !== undefined && inode?.type === "symlink" && (options.follow || !isLast)) {
      if (options.through?.(here.inode, name) === false) return undefined;
      if (++links > maxLinks) throw new PathFault(`it leads through more than ${maxLinks} symbolic links`);
      if (inode.target.startsWith("/")) stack.length = 1;
      const parts = inode.target.split("/").reverse();
      added += parts.length;
      if (added > maxDepth * addedNames) throw new PathFault("its links make too long a path of it");
      for (const part of parts) pending.push(part);
      continue;
    }
    const bytes = here.bytes + name.length + (stack.length > 1 ? 1 : 0);
    if (inode === undefined) requireName(name);
    if (stack.length > maxDepth) throw new PathFault(`it is more than ${maxDepth} names deep`, "maxDepth");
    if (bytes > maxPathBytes) throw new PathFault(`it is longer than ${maxPathBytes} bytes`, "maxPathBytes");
    if (isLast) {
      return { directory: madeOf(stack, root, options.make), name, inode, depth: stack.length, bytes };
    }
    if (inode === undefined && options.make === undefined) return undefined;
    if (inode !== undefined && inode.type !== "directory") {
      if (options.lenient) return undefined;
      throw new PathFault(`${JSON.stringify(name)} on its way is no directory`);
    }
    stack.push({ inode, name, bytes });
  }
}

/** The last directory of `stack`, with those made that are missing: only what the path still leads through at its end. */
function madeOf(stack: readonly Level[], root: DirectoryInode, make: WalkOptions["make"]): DirectoryInode {
  let parent = root;
  for (const level of stack) {
    level.inode ??= make?.(parent, level.name, level.bytes);
    parent = level.inode ?? parent;
  }
  return parent;
}

/**
 * Holds a name against what Linux takes.
 * @throws PathFault when it is over 255 bytes.
 */
export function requireName(name: ByteString): void {
  if (name.length > maxNameBytes) throw new PathFault(`a name in it is longer than ${maxNameBytes} bytes`);
}
