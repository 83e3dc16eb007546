import { expect, test } from "vitest";
import { HandMadeTree } from "../../../../../tests/support/hand-made-tree.ts";
import type { DirectoryInode, Inode } from "../tree/inode.ts";
import { requireFit } from "./require-fit.ts";

const make = new HandMadeTree();
const withAttribute = (name: string, bytes: number) =>
  make.file("", { xattrs: new Map([[name, Buffer.alloc(bytes)]]) });
const linked = (count: number): DirectoryInode => {
  const file = make.file("");
  return make.directory(Object.fromEntries(Array.from({ length: count }, (_, at) => [`${at}`, file])));
};

test.for<{ name: string; fits: Inode; misfits: Inode }>([
  { name: "attributes", fits: withAttribute("user.x", 4036), misfits: withAttribute("user.x", 4037) },
  {
    name: "an attribute's name",
    fits: withAttribute(`user.${"n".repeat(250)}`, 1),
    misfits: withAttribute(`user.${"n".repeat(251)}`, 1),
  },
  { name: "a link's target", fits: make.symlink("t".repeat(4095)), misfits: make.symlink("t".repeat(4096)) },
  { name: "a target with a zero byte", fits: make.symlink("\x01"), misfits: make.symlink("\0") },
  { name: "a major number", fits: make.device("block", 4095, 0), misfits: make.device("block", 4096, 0) },
  {
    name: "a minor number",
    fits: make.device("character", 0, 2 ** 20 - 1),
    misfits: make.device("character", 0, 2 ** 20),
  },
  { name: "an owner", fits: make.file("", { uid: 2 ** 32 - 1 }), misfits: make.file("", { uid: 2 ** 32 }) },
  { name: "a group", fits: make.file("", { gid: 2 ** 32 - 1 }), misfits: make.file("", { gid: -1 }) },
  {
    name: "the size of a file",
    fits: make.sparse((2 ** 32 - 1) * 4096, {}),
    misfits: make.sparse((2 ** 32 - 1) * 4096 + 1, {}),
  },
  {
    name: "a name",
    fits: make.directory({ ["n".repeat(255)]: make.fifo() }),
    misfits: make.directory({ ["n".repeat(256)]: make.fifo() }),
  },
  { name: "the number of names", fits: linked(65_000), misfits: linked(65_001) },
])("$name fits up to its bound, and no further", ({ fits, misfits }) => {
  requireFit(make.directory({ a: fits }));
  expect(() => requireFit(make.directory({ a: misfits }))).toThrow(expect.objectContaining({ code: "TREE_UNFIT" }));
});
