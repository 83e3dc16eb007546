import { expect, test } from "vitest";
import { dir, file, hardlink, merge, symlink } from "../../../../../tests/support/rootfs-trees.ts";
import { linkCounts, treeTotals } from "./tree-totals.ts";
import { walkTree } from "./walk-tree.ts";

test("a tree is walked from its root, each directory bytewise by name and before what is in it", () => {
  const root = merge([[file("b/\xff"), file("b/a"), file("b-c"), file("a/B"), file("a/b"), dir("a/empty"), file("Z")]]);
  const paths = ["", "Z", "a", "a/B", "a/b", "a/empty", "b", "b/a", "b/\xff", "b-c"];
  expect([...walkTree(root)].map(({ path }) => path)).toEqual(paths);
});

test("a tree's totals count each inode once, and no holes", () => {
  const extents = [
    { at: 4000, offset: 512, length: 200 }, // in blocks 0 and 1
    { at: 8000, offset: 712, length: 100 }, // in block 1 again
    { at: 40_960, offset: 812, length: 0 },
    { at: 81_920, offset: 812, length: 4097 }, // in blocks 20 and 21
  ];
  const root = merge([
    [
      file("d/one", 1, { xattrs: [["user.a", Buffer.from("abc")]] }),
      file("d/exact", 8192),
      file("empty"),
      file("sparse", 1_000_000, { extents }),
      hardlink("again", "d/exact"),
      hardlink("d/oncemore", "d/exact"),
      symlink("l", "d"),
      hardlink("m", "l"),
      { name: "null", type: "character", major: 1, minor: 3 },
      { name: "sda", type: "block", major: 8, minor: 0 },
      { name: "pipe", type: "fifo" },
    ],
  ]);
  expect(treeTotals(root)).toEqual({
    directories: 2,
    files: 4,
    symlinks: 1,
    devices: 2,
    fifos: 1,
    inodes: 10,
    names: 12,
    fileBytes: 1_008_193,
    dataBytes: 1 + 8192 + 4397,
    dataBlocks: 1 + 2 + 4,
    xattrBytes: 9,
  });
  expect(treeTotals(root, 1024).dataBlocks).toBe(1 + 8 + 3 + 5);
  const names = [...walkTree(root)].filter(({ inode }) => linkCounts(root).has(inode)).map(({ path }) => path);
  expect(names).toEqual(["again", "d/exact", "d/oncemore", "l", "m"]);
  expect([...linkCounts(root).values()].sort()).toEqual([2, 3]);
});
