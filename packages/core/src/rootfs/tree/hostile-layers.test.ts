import { expect, test } from "vitest";
import {
  dir,
  type EntryText,
  file,
  hardlink,
  listingOf,
  merge,
  symlink,
} from "../../../../../tests/support/rootfs-trees.ts";
import type { RootfsLimits } from "../limits.ts";
import { sortedEntries } from "./inode.ts";

function failureOf(layers: ReadonlyArray<readonly EntryText[]>, limits?: Partial<RootfsLimits>): unknown {
  try {
    return listingOf(merge(layers, limits));
  } catch (error) {
    return error;
  }
}

const numbers = [...Array(41).keys()];
const outside = symlink("out", "/../../../../../host");

test.for<{ readonly name: string; readonly layers: ReadonlyArray<readonly EntryText[]>; readonly reason: RegExp }>([
  {
    name: "a circle of links on its way",
    layers: [[symlink("a", "b"), symlink("b", "/a"), file("a/x")]],
    reason: /40 symbolic links/,
  },
  {
    name: "a link to itself on its way",
    layers: [[symlink("a", "a")], [file("a/.wh.x")]],
    reason: /40 symbolic links/,
  },
  {
    name: "a chain of 41 links on its way",
    layers: [[dir("l0"), ...numbers.map((n) => symlink(`l${n + 1}`, `l${n}`)), file("l41/x")]],
    reason: /40 symbolic links/,
  },
  {
    name: "links that double their path",
    layers: [[dir("d"), symlink("l", "d/../".repeat(800)), symlink("m", "l/".repeat(40)), file("m/x")]],
    reason: /too long a path/,
  },
  { name: "a file on its way", layers: [[file("a")], [file("a/x")]], reason: /"a" on its way is no directory/ },
  {
    name: "a device on its way",
    layers: [[{ name: "a", type: "block", major: 8, minor: 0 }, file("a/b/x")]],
    reason: /"a" on its way/,
  },
  {
    name: "a link to a file on its way",
    layers: [[file("f"), symlink("a", "f"), file("a/x")]],
    reason: /"f" on its way/,
  },
  { name: "a whiteout of nothing", layers: [[file("a/.wh.")]], reason: /whiteout of no name/ },
  { name: "a whiteout of the directory", layers: [[file("a/.wh..")]], reason: /whiteout of no name/ },
  { name: "a whiteout of the directory above", layers: [[dir("a/.wh.../")]], reason: /whiteout of no name/ },
  { name: "a file in a whiteout", layers: [[file("a/.wh.b/c")]], reason: /".wh.b" is a whiteout and holds nothing/ },
  { name: "a hard link to nothing", layers: [[hardlink("a", "b")]], reason: /there is no "b"/ },
  { name: "a hard link to itself, not there", layers: [[hardlink("a", "a")]], reason: /there is no "a"/ },
  { name: "a hard link outside", layers: [[hardlink("a", "../../../../etc/passwd")]], reason: /there is no/ },
  {
    name: "a hard link outside, through a link",
    layers: [[outside, hardlink("a", "out/passwd")]],
    reason: /there is no/,
  },
  {
    name: "a hard link to a directory",
    layers: [[dir("d"), hardlink("a", "d")]],
    reason: /"d" it links to is a directory/,
  },
  { name: "a hard link to the root", layers: [[hardlink("a", "..")]], reason: /is a directory/ },
  { name: "a hard link that says no target", layers: [[{ name: "a", type: "hardlink" }]], reason: /is a directory/ },
  {
    name: "a hard link to what its whiteout took",
    layers: [[file("a")], [file(".wh.a"), hardlink("b", "a")]],
    reason: /there is no "a"/,
  },
  { name: "a root that is a file", layers: [[file("./")]], reason: /the root is a directory, not a file/ },
  {
    name: "a root that is a link",
    layers: [[symlink("..", "/etc")]],
    reason: /the root is a directory, not a symlink/,
  },
  { name: "a link to no text", layers: [[symlink("a", "")]], reason: /symbolic link to nothing/ },
  { name: "a NUL byte in its name", layers: [[file("a\0b")]], reason: /NUL/ },
  { name: "a NUL byte in its target", layers: [[symlink("a", "b\0")]], reason: /NUL/ },
  { name: "a NUL byte in a hard link's target", layers: [[hardlink("a", "b\0")]], reason: /NUL/ },
  { name: "a name of 256 bytes", layers: [[file("x".repeat(256))]], reason: /longer than 255 bytes/ },
  {
    name: "a name of 256 bytes in a directory before",
    layers: [[file("d/a"), file(`d/${"x".repeat(256)}`)]],
    reason: /longer than 255 bytes/,
  },
  { name: "a directory of 256 bytes", layers: [[file(`${"x".repeat(256)}/a`)]], reason: /longer than 255 bytes/ },
  { name: "a negative owner", layers: [[file("a", 0, { uid: -1 })]], reason: /no user or group -1/ },
  { name: "a group over 32 bits", layers: [[dir("a", { gid: 2 ** 32 })]], reason: /no user or group 4294967296/ },
  {
    name: "a device number over 12 bits",
    layers: [[{ name: "a", type: "character", major: 4096, minor: 0 }]],
    reason: /no device 4096:0/,
  },
  {
    name: "a device number over 20 bits",
    layers: [[{ name: "a", type: "block", major: 0, minor: 2 ** 20 }]],
    reason: /no device 0:1048576/,
  },
])("a layer is refused for $name", ({ layers, reason }) => {
  const last = layers.at(-1)?.at(-1);
  expect(failureOf(layers)).toMatchObject({
    code: "LAYER_INVALID",
    details: { layer: layers.length - 1, entry: last?.name, reason: expect.stringMatching(reason) },
  });
});

