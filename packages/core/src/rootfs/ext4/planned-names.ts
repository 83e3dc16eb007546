import { RootfsError } from "../errors.ts";
import { type ByteString, type DirectoryInode, type Inode, sortedEntries, textOfByteString } from "../tree/inode.ts";
import { linkCounts } from "../tree/tree-totals.ts";
import { debugfsWord, isDebugfsLine } from "./debugfs-words.ts";
import { lostAndFoundInode, lostAndFoundName, rootInode } from "./ext4-geometry.ts";

/** A name to be made in an image. */
export interface PlannedName {
  /** The inode of the directory that it is in. */
  readonly directory: number;
  readonly name: ByteString;
  /** What it is called as long as `debugfs` works on it: the same, or a name of the same length that a command can have. */
  readonly standIn: ByteString;
  readonly inode: Inode;
  /** The inode's number in the image. */
  readonly number: number;
  /** Whether it is the first name of its inode: further ones are links. */
  readonly isFirst: boolean;
  /** Names of its inode. */
  readonly links: number;
}

/**
 * Every name of a tree but the root's own, in the order in which they are made, always the same: the names of a directory
 * follow each other, and what is in its directories comes after them. As `debugfs` takes the first inode that is free and
 * nothing is ever removed, their numbers are known beforehand.
 * @throws RootfsError `TREE_UNFIT`
 */
export function* plannedNames(root: DirectoryInode): Generator<PlannedName, void, undefined> {
  const counts = linkCounts(root);
  const linked = new Map<Inode, number>();
  let next = lostAndFoundInode + 1;
  const pending: { readonly inode: DirectoryInode; readonly number: number }[] = [{ inode: root, number: rootInode }];
  for (let directory = pending.pop(); directory !== undefined; directory = pending.pop()) {
    const below: typeof pending = [];
    const standIns = new Set<ByteString>();
    for (const [name, inode] of sortedEntries(directory.inode)) {
      const isThere = directory.number === rootInode && name === lostAndFoundName;
      const known = linked.get(inode);
      const number = isThere ? lostAndFoundInode : (known ?? next++);
      const links = counts.get(inode) ?? 1;
      if (links > 1) linked.set(inode, number);
      if (inode.type === "directory") below.push({ inode, number });
      const standIn = isDebugfsLine(name) ? name : standInFor(name, directory.inode, standIns);
      yield { directory: directory.number, name, standIn, inode, number, isFirst: known === undefined, links };
    }
    pending.push(...below.reverse());
  }
}

/** What a link's target is as long as `debugfs` works on it: the same, or one of the same length that a command can have. */
export function standInTarget(target: ByteString): ByteString {
  // with a quote for each byte it would be too long for a line
  return isDebugfsLine(target) && debugfsWord(target).length < 7000 ? target : "x".repeat(target.length);
}

/** Bytes that need no care anywhere. */
const alphabet: readonly string[] = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte)).filter(
  (character) => character > " " && character !== "\x7f" && !'"/.#<>'.includes(character),
);

function standInFor(name: ByteString, { entries }: DirectoryInode, taken: Set<ByteString>): ByteString {
  const last = alphabet.length ** Math.min(name.length, 4);
  for (let count = taken.size; count < last; count++) {
    let text = "";
    for (let rest = count; text.length < name.length; rest = Math.floor(rest / alphabet.length))
      text = (alphabet[rest % alphabet.length] ?? "") + text;
    if (entries.has(text) || taken.has(text)) continue;
    taken.add(text);
    return text;
  }
  const shown = textOfByteString(name);
  const reason = "the directory has every name of that length";
  throw new RootfsError("TREE_UNFIT", `cannot put ${shown} into an ext4 image: ${reason}`, { path: shown, reason });
}
