import type { ArchiveEntry } from "./pax-archive.ts";

/** A capability set as the kernel stores it: revision 2, effective, `cap_net_raw` permitted. */
const netRaw =
  "\u0001\u0000\u0000\u0002\u0000\u0020\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000\u0000";

/** The extended attributes of its file `attributes`. */
export const attributes: Readonly<Record<string, string>> = {
  "user.text": "text",
  "user.bytes": '\u0000\u00ff\n="\\',
  "user.empty": "",
  "user.long": "x".repeat(900),
  "trusted.overlay": "trusted",
};

/** An access control list as the kernel takes it: the owner rw, user 1000 r, the group r, at most r, others r. */
const accessList = Buffer.from(
  "02000000" + "01000600ffffffff" + "02000400e8030000" + "04000400ffffffff" + "10000400ffffffff" + "20000400ffffffff",
  "hex",
).toString("latin1");

const deepNames = Array.from({ length: 20 }, (_, level) => `deep-${level}-${"d".repeat(120)}`);
const deepFolders = deepNames.map((_, level) => deepNames.slice(0, level + 1).join("/"));

function directory(name: string, more: Partial<ArchiveEntry> = {}): ArchiveEntry {
  return { name, type: "directory", ...more };
}

function file(name: string, content = name, more: Partial<ArchiveEntry> = {}): ArchiveEntry {
  return { name, content, ...more };
}

function symlink(name: string, target: string, more: Partial<ArchiveEntry> = {}): ArchiveEntry {
  return { name, type: "symlink", target, ...more };
}

function hardlink(name: string, target: string): ArchiveEntry {
  return { name, type: "hardlink", target };
}

