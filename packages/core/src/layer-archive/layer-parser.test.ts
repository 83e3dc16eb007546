import fc from "fast-check";
import { describe, expect, test } from "vitest";
import "../../../../tests/support/property-seed.ts";
import { seededRandom } from "../../../../tests/support/random.ts";
import {
  type HeaderFields,
  paxHeader,
  tarData,
  tarEnd,
  tarEntry,
  tarHeader,
} from "../../../../tests/support/tar-blocks.ts";
import { ArchiveFault } from "./archive-fault.ts";
import type { LayerEntry } from "./layer-entry.ts";
import { LayerParser } from "./layer-parser.ts";

/** The entries of an archive that is pushed in parts, as long as the sizes say, and then in one. */
function entriesOf(archive: Uint8Array, sizes: readonly number[] = []): LayerEntry[] {
  const entries: LayerEntry[] = [];
  const parser = new LayerParser((entry) => entries.push(entry));
  let at = 0;
  for (const size of [...sizes, archive.byteLength]) {
    parser.push(archive.subarray(at, at + size));
    at += size;
  }
  parser.end();
  return entries;
}

function archiveOf(...parts: readonly Uint8Array[]): Buffer {
  return Buffer.concat([...parts, tarEnd]);
}

function onlyEntry(...parts: readonly Uint8Array[]): LayerEntry {
  const entries = entriesOf(archiveOf(...parts));
  expect(entries).toHaveLength(1);
  return entries[0] as LayerEntry;
}

const base256 = (value: bigint, length: number) => {
  const field = Buffer.alloc(length);
  for (let at = length - 1, rest = BigInt.asUintN(8 * length, value); at >= 0; at -= 1, rest >>= 8n) {
    field[at] = Number(rest & 0xffn);
  }
  field[0] = (field[0] as number) | 0x80;
  return field.toString("latin1");
};
const gnuMagic = "ustar  \0";
const long = `${"d".repeat(90)}/${"n".repeat(120)}`;
const gnuPoints = (...points: readonly (readonly [number, number])[]) =>
  points.map((point) => point.map((number) => `${number.toString(8).padStart(11, "0")}\0`).join("")).join("");

