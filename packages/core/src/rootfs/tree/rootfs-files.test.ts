import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { digestOf } from "@tranship/registry";
import { describe, expect, onTestFinished, test } from "vitest";
import { HandMadeTree } from "../../../../../tests/support/hand-made-tree.ts";
import {
  dir,
  type EntryText,
  file,
  hardlink,
  listingOf,
  merge,
  symlink,
} from "../../../../../tests/support/rootfs-trees.ts";
import { tempFolder } from "../../../../../tests/support/temp-folder.ts";
import { LayerWorkers } from "../layers/layer-workers.ts";
import type { DirectoryInode, FileInode } from "./inode.ts";
import { RootfsFiles } from "./rootfs-files.ts";
import type { RootfsTree } from "./rootfs-tree.ts";

function open(tree: RootfsTree, more: { readonly signal?: AbortSignal } = {}): RootfsFiles {
  const workers = new LayerWorkers({ maxThreads: 1 });
  onTestFinished(() => workers[Symbol.asyncDispose]());
  return new RootfsFiles(tree, { reference: "test.example/app:1", workers, ...more });
}

/** The files of a tree whose contents are in no layer. */
function edit(entries: readonly EntryText[]): { readonly files: RootfsFiles; readonly root: DirectoryInode } {
  const root = merge([entries]);
  return { files: open({ root, layers: [] }), root };
}

async function textAt(files: RootfsFiles, path: string): Promise<string> {
  return Buffer.from(await files.read(path)).toString("utf8");
}

const failure = (reason: RegExp) =>
  expect.objectContaining({
    code: "EDIT_FAILED",
    details: expect.objectContaining({ reason: expect.stringMatching(reason) }),
  });