/** Everything of a file system that is rare, in a base layer. */
const base: readonly ArchiveEntry[] = [
  directory("./", { mode: 0o751, uid: 3, gid: 4, mtime: "1000000000.123456789" }),
  directory("etc"),
  file("etc/passwd", "root:x:0:0::/:/bin/sh\n", { mode: 0o600 }),
  file("etc/gone"),
  directory("usr"),
  directory("usr/bin"),
  directory("usr/lib"),
  symlink("bin", "usr/bin"),
  symlink("lib", "/usr/lib"),
  symlink("up", "../../../../etc"),
  symlink("chain", "up/../lib"),
  // Owners, modes and attributes.
  file("usr/bin/ping", "ping", { mode: 0o755, xattrs: { "security.capability": netRaw } }),
  file("usr/bin/su", "su", { mode: 0o4755 }),
  file("usr/bin/wall", "wall", { mode: 0o2755, gid: 5 }),
  file("usr/bin/owned", "owned", { mode: 0o6711, uid: 1000, gid: 65534 }),
  file("usr/bin/far-owner", "far", { uid: 4_000_000_000, gid: 3_000_000 }),
  file("no-mode", "nobody", { mode: 0 }),
  directory("tmp", { mode: 0o1777 }),
  directory("set-group", { mode: 0o2775, gid: 50 }),
  file("attributes", "attributes", { xattrs: attributes }),
  file("access-list", "for some", { xattrs: { "system.posix_acl_access": accessList } }),
  directory("access-lists", { xattrs: { "system.posix_acl_default": accessList } }),
  directory("with-attributes", { xattrs: { "user.folder": "folder", "trusted.folder": "yes" } }),
  symlink("link-with-attribute", "attributes", { xattrs: { "trusted.link": "link" } }),
  // Devices.
  directory("dev"),
  { name: "dev/null", type: "character", device: [1, 3], mode: 0o666 },
  { name: "dev/disk", type: "block", device: [8, 1], mode: 0o660, gid: 6 },
  { name: "dev/high", type: "block", device: [259, 1_000_000], mode: 0o600 },
  { name: "dev/pipe", type: "fifo", mode: 0o622, mtime: "1500000000.5" },
  // Hard links.
  file("linked-one", "linked"),
  directory("links"),
  hardlink("links/two", "linked-one"),
  hardlink("links/three", "links/two"),
  symlink("links/symlink", "/nowhere"),
  hardlink("links/symlink-again", "links/symlink"),
  hardlink("dev/null-again", "dev/null"),
  hardlink("dev/pipe-again", "dev/pipe"),
  file("pair-one", "pair"),
  hardlink("pair-two", "pair-one"),
  // Names.
  directory("names"),
  file("names/new\nline"),
  file("names/tab\tand \u0001"),
  file("names/\u00ff\u00fe not UTF-8"),
  file("names/\u00e2\u0098\u0083 UTF-8"),
  file("names/-rf"),
  file("names/ space "),
  file("names/quote\"and'"),
  file("names/back\\slash\\012"),
  file("names/a=b"),
  file("names/<12>"),
  file("names/# hash"),
  file("names/.wh"),
  file(`names/${"n".repeat(255)}`),
  file(`names/${"\u00ff".repeat(255)}`),
  symlink("names/link\nline", "new\nline \u00ff"),
  ...deepFolders.map((name) => directory(name)),
  file(`${deepFolders.at(-1)}/file`, "deep"),
  // Link targets.
  directory("targets"),
  symlink("targets/59", "t".repeat(59)),
  symlink("targets/60", "t".repeat(60)),
  symlink("targets/long", `${"long/".repeat(400)}end`),
  symlink("targets/longest", "l".repeat(4095)),
  symlink("targets/outside", "/../../../tmp"),
  symlink("targets/self", "self"),
  symlink("targets/odd", "-rf \"'\\ \u0001"),
  // Sizes.
  directory("sizes"),
  ...[0, 1, 511, 512, 513, 4095, 4096, 4097, 70_000].map((size) => file(`sizes/${size}`, "s".repeat(size))),
  {
    name: "sizes/sparse",
    sparse: {
      size: 3_000_000,
      parts: [
        [4096, "a".repeat(5000)],
        [1_048_576, "b"],
        [2_999_000, "end"],
      ],
    },
  },
  { name: "sizes/hole", sparse: { size: 2_000_001, parts: [] } },
  file("sizes/zeros", "\u0000".repeat(200_000)),
  // Times.
  directory("times", { mtime: "1234567890.987654321" }),
  ...[
    "0",
    "0.5",
    "-1.25",
    "-2000000000",
    "1600000000.999999999",
    "1600000000.000000001",
    "2147483648",
    "5000000000.25",
    "9000000000",
  ].map((mtime) => file(`times/${mtime}`, mtime, { mtime })),
  symlink("times/link", "nowhere", { mtime: "1111111111.222222222" }),
  directory("times/empty", { mtime: "-5.5" }),
  // What upper layers change.
  directory("opaque", { mode: 0o700 }),
  directory("opaque/folder"),
  file("opaque/folder/file"),
  file("opaque/file"),
  directory("removed"),
  file("removed/file"),
  directory("bookkeeping"),
  directory("whiteouts"),
  directory("whiteouts/lower-first"),
  file("whiteouts/lower-first/old"),
  directory("whiteouts/lower-last"),
  file("whiteouts/lower-last/old"),
  directory("whiteouts/lower-last/deep", { mode: 0o711 }),
  file("whiteouts/lower-last/deep/old"),
  file("whiteouts/own-after", "lower"),
  file("whiteouts/own-before", "lower"),
  directory("merged", { mode: 0o700, uid: 7, xattrs: { "user.old": "old" } }),
  file("merged/stays"),
  file("merged/replaced", "old", { xattrs: { "user.old": "old" }, mode: 0o4755 }),
  directory("twins"),
  directory("twins/one"),
  file("twins/one/file"),
  directory("twins/other"),
  file("twins/other/file"),
  directory("types"),
  file("types/file-directory"),
  directory("types/directory-file"),
  directory("types/directory-file/deeper"),
  file("types/directory-file/deeper/below"),
  symlink("types/symlink-directory", "../merged"),
  directory("types/directory-symlink"),
  file("types/directory-symlink/below"),
  file("types/file-symlink"),
  symlink("types/symlink-file", "../etc/passwd"),
  { name: "types/device-file", type: "character", device: [1, 5] },
  file("types/file-device"),
  directory("types/directory-fifo"),
];

