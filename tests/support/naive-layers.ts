import type { DirectoryInode, Inode } from "../../packages/core/src/rootfs/tree/inode.ts";
import { walkTree } from "../../packages/core/src/rootfs/tree/walk-tree.ts";
import type { EntryText } from "./rootfs-trees.ts";

/** What a name stands for: what an entry says, or a directory no entry says anything of. Hard links share one. */
export interface NaiveNode {
  entry: EntryText | undefined;
}

/** A root file system as a list of full paths, without the root: slow, and too plain to be wrong as a tree would be. */
export type NaiveTree = Map<string, NaiveNode>;

const opaque = ".wh..wh..opq";

/** Lays a layer over `tree` as the specification words it: all its whiteouts, then its entries. Knows no links. */
export function applyAtOnce(tree: NaiveTree, entries: readonly EntryText[]): void {
  const isWhiteout = ({ name }: EntryText) => name.includes(".wh.");
  for (const { name } of entries.filter(isWhiteout)) {
    const gone = name.endsWith(opaque) ? name.slice(0, -opaque.length) : name.replace(".wh.", "");
    for (const path of [...tree.keys()]) {
      if (path === gone || path.startsWith(gone.endsWith("/") ? gone : `${gone}/`)) tree.delete(path);
    }
  }
  for (const entry of entries) if (!isWhiteout(entry)) put(tree, entry.name, { entry });
}

/** Lays layers over each other entry by entry; links on the way are spelled out in the text of the path. Throws for what cannot be. */
export function applyInOrder(layers: ReadonlyArray<readonly EntryText[]>): NaiveTree {
  const tree: NaiveTree = new Map();
  for (const entries of layers) {
    const lower = new Set(tree.keys());
    for (const entry of entries) applyOne(tree, lower, entry);
  }
  return tree;
}

function applyOne(tree: NaiveTree, lower: Set<string>, entry: EntryText): void {
  const { above, name } = split(entry.name);
  if (name.startsWith(".wh.")) {
    const directory = spelledOut(tree, above, true, lower);
    if (directory === undefined) return;
    const gone = join(directory, name.slice(".wh.".length));
    const isGone = (path: string) =>
      name === opaque ? isBelow(path, directory) : path === gone || isBelow(path, gone);
    const deepestFirst = [...lower].filter(isGone).sort((a, b) => b.length - a.length);
    for (const path of deepestFirst) {
      const node = tree.get(path);
      if (node !== undefined && [...tree.keys()].some((other) => isBelow(other, path))) node.entry = undefined;
      else removeAt(tree, path, lower);
    }
    return;
  }
  const path = join(spelledOut(tree, above, false) ?? "", name);
  makeAbove(tree, path);
  if (entry.type === "hardlink") put(tree, path, targetOf(tree, entry.linkName ?? ""), lower);
  else put(tree, path, { entry }, lower);
  lower.delete(path);
}

function targetOf(tree: NaiveTree, linkName: string): NaiveNode {
  const { above, name } = split(linkName);
  const directory = spelledOut(tree, above, true);
  const target = directory === undefined ? undefined : tree.get(join(directory, name));
  if (target === undefined || isDirectory(target)) throw new Error(`no link can be made to ${linkName}`);
  return target;
}

function put(tree: NaiveTree, path: string, node: NaiveNode, lower = new Set<string>()): void {
  makeAbove(tree, path);
  const old = tree.get(path);
  if (old !== undefined && isDirectory(old) && isDirectory(node)) {
    old.entry = node.entry;
    return;
  }
  for (const other of [...tree.keys()]) if (isBelow(other, path)) removeAt(tree, other, lower);
  tree.set(path, node);
}

function makeAbove(tree: NaiveTree, path: string): void {
  for (const { index } of path.matchAll(/\//g)) {
    const above = path.slice(0, index);
    const node = tree.get(above);
    if (node === undefined) tree.set(above, { entry: undefined });
    else if (!isDirectory(node)) throw new Error(`${above} is no directory`);
  }
}

function removeAt(tree: NaiveTree, path: string, lower: Set<string>): void {
  tree.delete(path);
  lower.delete(path);
}

/** The path of a directory without links in it, of which only those in `followed` are followed; `undefined` when it must exist and does not. */
function spelledOut(
  tree: NaiveTree,
  path: string,
  mustExist: boolean,
  followed?: ReadonlySet<string>,
): string | undefined {
  const names = path.split("/").filter((name) => name !== "" && name !== ".");
  let links = 0;
  for (let at = 0; at < names.length; ) {
    if (names[at] === "..") {
      names.splice(Math.max(0, at - 1), at === 0 ? 1 : 2);
      at = Math.max(0, at - 1);
      continue;
    }
    const node = tree.get(names.slice(0, at + 1).join("/"));
    if (node === undefined && mustExist) return undefined;
    if (node?.entry?.type === "symlink") {
      if (followed?.has(names.slice(0, at + 1).join("/")) === false) return undefined;
      if (++links > 40) throw new Error("too many links");
      const { linkName = "" } = node.entry;
      const target = linkName.split("/").filter((name) => name !== "" && name !== ".");
      const from = linkName.startsWith("/") ? 0 : at;
      names.splice(from, at + 1 - from, ...target);
      at = from;
      continue;
    }
    if (node !== undefined && !isDirectory(node)) {
      if (mustExist) return undefined;
      throw new Error(`${path} leads through something that is no directory`);
    }
    at++;
  }
  return names.join("/");
}

/** Whether a node is a directory. */
export function isDirectory({ entry }: NaiveNode): boolean {
  return entry === undefined || entry.type === "directory";
}

function isBelow(path: string, above: string): boolean {
  return above === "" || path.startsWith(`${above}/`);
}

function join(directory: string, name: string): string {
  return directory === "" ? name : `${directory}/${name}`;
}

function split(path: string): { readonly above: string; readonly name: string } {
  const slash = path.lastIndexOf("/");
  return { above: path.slice(0, Math.max(0, slash)), name: path.slice(slash + 1) };
}

/** A naive tree as lines that compare with {@link linesOfTree}. */
export function linesOfNaive(tree: NaiveTree): readonly string[] {
  return linesOf([...tree].map(([path, node]) => ({ path, identity: node, text: textOf(node) })));
}

/** A tree as lines: paths, types, modes of directories, sizes, targets, and which names are the same thing. */
export function linesOfTree(root: DirectoryInode): readonly string[] {
  const names = [...walkTree(root)].filter(({ path }) => path !== "");
  return linesOf(names.map(({ path, inode }) => ({ path, identity: inode, text: textOfInode(inode) })));
}

function linesOf(
  names: ReadonlyArray<{ readonly path: string; readonly identity: object; readonly text: string }>,
): readonly string[] {
  const numbers = new Map<object, number>();
  return [...names]
    .sort((a, b) => (a.path < b.path ? -1 : 1))
    .map(({ path, identity, text }) => {
      const number = numbers.get(identity) ?? numbers.size;
      numbers.set(identity, number);
      return `${path} #${number} ${text}`;
    });
}

function textOf({ entry }: NaiveNode): string {
  if (entry === undefined || entry.type === "directory") return `directory ${entry?.mode ?? 0o755}`;
  return entry.type === "symlink" ? `-> ${entry.linkName}` : `file ${entry.size}`;
}

function textOfInode(inode: Inode): string {
  if (inode.type === "directory") return `directory ${inode.mode}`;
  return inode.type === "symlink" ? `-> ${inode.target}` : `file ${inode.type === "file" ? inode.size : inode.type}`;
}
