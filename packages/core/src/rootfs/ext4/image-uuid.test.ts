import type { Digest } from "@tranship/registry";
import { expect, test } from "vitest";
import type { DirectoryInode, FileInode, Inode, InodeMetadata } from "../tree/inode.ts";
import type { RootfsTree } from "../tree/rootfs-tree.ts";
import { imageIds } from "./image-uuid.ts";

const metadata: InodeMetadata = {
  mode: 0o644,
  uid: 0,
  gid: 0,
  mtime: { seconds: 1, nanoseconds: 0 },
  atime: undefined,
  xattrs: undefined,
};

const file = (more: Partial<FileInode> = {}): FileInode => {
  return { ...metadata, type: "file", size: 3, content: { bytes: Buffer.from("abc") }, ...more };
};
const xattrs = (name: string, value: string) => file({ xattrs: new Map([[name, Buffer.from(value)]]) });
const device = (major: number, minor: number): Inode => ({ ...metadata, type: "block", major, minor });

function treeOf(entries: Readonly<Record<string, Inode>>, layer = "0"): RootfsTree {
  const root: DirectoryInode = { ...metadata, type: "directory", entries: new Map(Object.entries(entries)) };
  const digest = `sha256:${layer.repeat(64)}` as Digest;
  return { root, layers: [{ layer: 0, digest, size: 3, diffId: undefined, pieces: [] }] };
}

test("trees that differ in anything have ids of their own, and the same tree has the same", () => {
  const twice = file();
  const trees = [
    treeOf({}),
    treeOf({}, "1"),
    treeOf({ a: file() }),
    treeOf({ b: file() }),
    treeOf({ a: file({ content: { bytes: Buffer.from("abd") } }) }),
    treeOf({ a: file({ content: { layer: 0, offset: 512 } }) }),
    treeOf({ a: file({ content: { layer: 0, offset: 1024 } }) }),
    treeOf({ a: file({ mode: 0o600 }) }),
    treeOf({ a: file({ uid: 1 }) }),
    treeOf({ a: file({ gid: 1 }) }),
    treeOf({ a: file({ mtime: { seconds: 2, nanoseconds: 0 } }) }),
    treeOf({ a: file({ mtime: { seconds: 1, nanoseconds: 1 } }) }),
    treeOf({ a: file({ atime: { seconds: 2, nanoseconds: 0 } }) }),
    treeOf({ a: xattrs("user.a", "b") }),
    treeOf({ a: xattrs("user.a", "c") }),
    treeOf({ a: xattrs("user.b", "b") }),
    treeOf({ a: device(8, 1) }),
    treeOf({ a: device(8, 2) }),
    treeOf({ a: { ...metadata, type: "symlink", target: "x" } }),
    treeOf({ a: { ...metadata, type: "symlink", target: "y" } }),
    treeOf({ a: twice, b: twice }),
    treeOf({ a: file(), b: file() }),
  ];
  const ids = trees.map((tree) => Object.values(imageIds(tree)).join());
  expect(new Set(ids).size).toBe(trees.length);
  expect(trees.map((tree) => Object.values(imageIds(tree)).join())).toEqual(ids);
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12},[0-9a-f-]{36}$/);
});