/** Removes, replaces and reaches through links. */
const changes: readonly ArchiveEntry[] = [
  file("etc/.wh.gone", ""),
  file(".wh.removed", ""),
  file(".wh.never-there", ""),
  directory("opaque", { mode: 0o711 }),
  file("opaque/.wh..wh..opq", ""),
  file("opaque/new"),
  directory("merged", { mode: 0o750, gid: 8, mtime: "1700000000.25" }),
  file("merged/replaced", "new"),
  file("merged/new"),
  // Through links in the image.
  file("bin/through-relative"),
  file("lib/through-absolute"),
  file("up/through-outside"),
  file("chain/through-chain"),
  file("bin/.wh.owned", ""),
  // Hard links to lower layers.
  hardlink("across", "links/three"),
  hardlink("usr/lib/across", "bin/ping"),
  file("pair-one", "alone now"),
  // As umoci packs a link that took a directory's place.
  symlink("twins/one", "other"),
  file("twins/one/.wh.file", ""),
  // Other kinds.
  directory("types/file-directory", { mode: 0o700 }),
  file("types/file-directory/below"),
  file("types/directory-file"),
  file("types/directory-file/.wh.deeper", ""),
  file("types/directory-file/deeper/.wh.below", ""),
  file("types/directory-file/.wh..wh..opq", ""),
  directory("types/symlink-directory"),
  file("types/symlink-directory/below"),
  symlink("types/directory-symlink", "../merged"),
  symlink("types/file-symlink", "directory-file"),
  file("types/symlink-file", "no link"),
  file("types/device-file", "no device"),
  { name: "types/file-device", type: "block", device: [7, 7] },
  { name: "types/directory-fifo", type: "fifo" },
];

/** Entries in unusual orders and with unusual names. */
const oddities: readonly ArchiveEntry[] = [
  file("/absolute"),
  file("../../climbing"),
  file("./dot/./file"),
  file("twice", "first"),
  file("twice", "second", { mode: 0o640 }),
  file("implicit/parents/file"),
  directory("removed"),
  file("removed/again"),
  directory("opaque-again"),
  file("opaque-again/.wh..wh..opq", ""),
  // Whiteouts beside and after what the same layer has.
  file("whiteouts/lower-first/.wh..wh..opq", ""),
  file("whiteouts/lower-first/new"),
  file("whiteouts/lower-last/deep/new"),
  file("whiteouts/lower-last/.wh..wh..opq", ""),
  file("whiteouts/own-after"),
  file("whiteouts/.wh.own-after", ""),
  file("whiteouts/.wh.own-before", ""),
  file("whiteouts/own-before"),
  file("bookkeeping/.wh..wh.plnk/11.22", "bookkeeping"),
  file("bookkeeping/.wh..wh.aufs", "bookkeeping"),
  // Hard links that say other metadata.
  file("hard-metadata"),
  { name: "hard-metadata-other", type: "hardlink", target: "hard-metadata", mode: 0o600, uid: 9, mtime: "1700000000" },
  { name: "hard-parent", type: "hardlink", target: "../../lib/through-absolute" },
  directory("dot-dot/below"),
  file("dot-dot/below/../file"),
  directory("slashes//below///"),
  file("slashes//below///file"),
  directory("/"),
  file("/////many-slashes"),
];

/** Layers, base first. */
export const nastyLayers: readonly (readonly ArchiveEntry[])[] = [base, changes, oddities];