test.for<{
  readonly name: string;
  readonly entries: readonly EntryText[];
  readonly limit: keyof RootfsLimits;
  readonly max: number;
}>([
  { name: "a path of more names", entries: [file("a/b/c/d")], limit: "maxDepth", max: 3 },
  {
    name: "a path of more names, beside one before",
    entries: [file("a/b/c"), file("a/b/d/e")],
    limit: "maxDepth",
    max: 3,
  },
  {
    name: "a path of more names through links",
    entries: [dir("a/b"), symlink("l", "a/b"), file("l/c")],
    limit: "maxDepth",
    max: 2,
  },
  { name: "a path of more bytes", entries: [file("abc/de/f")], limit: "maxPathBytes", max: 7 },
  {
    name: "a path of more bytes, beside one before",
    entries: [file("abc/de"), file("abc/def")],
    limit: "maxPathBytes",
    max: 6,
  },
  {
    name: "a path of more bytes through links",
    entries: [dir("abc/def"), symlink("l", "abc/def"), file("l/g")],
    limit: "maxPathBytes",
    max: 8,
  },
  { name: "a link's target of more bytes", entries: [symlink("l", "0123456789")], limit: "maxPathBytes", max: 9 },
  { name: "more entries", entries: [file("a"), file("a"), file(".wh.a")], limit: "maxEntries", max: 2 },
  { name: "more names than are held", entries: [file("abc"), symlink("d", "ef")], limit: "maxMetadataBytes", max: 5 },
  {
    name: "more attributes than are held",
    entries: [file("a", 0, { xattrs: [["user.a", Buffer.alloc(100)]] })],
    limit: "maxMetadataBytes",
    max: 506,
  },
  {
    name: "more empty attributes",
    entries: [file("a", 0, { xattrs: Array.from({ length: 5 }, (_, n) => [`user.${n}`, Buffer.alloc(0)] as const) })],
    limit: "maxMetadataBytes",
    max: 2030,
  },
  {
    name: "more parts of sparse files",
    entries: [file("a", 9, { extents: [0, 1, 2].map((n) => ({ at: 2 * n, offset: n, length: 1 })) })],
    limit: "maxMetadataBytes",
    max: 240,
  },
  { name: "more directories that a name implies", entries: [file("a/b/c/d")], limit: "maxEntries", max: 3 },
  {
    name: "longer paths of directories that a name implies",
    entries: [file("a/b/c/d")],
    limit: "maxMetadataBytes",
    max: 7 + 1 + 3 + 5 - 1,
  },
  {
    name: "longer paths behind links",
    entries: [dir("abcdef"), symlink("l", "abcdef"), file("l/a"), file("l/b")],
    limit: "maxMetadataBytes",
    max: 6 + 7 + 8 + 8 - 1,
  },
])("$name than the limit are refused, and as many are not", ({ entries, limit, max }) => {
  expect(failureOf([entries], { [limit]: max })).toMatchObject({
    code: "LIMIT_EXCEEDED",
    details: { limit, max, layer: 0 },
  });
  expect(failureOf([entries], { [limit]: max + 1 })).not.toBeInstanceOf(Error);
});

test("what reaches for the host stays below the root", () => {
  const root = merge([
    [
      outside,
      file("out/etc/passwd", 1),
      symlink("usr", "../../.."),
      file("usr/bin/sh", 2),
      file("/../../../tmp/x", 3),
      { name: "dev/sda", type: "block", major: 8, minor: 0 },
      dir("dev/sda"),
      hardlink("link", "../../usr/../usr/bin/sh"),
      symlink("self", "/proc/self/root/etc"),
    ],
  ]);
  expect(listingOf(root)).toEqual({
    bin: "/",
    "bin/sh": "2",
    dev: "/",
    "dev/sda": "/",
    host: "/",
    "host/etc": "/",
    "host/etc/passwd": "1",
    link: "=bin/sh",
    out: "-> /../../../../../host",
    self: "-> /proc/self/root/etc",
    tmp: "/",
    "tmp/x": "3",
    usr: "-> ../../..",
  });
});

test("names that mean something to programs are names", () => {
  const names = ["__proto__", "constructor", "-rf", "a b\n", "\xff\xfe", "...", ".wh", "x.wh.y", "*"];
  const root = merge([names.map((name) => file(name))]);
  expect(sortedEntries(root).map(([name]) => name)).toEqual([...names].sort());
});

test("as deep as the limit allows is merged, replaced and taken away", () => {
  const deep = "d/".repeat(511);
  const layers = [[file(`${deep}a`)], [file(`${deep}b`), file(".wh..wh..opq")]];
  expect(Object.keys(listingOf(merge(layers))).at(-1)).toBe(`${deep}b`);
  expect(listingOf(merge([...layers, [file(".wh.d")]]))).toEqual({});
});
