import { describe, expect, test } from "vitest";
import {
  dir,
  type EntryText,
  file,
  hardlink,
  listingOf,
  merge,
  symlink,
} from "../../../../../tests/support/rootfs-trees.ts";
import type { DirectoryInode, Inode } from "./inode.ts";

function inodeAt(root: DirectoryInode, path: string): Inode | undefined {
  let inode: Inode | undefined = root;
  for (const name of path.split("/")) inode = inode?.type === "directory" ? inode.entries.get(name) : undefined;
  return inode;
}

describe("names", () => {
  test("are taken from the root, whatever stands before them", () => {
    const root = merge([[file("/a"), file("../../b"), file("./c"), file("d/../../e"), dir("f//g/./")]]);
    expect(listingOf(root)).toEqual({ a: "0", b: "0", c: "0", e: "0", f: "/", "f/g": "/" });
  });

  test("lead through links inside the image, absolute ones from its root", () => {
    const root = merge([
      [dir("usr/lib"), symlink("lib", "usr/lib"), symlink("abs", "/usr"), symlink("up", "../../../usr/lib")],
      [file("lib/a", 1), file("abs/lib/b", 2), file("up/c", 3), file("abs/lib/../d", 4)],
    ]);
    expect(listingOf(root)).toMatchObject({ "usr/lib/a": "1", "usr/lib/b": "2", "usr/lib/c": "3", "usr/d": "4" });
    expect(listingOf(root)).toMatchObject({ lib: "-> usr/lib", abs: "-> /usr", up: "-> ../../../usr/lib" });
  });

  test("make the directories a dangling link on their way leads to", () => {
    expect(listingOf(merge([[symlink("run", "/var/run/"), file("run/pid", 1)]]))).toEqual({
      run: "-> /var/run/",
      var: "/",
      "var/run": "/",
      "var/run/pid": "1",
    });
  });

  test("lead elsewhere once a link on their way is replaced", () => {
    const root = merge([
      [dir("a"), dir("b"), symlink("l", "a"), file("l/1"), symlink("l", "b"), file("l/2"), dir("l"), file("l/3")],
    ]);
    expect(listingOf(root)).toEqual({ a: "/", "a/1": "0", b: "/", "b/2": "0", l: "/", "l/3": "0" });
  });
});

test("names lead elsewhere once a link on their way is replaced through itself, or taken away", () => {
  expect(listingOf(merge([[symlink("l", "."), file("l/a"), dir("l/l"), file("l/b")]]))).toEqual({
    a: "0",
    l: "/",
    "l/b": "0",
  });
  expect(
    listingOf(
      merge([
        [dir("d"), symlink("l", "d")],
        [file("l/a"), file(".wh.l"), file("l/b")],
      ]),
    ),
  ).toEqual({
    d: "/",
    "d/a": "0",
    l: "/",
    "l/b": "0",
  });
});

test("only directories that a path leads through in the end are made", () => {
  expect(listingOf(merge([[symlink("l", "no/../d"), file("l/a")]]))).toEqual({ d: "/", "d/a": "0", l: "-> no/../d" });
});

describe("metadata", () => {
  test("of the root come from its entry", () => {
    const root = merge([
      [dir("./", { mode: 0o1711, uid: 1000, gid: 7, mtime: { seconds: 5, nanoseconds: 6 } }), file("a")],
    ]);
    expect(root).toMatchObject({ mode: 0o1711, uid: 1000, gid: 7, mtime: { seconds: 5, nanoseconds: 6 } });
  });

  test("of directories that have no entry are those of root's, from 1970", () => {
    const root = merge([[file("a/b/c")]]);
    for (const path of ["a", "a/b"]) {
      expect(inodeAt(root, path)).toMatchObject({ mode: 0o755, uid: 0, gid: 0, mtime: { seconds: 0, nanoseconds: 0 } });
    }
  });

  test("of a directory over a directory are the new ones, and what is in it stays", () => {
    const value = Buffer.from("1");
    const root = merge([
      [dir("d", { mode: 0o700, xattrs: [["user.old", value]] }), file("d/a")],
      [
        dir("d", {
          mode: 0o2755,
          uid: 3,
          xattrs: [
            ["user.b", value],
            ["user.a", value],
            ["user.b", Buffer.from("2")],
          ],
        }),
      ],
    ]);
    const inode = inodeAt(root, "d");
    expect(inode).toMatchObject({ mode: 0o2755, uid: 3 });
    expect([...(inode?.xattrs ?? [])]).toEqual([
      ["user.a", value],
      ["user.b", Buffer.from("2")],
    ]);
    expect(listingOf(root)).toEqual({ d: "/", "d/a": "0" });
  });

  test("keep setuid and a capability together", () => {
    const capability = Buffer.from("0100000200040000000000000000000000000000", "hex");
    const root = merge([[file("su", 9, { mode: 0o4755, xattrs: [["security.capability", capability]] })]]);
    expect(inodeAt(root, "su")).toMatchObject({ mode: 0o4755, xattrs: new Map([["security.capability", capability]]) });
  });

  test.for([
    { atime: { seconds: 1000, nanoseconds: 1 }, kept: { seconds: 1000, nanoseconds: 1 } },
    { atime: { seconds: 2000, nanoseconds: 0 }, kept: { seconds: 2000, nanoseconds: 0 } },
    { atime: { seconds: 1000, nanoseconds: 0 }, kept: undefined },
    { atime: { seconds: 999, nanoseconds: 9 }, kept: undefined },
  ])("have the access time $atime only when it is later than the change", ({ atime, kept }) => {
    expect(inodeAt(merge([[file("a", 0, { atime })]]), "a")?.atime).toEqual(kept);
  });
});