describe("files in layers", () => {
  test("are read, small ones after the first without their layer", async () => {
    const folder = tempFolder();
    const make = new HandMadeTree();
    const root = make.directory();
    const big = Buffer.alloc(200_000, "big ");
    const names = { passwd: make.file("root:x:0:0\n"), big: make.file(big), empty: make.file("") };
    const sparse = make.sparse(3000, { 10: "ten", 2000: "two thousand" });
    make.nextLayer();
    const top = make.file("top");
    for (const [name, inode] of Object.entries({ ...names, sparse, top })) root.entries.set(name, inode);
    const tree = make.finish(folder, root);
    const files = open(tree);

    expect(Buffer.from(await files.read("big")).equals(big)).toBe(true);
    const [sparseBytes, topText] = await Promise.all([files.read("/sparse"), textAt(files, "top")]);
    expect([sparseBytes.byteLength, topText]).toEqual([3000, "top"]);
    expect(Buffer.from(sparseBytes).toString("latin1").replaceAll("\0", "")).toBe("tentwo thousand");

    (tree.layers as unknown[]).length = 0; // what is read from here on was kept
    expect(await textAt(files, "passwd")).toBe("root:x:0:0\n");
    expect(await textAt(files, "empty")).toBe("");
  });

  test("are read when nothing follows them in their layer", async () => {
    const bytes = Buffer.concat([Buffer.alloc(512), Buffer.alloc(512, "last")]);
    const path = join(tempFolder(), "layer");
    writeFileSync(path, bytes);
    const digest = digestOf(bytes);
    const file = { layer: 0, digest, size: 1024, diffId: digest, pieces: [{ path, offset: 0, length: 1024 }] };
    const make = new HandMadeTree();
    const root = make.directory({ a: { ...make.file(Buffer.alloc(512)), content: { layer: 0, offset: 512 } } });
    expect((await textAt(open({ root, layers: [file] }), "a")).slice(-4)).toBe("last");
  });

  test("are not believed when their layer has become another, or is too short for them", async () => {
    const make = new HandMadeTree();
    const root = make.directory();
    root.entries.set("a", make.file("a"));
    const tree = make.finish(tempFolder(), root);
    const digest = digestOf(Buffer.from("another"));
    const other = open({ root, layers: tree.layers.map((layer) => ({ ...layer, digest })) });
    await expect(other.read("a")).rejects.toMatchObject({ code: "LAYER_MISMATCH", details: { expected: digest } });
    root.entries.set("b", { ...make.file("b"), content: { layer: 0, offset: 1000 } });
    await expect(open(tree).read("b")).rejects.toMatchObject({ code: "LAYER_INVALID", details: { layer: 0 } });
  });

  test("are added to, by several at once", async () => {
    const make = new HandMadeTree();
    const root = make.directory();
    root.entries.set("hosts", make.file("one\n"));
    const files = open(make.finish(tempFolder(), root));
    await Promise.all([files.append("hosts", "two\n"), files.append("hosts", Buffer.from("three\n"))]);
    expect((await textAt(files, "hosts")).split("\n").sort()).toEqual(["", "one", "three", "two"]);
    expect((await textAt(files, "hosts")).startsWith("one\n")).toBe(true);
  });

  test("over the limit are not read, nor when the caller has given up", async () => {
    const { files } = edit([file("huge", 64 * 1024 ** 2 + 1), file("a", 5)]);
    await expect(files.read("huge")).rejects.toThrow(failure(/67108865 bytes, more than 67108864/));
    await expect(files.read("a", { maxBytes: 4 })).rejects.toThrow(failure(/5 bytes, more than 4/));
    const reason = new Error("enough");
    await expect(files.read("a", { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    const { root } = edit([file("a", 5)]);
    await expect(open({ root, layers: [] }, { signal: AbortSignal.abort(reason) }).read("a")).rejects.toBe(reason);
  });
});

describe("a path", () => {
  test("leads through links inside the image alone", async () => {
    const { files, root } = edit([
      dir("etc"),
      dir("usr/bin"),
      symlink("usr/local", "/../../usr"),
      symlink("host", "../../../../../../etc"),
      symlink("etc/link", "../../usr/../etc/target"),
    ]);
    files.write("/usr/local/bin/tool", "tool", { mode: 0o755 });
    files.write("host/passwd", "image's");
    files.write("etc/link", "through");
    files.write("../../../top", "");
    expect(listingOf(root)).toMatchObject({ "usr/bin/tool": "4", "etc/passwd": "7", "etc/target": "7", top: "0" });
    expect(await textAt(files, "etc/link")).toBe("through");
    expect(files.stat("etc/link", { follow: false })).toMatchObject({
      type: "symlink",
      target: "../../usr/../etc/target",
    });
  });

  test.for([
    { name: "a circle", path: "round", reason: /more than 40 symbolic links/ },
    { name: "a file on the way", path: "file/x", reason: /"file" on its way is no directory/ },
    { name: "a missing directory", path: "no/x", reason: /does not exist/ },
    { name: "a link to a missing directory", path: "dangling", reason: /does not exist/ },
    { name: "nothing", path: "", reason: /empty/ },
    { name: "a NUL byte", path: "a\0b", reason: /NUL/ },
    { name: "too long a name", path: "x".repeat(256), reason: /longer than 255 bytes/ },
    { name: "too long a path", path: "d/".repeat(600).slice(0, -1), reason: /does not exist/ },
    { name: "a directory", path: "dir", reason: /no regular file but a directory/ },
    { name: "a pipe", path: "pipe", reason: /no regular file but a fifo/ },
    { name: "the root", path: "/", reason: /no regular file but a directory/ },
  ])("cannot be written to: $name", async ({ path, reason }) => {
    const entries = [
      symlink("round", "about"),
      symlink("about", "round"),
      file("file"),
      symlink("dangling", "/no/where"),
    ];
    const { files, root } = edit([...entries, dir("dir"), { name: "pipe", type: "fifo" }]);
    const before = listingOf(root);
    expect(() => files.write(path, "x")).toThrow(failure(reason));
    await expect(files.append(path, "x")).rejects.toThrow(failure(reason));
    expect(listingOf(root)).toEqual(before);
  });

  test("in text is found by its UTF-8", async () => {
    const { files, root } = edit([dir(Buffer.from("größe").toString("latin1")), file("bad\xff")]);
    files.write("größe/名", "1");
    expect(files.list("/")).toEqual(["bad\ufffd", "größe"]);
    expect(files.list("größe")).toEqual(["名"]);
    expect(Object.keys(listingOf(root))).toContain(Buffer.from("größe/名").toString("latin1"));
  });
});

describe("an edit", () => {
  test("has the time of the newest change in the image, or the one it is given", () => {
    const { files } = edit([
      file("a", 0, { mtime: { seconds: 9, nanoseconds: 1 } }),
      dir("d", { mtime: { seconds: 9, nanoseconds: 7 } }),
    ]);
    files.write("d/b", "");
    files.mkdir("c");
    files.symlink("b", "s");
    for (const path of ["d/b", "c"]) expect(files.stat(path)?.mtime).toEqual({ seconds: 9, nanoseconds: 7 });
    expect(files.stat("s", { follow: false })?.mtime).toEqual({ seconds: 9, nanoseconds: 7 });
    files.write("a", "", { mtime: { seconds: 5, nanoseconds: 0 } });
    expect(files.stat("a")?.mtime).toEqual({ seconds: 5, nanoseconds: 0 });
    expect(files.stat("d")?.mtime).toEqual({ seconds: 9, nanoseconds: 7 });
  });

  test("of a file changes all its names, and leaves its owner and mode", async () => {
    const xattrs = [
      ["security.capability", Buffer.from("c")],
      ["user.kept", Buffer.from("k")],
    ] as const;
    const { files, root } = edit([file("a", 1, { mode: 0o4755, uid: 7, gid: 8, xattrs }), hardlink("b", "a")]);
    files.write("a", "new");
    expect(await textAt(files, "b")).toBe("new");
    expect(files.stat("b")).toMatchObject({ mode: 0o4755, uid: 7, gid: 8, size: 3 });
    expect([...((root.entries.get("b") as FileInode).xattrs?.keys() ?? [])]).toEqual(["user.kept"]);
    files.write("b", "", { mode: 0o600, uid: 0, gid: 1 });
    expect(files.stat("a")).toMatchObject({ mode: 0o600, uid: 0, gid: 1, size: 0 });
  });

  test("does not change with what it was given, nor with what was read", async () => {
    const { files } = edit([]);
    const bytes = Buffer.from("abc");
    files.write("a", bytes);
    bytes[0] = 0;
    const read = await files.read("a");
    read[1] = 0;
    expect(await textAt(files, "a")).toBe("abc");
  });

  test("makes directories, above others only when asked", () => {
    const { files, root } = edit([file("f"), symlink("l", "elsewhere")]);
    expect(() => files.mkdir("a/b")).toThrow(failure(/would be in does not exist/));
    files.mkdir("a/b/", { recursive: true, mode: 0o700, uid: 5 });
    files.mkdir("a/b", { recursive: true, mode: 0o777 });
    files.mkdir("l/x", { recursive: true });
    for (const path of ["a", "l", "f"]) expect(() => files.mkdir(path)).toThrow(failure(/something has that name/));
    expect(() => files.mkdir("f", { recursive: true })).toThrow(failure(/something has that name/));
    expect(listingOf(root)).toMatchObject({ a: "/", "a/b": "/", elsewhere: "/", "elsewhere/x": "/" });
    for (const path of ["a", "a/b"]) expect(files.stat(path)).toMatchObject({ mode: 0o700, uid: 5 });
  });

  test("sets mode and owner of what a link leads to", () => {
    const { files } = edit([file("a"), symlink("l", "a")]);
    files.chmod("l", 0o4711);
    files.chown("l", 1, 2);
    expect(files.stat("a")).toMatchObject({ mode: 0o4711, uid: 1, gid: 2 });
    expect(files.stat("l", { follow: false })).toMatchObject({ mode: 0o777, uid: 0 });
    expect(() => files.chmod("a", 0o10000)).toThrow(failure(/no mode/));
    expect(() => files.chown("a", 0, -1)).toThrow(failure(/no user or group -1/));
    expect(() => files.write("new", "", { uid: 2 ** 32 - 1 })).toThrow(failure(/no user or group 4294967295/));
    expect(files.exists("new")).toBe(false);
  });

  test("makes links, never over something", () => {
    const { files } = edit([file("a", 1)]);
    files.symlink("/a", "l");
    expect(files.stat("l")).toMatchObject({ type: "file", size: 1 });
    expect(() => files.symlink("x", "l")).toThrow(failure(/something has that name/));
    expect(() => files.symlink("", "m")).toThrow(failure(/target is empty/));
    expect(() => files.symlink("x", "no/m")).toThrow(failure(/does not exist/));
  });

  test("removes a name, never what it links to", () => {
    const { files, root } = edit([file("d/e/f"), symlink("l", "d"), file("a"), hardlink("b", "a")]);
    files.remove("l");
    files.remove("a");
    expect(() => files.remove("d")).toThrow(failure(/not empty/));
    expect(() => files.remove("gone")).toThrow(failure(/does not exist/));
    expect(() => files.remove("d/..", { recursive: true })).toThrow(failure(/the root/));
    expect(listingOf(root)).toEqual({ b: "0", d: "/", "d/e": "/", "d/e/f": "0" });
    files.remove("d", { recursive: true });
    expect(listingOf(root)).toEqual({ b: "0" });
  });

  test("renames files, links and whole directories", () => {
    const { files, root } = edit([
      file("d/e/f", 3),
      symlink("l", "d"),
      file("a", 1),
      hardlink("b", "a"),
      dir("empty"),
      dir("full/x"),
    ]);
    files.rename("l", "m");
    files.rename("a", "b");
    files.rename("d/e/f", "b");
    files.rename("d", "empty");
    expect(() => files.rename("empty", "empty/e/new")).toThrow(failure(/in itself/));
    expect(() => files.rename("empty", "full")).toThrow(failure(/a directory has that name/));
    expect(() => files.rename("b", "full")).toThrow(failure(/only one of the two/));
    expect(() => files.rename("b", "/")).toThrow(failure(/the root/));
    expect(() => files.rename("b", "no/b")).toThrow(failure(/does not exist/));
    const deep = "d/".repeat(511);
    files.mkdir(deep, { recursive: true });
    expect(() => files.rename("full", `${deep}full`)).toThrow(failure(/too deep/));
    files.remove("d", { recursive: true });
    expect(listingOf(root)).toEqual({
      a: "1",
      b: "3",
      empty: "/",
      "empty/e": "/",
      full: "/",
      "full/x": "/",
      m: "-> d",
    });
  });

  test("is seen by all questions", () => {
    const { files } = edit([symlink("round", "round"), symlink("dangling", "x"), file("f")]);
    expect(["round", "dangling", "f/x", "no", "f"].map((path) => files.exists(path))).toEqual([
      false,
      false,
      false,
      false,
      true,
    ]);
    expect(files.stat("dangling")).toBeUndefined();
    expect(() => files.stat("round")).toThrow(failure(/40 symbolic links/));
    expect(() => files.list("f")).toThrow(failure(/no directory/));
    files.write("dangling", "made");
    expect(files.stat("x")).toMatchObject({ type: "file", size: 4, mode: 0o644, uid: 0, gid: 0 });
  });
});