describe("a header", () => {
  test("a v7 header has no magic, a type of zero and a directory's slash", () => {
    const v7 = { magic: "", type: "\0" };
    const archive = archiveOf(
      tarHeader({ ...v7, name: "dir/", mode: "40755" }),
      tarEntry({ ...v7, name: "dir/f" }, "x"),
    );
    expect(entriesOf(archive).map(({ name, type, mode }) => [name, type, mode])).toEqual([
      ["dir/", "directory", 0o755],
      ["dir/f", "file", 0o644],
    ]);
  });

  test.for<{ name: string; fields: HeaderFields; expected: Partial<LayerEntry> }>([
    { name: "a file", fields: { size: 5 }, expected: { type: "file", size: 5, offset: 512, mode: 0o644 } },
    { name: "a contiguous file", fields: { type: "7", size: 5 }, expected: { type: "file", size: 5 } },
    {
      name: "a directory",
      fields: { type: "5", name: "d", mode: "1777" },
      expected: { type: "directory", mode: 0o1777 },
    },
    { name: "a size on a directory", fields: { type: "5", size: 4096 }, expected: { type: "directory", size: 0 } },
    { name: "a symlink", fields: { type: "2", linkName: "/../x" }, expected: { type: "symlink", linkName: "/../x" } },
    { name: "a hard link", fields: { type: "1", linkName: "a" }, expected: { type: "hardlink", linkName: "a" } },
    { name: "a pipe", fields: { type: "6" }, expected: { type: "fifo" } },
    {
      name: "a character device",
      fields: { type: "3", major: "7777", minor: "3777777" },
      expected: { type: "character", major: 4095, minor: 1048575 },
    },
    {
      name: "a block device",
      fields: { type: "4", major: "0", minor: "0" },
      expected: { type: "block", major: 0, minor: 0 },
    },
    { name: "ustar's prefix", fields: { prefix: "a/b" }, expected: { name: "a/b/file" } },
    { name: "no prefix in v7", fields: { magic: "", prefix: "a/b" }, expected: { name: "file" } },
    {
      name: "star's shorter prefix, and its time of access",
      fields: { prefix: "p".repeat(131), at: { 476: "17", 508: "tar\0" } },
      expected: { name: `${"p".repeat(131)}/file`, atime: { seconds: 15, nanoseconds: 0 } },
    },
    {
      name: "GNU's time of access where ustar has its prefix",
      fields: { magic: gnuMagic, prefix: "00000000017\0" },
      expected: { name: "file", atime: { seconds: 15, nanoseconds: 0 } },
    },
    {
      name: "a prefix in a GNU header, as old Go programs wrote it",
      fields: { magic: gnuMagic, prefix: "usr/lib" },
      expected: { name: "usr/lib/file" },
    },
    { name: "a full name without a zero byte", fields: { name: "n".repeat(100) }, expected: { name: "n".repeat(100) } },
    { name: "bytes that are not UTF-8", fields: { name: "a\xff\xfe" }, expected: { name: "a\xff\xfe" } },
    { name: "setuid, and a mode's file type", fields: { mode: "104755" }, expected: { mode: 0o4755 } },
    { name: "numbers behind spaces", fields: { uid: "  12 ", gid: " 7\0" }, expected: { uid: 10, gid: 7 } },
    { name: "numbers without an end", fields: { uid: "07777777" }, expected: { uid: 0o7777777 } },
    { name: "owners in base 256", fields: { uid: base256(4_000_000_000n, 8) }, expected: { uid: 4_000_000_000 } },
    { name: "an owner of -2", fields: { gid: base256(-2n, 8) }, expected: { gid: 4_294_967_294 } },
    {
      name: "a time before 1970 in base 256",
      fields: { mtime: base256(-86_400n, 12) },
      expected: { mtime: { seconds: -86_400, nanoseconds: 0 } },
    },
    {
      name: "the last time there is",
      fields: { mtime: base256(15_032_385_535n, 12) },
      expected: { mtime: { seconds: 15_032_385_535, nanoseconds: 0 } },
    },
    {
      name: "the epoch for a time too late",
      fields: { mtime: base256(15_032_385_536n, 12) },
      expected: { mtime: { seconds: 0, nanoseconds: 0 } },
    },
    {
      name: "the epoch for a time that is no number here",
      fields: { mtime: base256(-(2n ** 80n), 12) },
      expected: { mtime: { seconds: 0, nanoseconds: 0 } },
    },
  ])("$name", ({ fields, expected }) => {
    const data = fields.size === 5 ? [tarData("12345")] : [];
    expect(onlyEntry(tarHeader(fields), ...data)).toMatchObject(expected);
  });

  test.for<{ name: string; fields: HeaderFields; reason: RegExp; entry?: string }>([
    { name: "a wrong checksum", fields: { checksum: "0000001\0" }, reason: /checksum/ },
    { name: "a checksum that is no number", fields: { checksum: "xyz" }, reason: /checksum/ },
    { name: "an unknown type", fields: { type: "D" }, reason: /unknown type, "D"/, entry: "file" },
    { name: "a type that steers a terminal", fields: { type: "\x7f" }, reason: /unknown type, 0x7f$/, entry: "file" },
    { name: "a sparse file of nobody's", fields: { type: "S" }, reason: /unknown type, "S"/, entry: "file" },
    { name: "a size that is no number", fields: { size: "12z" }, reason: /size is no number/, entry: "file" },
    { name: "a negative size", fields: { size: base256(-1n, 12) }, reason: /size is -1/, entry: "file" },
    { name: "a size beyond all", fields: { size: base256(2n ** 60n, 12) }, reason: /size is no number/, entry: "file" },
    { name: "an owner of -1", fields: { uid: base256(-1n, 8) }, reason: /uid -1 is out of range/, entry: "file" },
    {
      name: "an owner beyond 32 bits",
      fields: { gid: base256(2n ** 32n, 8) },
      reason: /gid .* out of range/,
      entry: "file",
    },
    { name: "a major beyond Linux", fields: { type: "3", major: "10000" }, reason: /4096 and 0/, entry: "file" },
    { name: "a minor beyond Linux", fields: { type: "4", minor: "4000000" }, reason: /1048576/, entry: "file" },
    { name: "a negative minor", fields: { type: "4", minor: base256(-1n, 8) }, reason: /no device/, entry: "file" },
    { name: "a link to nothing", fields: { type: "2" }, reason: /links to nothing/, entry: "file" },
  ])("$name is refused", ({ fields, reason, entry }) => {
    const fault = faultOf(archiveOf(tarHeader(fields)));
    expect(fault.message).toMatch(reason);
    expect(fault.entry).toBe(entry);
  });
});