describe("an entry", () => {
  const all: readonly EntryText[] = [
    file("x", 1),
    dir("x"),
    symlink("x", "t"),
    hardlink("x", "other"),
    { name: "x", type: "fifo" },
    { name: "x", type: "character", major: 1, minor: 3 },
    { name: "x", type: "block", major: 259, minor: 1_000_000 },
  ];
  const kinds = all.flatMap((old) => all.map((entry) => ({ old, entry })));
  test.for(kinds)("$entry.type replaces $old.type, in a later layer and in the same", ({ old, entry }) => {
    const base = [file("other", 5)];
    const below = old.type === "directory" ? [file("x/in", 2)] : [];
    const alone = listingOf(merge([base, [entry]]));
    const wanted = old.type === "directory" && entry.type === "directory" ? { ...alone, "x/in": "2" } : alone;
    expect(listingOf(merge([[...base, old, ...below], [entry]]))).toEqual(wanted);
    expect(listingOf(merge([[...base, old, ...below, entry]]))).toEqual(wanted);
  });

  test("of a name that comes twice is the last", () => {
    expect(listingOf(merge([[file("a", 1), file("./a", 2)]]))).toEqual({ a: "2" });
  });
});

describe("a hard link", () => {
  test("is one more name of the same file, across layers too", () => {
    const root = merge([[file("a", 1)], [hardlink("d/b", "/a"), hardlink("c", "d/b")]]);
    expect(listingOf(root)).toEqual({ a: "1", c: "=a", d: "/", "d/b": "=c" });
    expect(inodeAt(root, "d/b")).toBe(inodeAt(root, "a"));
  });

  test("keeps the file when its other name is replaced or gone", () => {
    const root = merge([
      [file("a", 1), hardlink("b", "a"), file("a", 2)],
      [hardlink("c", "b"), file(".wh.b")],
    ]);
    expect(listingOf(root)).toEqual({ a: "2", c: "1" });
  });

  test("goes through links above its target, and to a link itself", () => {
    const root = merge([
      [dir("r"), symlink("l", "/r"), file("r/f", 3), symlink("s", "r/f"), hardlink("h", "l/f"), hardlink("t", "s")],
    ]);
    expect(inodeAt(root, "h")).toBe(inodeAt(root, "r/f"));
    expect(inodeAt(root, "t")).toBe(inodeAt(root, "s"));
  });

  test("to itself changes nothing", () => {
    expect(listingOf(merge([[file("a", 1), hardlink("a", "./a")]]))).toEqual({ a: "1" });
  });

  test("says nothing of the file's metadata", () => {
    const root = merge([[file("a", 1, { mode: 0o755 }), { ...hardlink("b", "a"), mode: 0, uid: 9 }]]);
    expect(inodeAt(root, "b")).toMatchObject({ mode: 0o755, uid: 0 });
  });
});

