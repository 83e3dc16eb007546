import { expect, test } from "vitest";
import { HandMadeTree } from "../../../../../tests/support/hand-made-tree.ts";
import type { Inode } from "../tree/inode.ts";
import { ext4Needs } from "./ext4-needs.ts";
import { withLostAndFound } from "./planned-directories.ts";

const make = new HandMadeTree();

test.for<{ name: string; without: () => Inode; with: () => Inode }>([
  { name: "a link of 60 bytes", without: () => make.symlink("t".repeat(59)), with: () => make.symlink("t".repeat(60)) },
  {
    name: "a byte beyond a block",
    without: () => make.file("x".repeat(4096)),
    with: () => make.file("x".repeat(4097)),
  },
  { name: "the first byte of a file", without: () => make.file(""), with: () => make.file("x") },
  {
    name: "attributes that an inode has no room for",
    without: () => make.file("", { xattrs: new Map([["user.a", Buffer.alloc(64)]]) }),
    with: () => make.file("", { xattrs: new Map([["user.a", Buffer.alloc(68)]]) }),
  },
])("$name takes a block more", (row) => {
  const blocks = [row.without, row.with].map((inode) => {
    const entries = Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`${at}`, inode()]));
    return ext4Needs(withLostAndFound(make.directory(entries))).blocks;
  });
  expect((blocks[1] ?? 0) - (blocks[0] ?? 0)).toBeGreaterThanOrEqual(100);
  expect((blocks[1] ?? 0) - (blocks[0] ?? 0)).toBeLessThanOrEqual(101); // the slack grows with it
});