test("a checksum may be one of signed bytes", () => {
  const header = tarHeader({ name: "\xff" });
  const signed = Number.parseInt(header.toString("latin1", 148, 154), 8) - 256;
  expect(onlyEntry(tarHeader({ name: "\xff", checksum: signed.toString(8) })).name).toBe("\xff");
});

describe("what follows a header", () => {
  test("a hard link's data is passed over where it is there, and not missed where only its size is", () => {
    const link = tarHeader({ type: "1", linkName: "a", size: 1000 });
    const next = tarHeader({ name: "next" });
    const names = (...parts: readonly Uint8Array[]) => entriesOf(archiveOf(...parts)).map(({ name }) => name);
    expect(names(link, tarData("x".repeat(1000)), next)).toEqual(["file", "next"]);
    expect(names(link, next)).toEqual(["file", "next"]);
    expect(names(link)).toEqual(["file"]);
    expect(entriesOf(link)).toHaveLength(1);
  });

  test.for([
    { name: "nothing at all", archive: Buffer.alloc(0), count: 0 },
    { name: "an end marker alone", archive: tarEnd, count: 0 },
    { name: "no end marker", archive: tarEntry({}, "data"), count: 1 },
    { name: "half an end marker", archive: Buffer.concat([tarHeader(), Buffer.alloc(512)]), count: 1 },
    {
      name: "garbage behind the end marker",
      archive: Buffer.concat([tarHeader(), tarEnd, Buffer.alloc(99, "?")]),
      count: 1,
    },
  ])("an archive may have $name", ({ archive, count }) => {
    expect(entriesOf(archive)).toHaveLength(count);
  });

  test.for([
    { name: "a lone block of zeros", archive: Buffer.concat([Buffer.alloc(512), tarHeader()]), reason: /lone block/ },
    { name: "a long name without an entry", archive: archiveOf(tarEntry({ type: "L" }, "name")), reason: /extended/ },
    { name: "an extended header at its end", archive: paxHeader([["path", "x"]]), reason: /cut short behind/ },
    {
      name: "an endless long name",
      archive: tarHeader({ type: "L", size: 2 ** 30 }),
      reason: /more than 16777216 bytes/,
    },
    {
      name: "endless extended headers",
      archive: Buffer.concat(Array(20).fill(tarEntry({ type: "K" }, "k".repeat(2 ** 20)))),
      reason: /more than 16777216 bytes/,
    },
  ])("an archive with $name is refused", ({ archive, reason }) => {
    expect(faultOf(archive).message).toMatch(reason);
  });
});

test("extended headers of all entries together may be of any size", () => {
  const comment = "c".repeat(2 ** 20);
  const parts = Array.from({ length: 17 }, (_, at) => [
    paxHeader([["comment", comment]]),
    tarHeader({ name: `${at}` }),
  ]);
  expect(entriesOf(archiveOf(...parts.flat()))).toHaveLength(17);
});