describe("a whiteout", () => {
  test("takes what lower layers have", () => {
    const base = [file("d/file1"), file("d/file2"), file("d/file3"), file("t/a/b")];
    expect(listingOf(merge([base, [file("d/.wh.file1"), file("d/.wh.file2"), file(".wh.t"), file("d/new")]]))).toEqual({
      d: "/",
      "d/file3": "0",
      "d/new": "0",
    });
  });

  test.for([
    {
      name: "first",
      entries: [file("d/.wh..wh..opq"), dir("d", { mode: 0o700 }), file("d/e/new", 1), file("d/own", 2)],
    },
    {
      name: "in between",
      entries: [file("d/e/new", 1), file("d/.wh..wh..opq"), dir("d", { mode: 0o700 }), file("d/own", 2)],
    },
    {
      name: "last",
      entries: [dir("d", { mode: 0o700 }), file("d/e/new", 1), file("d/own", 2), file("d/.wh..wh..opq")],
    },
    {
      name: "twice",
      entries: [
        file("d/.wh..wh..opq"),
        dir("d", { mode: 0o700 }),
        file("d/e/new", 1),
        file("d/own", 2),
        file("d/.wh..wh..opq"),
      ],
    },
  ])("of all in a directory spares its own layer's: $name", ({ entries }) => {
    const root = merge([
      [dir("d"), file("d/old"), dir("d/e", { mode: 0o711, uid: 4 }), file("d/e/old"), file("d/own/old")],
      entries,
    ]);
    expect(listingOf(root)).toEqual({ d: "/", "d/e": "/", "d/e/new": "1", "d/own": "2" });
    expect(inodeAt(root, "d")).toMatchObject({ mode: 0o700 });
    expect(inodeAt(root, "d/e")).toMatchObject({ mode: 0o755, uid: 0 }); // the lower layer's directory is gone
  });

  test.for([
    { name: "before", entries: [file(".wh.a"), file("a", 2)] },
    { name: "after", entries: [file("a", 2), file(".wh.a")] },
  ])("spares a file of its own layer that comes $name it", ({ entries }) => {
    expect(listingOf(merge([[file("a", 1)], entries]))).toEqual({ a: "2" });
  });

  test.for([
    { name: "before", entries: [file(".wh.d"), dir("d"), file("d/new")] },
    { name: "after", entries: [dir("d"), file("d/new"), file(".wh.d")] },
  ])("of a directory leaves the layer's own directory of that name, where it comes $name it", ({ entries }) => {
    expect(listingOf(merge([[file("d/old"), file("d/e/old")], entries]))).toEqual({ d: "/", "d/new": "0" });
  });

  test("spares a new name of a lower layer's file", () => {
    expect(listingOf(merge([[file("a", 1)], [hardlink("b", "a"), file(".wh.a")]]))).toEqual({ b: "1" });
  });

  test("spares a lower layer's directory whose metadata its own layer sets anew", () => {
    expect(listingOf(merge([[file("d/e/old")], [dir("d/e"), file("d/.wh..wh..opq")]]))).toEqual({ d: "/", "d/e": "/" });
  });

  test("takes nothing of the base layer, and nothing that is not there", () => {
    expect(
      listingOf(
        merge([
          [file("a"), file(".wh.a"), file(".wh..wh..opq")],
          [file("n/.wh.x"), file("m/.wh..wh..opq")],
        ]),
      ),
    ).toEqual({ a: "0" });
  });

  test("reaches what links on its way lead to", () => {
    const base = [symlink("lib", "/usr/lib"), file("usr/lib/a"), file("usr/lib/b")];
    expect(listingOf(merge([base, [file("lib/.wh.a")]]))).toEqual({
      lib: "-> /usr/lib",
      usr: "/",
      "usr/lib": "/",
      "usr/lib/b": "0",
    });
    expect(listingOf(merge([base, [file("lib/.wh..wh..opq")]]))).toEqual({
      lib: "-> /usr/lib",
      usr: "/",
      "usr/lib": "/",
    });
  });

  test.for([
    { name: "a file", entry: file("d", 1), text: "1" },
    { name: "a link", entry: symlink("d", "other"), text: "-> other" },
    { name: "an absolute link to what is above", entry: symlink("d", "/"), text: "-> /" },
  ])("is of nothing below $name its own layer put in a directory's place", ({ entry, text }) => {
    const base = [file("d/a", 2), file("other/a", 3), file("other/b", 4), file("a", 5)];
    const wanted = { a: "5", d: text, other: "/", "other/a": "3", "other/b": "4" };
    expect(listingOf(merge([base, [entry, file("d/.wh.a"), file("d/.wh..wh..opq")]]))).toEqual(wanted);
  });

  test("of all in the root leaves the root", () => {
    const root = merge([
      [dir("./", { uid: 5 }), file("a")],
      [file("b"), file(".wh..wh..opq")],
    ]);
    expect(listingOf(root)).toEqual({ b: "0" });
    expect(root.uid).toBe(5);
  });

  test("is good for one layer", () => {
    expect(
      listingOf(merge([[file("d/a")], [file("d/.wh..wh..opq"), file("d/b")], [file("d/.wh.b"), file("d/c")]])),
    ).toEqual({ d: "/", "d/c": "0" });
  });

  test("of old bookkeeping is left out, with all in it, and that is told", () => {
    const aufs = [dir(".wh..wh.plnk"), file(".wh..wh.plnk/1.2"), file("d/.wh..wh.aufs"), file("a")];
    const warnings: unknown[] = [];
    expect(listingOf(merge([[file("b")], aufs, []], {}, (event) => warnings.push(event)))).toEqual({ a: "0", b: "0" });
    const message = "left out 3 entries of layer 1 of test.example/app:1: bookkeeping of AUFS";
    expect(warnings).toEqual([{ type: "warning", warning: { code: "ENTRY_SKIPPED", message } }]);
  });
});