describe("extended headers", () => {
  test("GNU's long names and link targets end with a zero byte or without", () => {
    const archive = archiveOf(
      tarEntry({ type: "L", magic: gnuMagic }, `${long}\0`),
      tarEntry({ type: "K", magic: gnuMagic }, long),
      tarHeader({ type: "2", magic: gnuMagic, name: "cut", linkName: "cut" }),
      tarHeader({ name: "next" }),
    );
    const [first, second] = entriesOf(archive);
    expect(first).toMatchObject({ name: long, linkName: long, type: "symlink" });
    expect(second?.name).toBe("next");
  });

  test("records replace the header's fields, for one entry only", () => {
    const records = [
      ["path", "päth/☃"],
      ["linkpath", "to"],
      ["uid", "3000000000"],
      ["gid", "4000000000"],
      ["mtime", "1350244992.023960108"],
      ["atime", "-1.5"],
      ["comment", "nothing = of ours"],
    ].map(([key, value]) => [key, Buffer.from(value as string).toString("latin1")] as [string, string]);
    const archive = archiveOf(paxHeader(records), tarHeader({ type: "2", linkName: "x" }), tarHeader({ name: "next" }));
    const [first, second] = entriesOf(archive);
    expect(first).toMatchObject({
      name: Buffer.from("päth/☃").toString("latin1"),
      linkName: "to",
      uid: 3_000_000_000,
      gid: 4_000_000_000,
      mtime: { seconds: 1_350_244_992, nanoseconds: 23_960_108 },
      atime: { seconds: -2, nanoseconds: 500_000_000 },
    });
    expect(second).toMatchObject({ name: "next", uid: 0, mtime: { seconds: 0, nanoseconds: 0 } });
    expect(second?.atime).toBeUndefined();
  });

  test("a size counts for the data, too; global headers and empty values do not count", () => {
    const archive = archiveOf(
      paxHeader(
        [
          ["path", "global"],
          ["size", "7"],
        ],
        "g",
      ),
      paxHeader([
        ["size", "600"],
        ["path", ""],
        ["mtime", ""],
      ]),
      tarHeader({ size: 1, mtime: "17" }),
      tarData("x".repeat(600)),
      tarHeader({ name: "next" }),
    );
    expect(entriesOf(archive).map(({ name, size }) => [name, size])).toEqual([
      ["file", 600],
      ["next", 0],
    ]);
  });

  test("extended attributes keep their bytes, an empty value and their order", () => {
    const entry = onlyEntry(
      paxHeader([
        ["SCHILY.xattr.user.empty", ""],
        ["SCHILY.xattr.security.capability", "\x01\0\n=\xff"],
        ["SCHILY.xattr.user.a%3Db%25", "gnu"],
        ["SCHILY.xattr.user.%253D", "escaped twice"],
        ["LIBARCHIVE.xattr.user.%c3%a4", "AAH/"],
        ["LIBARCHIVE.xattr.user.empty", ""],
      ]),
      tarHeader(),
    );
    expect(entry.xattrs?.map(([name, value]) => [name, [...value]])).toEqual([
      ["user.empty", []],
      ["security.capability", [1, 0, 10, 61, 255]],
      ["user.a=b%", [...Buffer.from("gnu")]],
      ["user.%3D", [...Buffer.from("escaped twice")]],
      ["user.\xc3\xa4", [0, 1, 255]],
    ]);
    expect(entry.xattrs?.every(([, value]) => value.buffer.byteLength === value.byteLength)).toBe(true);
  });

  test.for([
    ["1350244992", 1_350_244_992, 0],
    ["1.", 1, 0],
    ["0.1234567899", 0, 123_456_789],
    ["-1", -1, 0],
    ["-0.25", -1, 750_000_000],
    ["-2147483648", -2_147_483_648, 0],
    ["-2147483649", 0, 0],
    ["99999999999999999999", 0, 0],
  ] as const)("the time %s", ([text, seconds, nanoseconds]) => {
    expect(onlyEntry(paxHeader([["mtime", text]]), tarHeader({ mtime: "1" })).mtime).toEqual({ seconds, nanoseconds });
  });

  test.for([
    { name: "a length that is none", data: "x path=a\n" },
    { name: "a length beyond its end", data: "99 path=a\n" },
    { name: "a length that ends early", data: "5 path=a\n" },
    { name: "a length of zero", data: "0 path=a\n" },
    { name: "endless digits", data: "1".repeat(1000) },
    { name: "no line end", data: "9 path=ab" },
    { name: "no value", data: "7 path\n" },
    { name: "no key", data: "5 =a\n" },
    { name: "a key with a zero byte", data: "7 a\0=b\n" },
    { name: "a path with a zero byte", data: "11 path=a\0b\n" },
    { name: "a size that is none", data: "9 size=z\n" },
    { name: "a negative size", data: "11 size=-1\n" },
    { name: "a size beyond all", data: "26 size=9999999999999999\n" },
    { name: "an owner with a fraction", data: "11 uid=1.5\n" },
    { name: "an owner out of range", data: "18 uid=4294967295\n" },
    { name: "a time that is none", data: "13 mtime=now\n" },
    { name: "an attribute without a name", data: "18 SCHILY.xattr.=v\n" },
    { name: "an attribute with a long name", data: `275 SCHILY.xattr.${"n".repeat(256)}=\n` },
  ])("$name is refused", ({ data }) => {
    expect(faultOf(archiveOf(tarEntry({ type: "x" }, data), tarHeader())).message).toMatch(
      /extended|uid|size|attribute/,
    );
  });
});

describe("sparse files", () => {
  const data = tarData(`${"a".repeat(512)}bcd`);
  const extents = (offset: number) => [
    { at: 1024, offset, length: 512 },
    { at: 4096, offset: offset + 512, length: 3 },
  ];
  const next = tarHeader({ name: "next" });

  test.for<{ name: string; parts: readonly Uint8Array[]; offset: number }>([
    {
      name: "in the header, as old GNU tar has it",
      parts: [
        tarHeader({
          type: "S",
          magic: gnuMagic,
          size: 515,
          at: { 386: gnuPoints([1024, 512], [4096, 3], [5000, 0]), 483: "11610" },
        }),
      ],
      offset: 512,
    },
    {
      name: "in blocks behind the header",
      parts: [
        tarHeader({
          type: "S",
          magic: gnuMagic,
          size: 515,
          at: { 386: gnuPoints([1024, 512]), 482: "\x01", 483: "11610" },
        }),
        Buffer.concat([Buffer.alloc(504), Buffer.from([1]), Buffer.alloc(7)]),
        tarData(gnuPoints([4096, 3])),
      ],
      offset: 512 + 1024,
    },
    {
      name: "as pairs of records (0.0)",
      parts: [
        paxHeader([
          ["GNU.sparse.size", "5000"],
          ["GNU.sparse.numblocks", "2"],
          ["GNU.sparse.offset", "1024"],
          ["GNU.sparse.numbytes", "512"],
          ["GNU.sparse.offset", "4096"],
          ["GNU.sparse.numbytes", "3"],
        ]),
        tarHeader({ size: 515 }),
      ],
      offset: 1024 + 512,
    },
    {
      name: "as one record (0.1)",
      parts: [
        paxHeader([
          ["GNU.sparse.major", "0"],
          ["GNU.sparse.minor", "1"],
          ["GNU.sparse.name", "file"],
          ["GNU.sparse.size", "5000"],
          ["GNU.sparse.map", "1024,512,4096,3"],
        ]),
        tarHeader({ name: "GNUSparseFile.1/file", size: 515 }),
      ],
      offset: 1024 + 512,
    },
    {
      name: "before the data (1.0)",
      parts: [
        paxHeader([
          ["GNU.sparse.major", "1"],
          ["GNU.sparse.minor", "0"],
          ["GNU.sparse.name", "file"],
          ["GNU.sparse.realsize", "5000"],
        ]),
        tarHeader({ name: "GNUSparseFile.1/file", size: 515 + 512 }),
        tarData("2\n1024\n512\n4096\n3\n"),
      ],
      offset: 1024 + 1024,
    },
  ])("a map $name", ({ parts, offset }) => {
    const archive = archiveOf(...parts, data, next);
    const [file, other] = entriesOf(archive);
    expect(file).toMatchObject({ name: "file", type: "file", size: 5000, offset, extents: extents(offset) });
    expect(archive.toString("latin1", offset + 510, offset + 515)).toBe("aabcd");
    expect(other?.name).toBe("next");
    expect(entriesOf(archive, Array(archive.byteLength).fill(1))).toEqual([file, other]);
  });

  test.for([
    { name: "parts in the wrong order", map: "4096,3,1024,512" },
    { name: "parts that overlap", map: "1024,512,1500,3" },
    { name: "parts behind the end", map: "1024,512,4998,3" },
    { name: "negative lengths", map: "1024,-512,4096,1027" },
    { name: "more than the data", map: "1024,512,4096,4" },
    { name: "less than the data", map: "1024,512" },
    { name: "half a part", map: "1024,515,7" },
    { name: "no numbers", map: "a,b" },
  ])("a map with $name is refused", ({ map }) => {
    const pax = paxHeader([
      ["GNU.sparse.size", "5000"],
      ["GNU.sparse.map", map],
    ]);
    expect(faultOf(archiveOf(pax, tarHeader({ size: 515 }), data)).message).toMatch(/map/);
  });

  test.for([
    {
      name: "a map longer than its data",
      version: ["1", "0"],
      map: `1000\n${"1\n".repeat(253)}1`,
      size: 512,
      reason: /longer than its data/,
    },
    { name: "a map without numbers", version: ["1", "0"], map: "x", size: 512, reason: /no numbers/ },
    { name: "an empty line", version: ["1", "0"], map: "\n", size: 512, reason: /no numbers/ },
    { name: "an unknown version", version: ["2", "0"], map: "", size: 512, reason: /version 2.0/ },
  ])("$name is refused", ({ version, map, size, reason }) => {
    const [major = "", minor = ""] = version;
    const pax = paxHeader([
      ["GNU.sparse.major", major],
      ["GNU.sparse.minor", minor],
      ["GNU.sparse.realsize", "9"],
    ]);
    expect(faultOf(archiveOf(pax, tarHeader({ size }), tarData(map || " "), tarData("y".repeat(512)))).message).toMatch(
      reason,
    );
  });
});

const everything = archiveOf(
  tarHeader({ type: "5", name: "d/" }),
  tarEntry({ name: "d/one" }, "x".repeat(700)),
  tarEntry({ type: "L", magic: gnuMagic }, `${long}\0`),
  tarEntry({ magic: gnuMagic }, "y".repeat(512)),
  paxHeader([
    ["path", "pax"],
    ["SCHILY.xattr.user.a", "b"],
  ]),
  tarEntry({}, "z"),
  tarHeader({ type: "1", linkName: "d/one", size: 600 }),
  tarData("x".repeat(600)),
  paxHeader([
    ["GNU.sparse.major", "1"],
    ["GNU.sparse.minor", "0"],
    ["GNU.sparse.realsize", "9"],
    ["GNU.sparse.name", "s"],
  ]),
  tarEntry({}, tarData("1\n2\n3\n").toString("latin1").concat("abc")),
  tarHeader({ type: "S", magic: gnuMagic, size: 512, at: { 386: gnuPoints([0, 512]), 482: "\x01", 483: "2000" } }),
  tarData(""),
  Buffer.alloc(512),
  tarData("q".repeat(512)),
);

test("an archive gives the same entries however it is cut into chunks", () => {
  const expected = entriesOf(everything);
  expect(expected).toHaveLength(7);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 1500 }), { maxLength: 30 }), (sizes) => {
      expect(entriesOf(everything, sizes)).toEqual(expected);
    }),
    { numRuns: 100 },
  );
  expect(entriesOf(everything, Array(everything.byteLength).fill(1))).toEqual(expected);
});

test("an archive that is cut anywhere but between entries is refused", () => {
  const whole = entriesOf(everything);
  const accepted: number[] = [];
  for (let length = 0; length < everything.byteLength - tarEnd.byteLength; length += 64) {
    const cut = everything.subarray(0, length);
    try {
      const entries = entriesOf(cut);
      expect(entries).toEqual(whole.slice(0, entries.length));
      accepted.push(length);
    } catch (error) {
      expect(error).toBeInstanceOf(ArchiveFault);
    }
  }
  expect(accepted.every((length) => length % 512 === 0)).toBe(true);
  expect(accepted).toHaveLength(8); // nothing at all, behind six entries, and behind the data of the link
});

test("whatever bytes change, an archive is read or refused", () => {
  const random = seededRandom(7);
  const any = (below: number) => Math.floor(random() * below);
  let refused = 0;
  for (let run = 0; run < 1500; run += 1) {
    const archive = Buffer.from(everything);
    const start = 512 * any(archive.byteLength / 512);
    for (let change = any(4); change >= 0; change -= 1) archive[start + any(512)] = any(256);
    // most changes would end at the checksum
    if (run % 4 > 0) signHeader(archive.subarray(start, start + 512));
    try {
      for (const { name, linkName = "", size, offset } of entriesOf(archive)) {
        expect(`${name}${linkName}`).not.toContain("\0");
        expect(size >= 0 && offset <= archive.byteLength).toBe(true);
      }
    } catch (error) {
      if (!(error instanceof ArchiveFault)) throw error;
      refused += 1;
    }
  }
  expect(refused).toBeGreaterThan(300);
  expect(refused).toBeLessThan(1400);
});

function signHeader(block: Buffer): void {
  block.write("        ", 148);
  let sum = 0;
  for (const byte of block) sum += byte;
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
}

function faultOf(archive: Uint8Array): ArchiveFault {
  try {
    entriesOf(archive);
  } catch (error) {
    expect(error).toBeInstanceOf(ArchiveFault);
    return error as ArchiveFault;
  }
  throw new Error("it was read");
}
