import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { create } from "tar";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { isMirrorError } from "../../errors.ts";
import { encodeTarHeader, tarPadding } from "./tar-header.ts";
import { readTarEntries, type TarSource } from "./tar-reader.ts";

const deep = `${"d".repeat(60)}/${"e".repeat(60)}/index.json`;
const veryDeep = `${Array.from({ length: 5 }, (_, at) => String(at).repeat(60)).join("/")}/file`;
const files: Readonly<Record<string, string>> = {
  "index.json": "{}",
  "packages/console/oci-layout": "x".repeat(512),
  "packages/console/blobs/data": "y".repeat(70_000),
  empty: "",
};

function sourceOf(bytes: Uint8Array): TarSource {
  return {
    name: "test.tar",
    size: bytes.byteLength,
    read: (offset, length) => bytes.subarray(offset, offset + length),
  };
}

async function contentsOf(bytes: Uint8Array): Promise<Record<string, string>> {
  const entries = await readTarEntries(sourceOf(bytes));
  return Object.fromEntries(
    entries.map(({ name, offset, size }) => [name, Buffer.from(bytes.subarray(offset, offset + size)).toString()]),
  );
}

describe("archives other tools write", () => {
  let folder = "";
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "tranship-tar-"));
    for (const [name, text] of Object.entries({ ...files, [deep]: "deep", [veryDeep]: "very deep" })) {
      mkdirSync(join(folder, "in", dirname(name)), { recursive: true });
      writeFileSync(join(folder, "in", name), text);
    }
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test.for([
    { format: "v7", extra: [] },
    { format: "ustar", extra: [deep] },
    { format: "gnu", extra: [deep, veryDeep] },
    { format: "posix", extra: [deep, veryDeep] },
  ])("GNU tar, $format", async ({ format, extra }) => {
    const names = [...Object.keys(files), ...extra];
    const archive = join(folder, `${format}.tar`);
    execFileSync("tar", [`--format=${format}`, "-cf", archive, "-C", join(folder, "in"), ...names]);
    const contents = await contentsOf(readFileSync(archive));
    expect(Object.keys(contents)).toEqual(names);
    expect(contents).toMatchObject(files);
    if (extra.includes(deep)) expect(contents[deep]).toBe("deep");
    if (extra.includes(veryDeep)) expect(contents[veryDeep]).toBe("very deep");
  });

  test("GNU tar of a whole folder, with ./ and directories", async () => {
    const archive = join(folder, "whole.tar");
    execFileSync("tar", ["-cf", archive, "-C", join(folder, "in"), "."]);
    expect(await contentsOf(readFileSync(archive))).toEqual({ ...files, [deep]: "deep", [veryDeep]: "very deep" });
  });

  test("the tar package of npm, with PAX headers for long names", async () => {
    const archive = join(folder, "npm.tar");
    await create({ file: archive, cwd: join(folder, "in") }, [...Object.keys(files), veryDeep]);
    expect(await contentsOf(readFileSync(archive))).toEqual({ ...files, [veryDeep]: "very deep" });
  });

  test("GNU tar's base-256 sizes, hopped over without reading the data", async () => {
    const archive = join(folder, "big.tar");
    const size = 9 * 1024 ** 3;
    execFileSync("truncate", ["-s", String(size), join(folder, "big")]);
    execFileSync("sh", ["-c", `tar --format=gnu -cf - -C "$1" big | head -c 512 > "$2"`, "sh", folder, archive]);
    rmSync(join(folder, "big"));
    const header = readFileSync(archive);
    const reads: number[] = [];
    const entries = await readTarEntries({
      name: "big.tar",
      size: 512 + size + 1024,
      read(offset, length) {
        reads.push(length);
        const bytes = new Uint8Array(length);
        if (offset === 0) bytes.set(header);
        return bytes;
      },
    });
    expect(entries).toEqual([{ name: "big", offset: 512, size }]);
    expect(reads.reduce((sum, length) => sum + length)).toBeLessThan(64 * 1024);
  });
});

function file(name: string, data = "data", size: number = data.length): Uint8Array {
  const bytes = Buffer.from(data);
  return Buffer.concat([encodeTarHeader(name, size), bytes, new Uint8Array(tarPadding(bytes.byteLength))]);
}

function typed(type: string, entry: Uint8Array): Uint8Array {
  return edited(entry, 156, type);
}

/** Overwrites part of the first header and makes its checksum right again. */
function edited(entry: Uint8Array, at: number, text: string | Uint8Array): Uint8Array {
  const copy = Buffer.from(entry);
  copy.set(typeof text === "string" ? Buffer.from(text, "latin1") : text, at);
  copy.write("        ", 148, "latin1");
  const sum = copy.subarray(0, 512).reduce((total, byte) => total + byte, 0);
  copy.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return copy;
}

function pax(records: Readonly<Record<string, string>>, type = "x"): Uint8Array {
  const body = Object.entries(records).map(([key, value]) => {
    const rest = Buffer.byteLength(` ${key}=${value}\n`);
    let length = rest + String(rest).length;
    length = rest + String(length).length;
    return `${length} ${key}=${value}\n`;
  });
  return typed(type, file("pax", body.join("")));
}

const trailer = new Uint8Array(1024);
const whole = (...parts: readonly Uint8Array[]) => Buffer.concat([...parts, trailer]);
const blob = `blobs/sha256/${"a".repeat(64)}`;

test("what harmless oddities are taken for", async () => {
  const archive = whole(
    pax({ comment: "made by hand" }, "g"),
    pax({ path: "renamed", size: "3" }),
    file("short", "abc", 0),
    typed("5", file("folder/", "")),
    file("folder2/", ""),
    file("././dotted", "dotted"),
    typed("7", file("contiguous", "c")),
    file(blob, "same"),
    file(blob, "same"),
    Buffer.concat([trailer, Buffer.from("whatever follows")]),
  );
  const entries = await readTarEntries(sourceOf(archive));
  expect(entries.map(({ name, size }) => [name, size])).toEqual([
    ["renamed", 3],
    ["dotted", 6],
    ["contiguous", 1],
    [blob, 4],
    [blob, 4],
  ]);
});

const header = (name: string) => file(name, "");
const bad: readonly { readonly name: string; readonly bytes: Uint8Array; readonly reason: RegExp }[] = [
  { name: "nothing", bytes: new Uint8Array(), reason: /empty/ },
  { name: "only a trailer", bytes: trailer, reason: /no files/ },
  { name: "only a directory", bytes: whole(typed("5", header("folder/"))), reason: /no files/ },
  { name: "less than a block", bytes: new Uint8Array(100).fill(65), reason: /cut short/ },
  { name: "a cut header", bytes: file("a").subarray(0, 300), reason: /cut short/ },
  { name: "cut data", bytes: file("a").subarray(0, 514), reason: /cut short/ },
  { name: "cut padding", bytes: file("a").subarray(0, 1000), reason: /cut short/ },
  { name: "no trailer", bytes: file("a"), reason: /cut short/ },
  { name: "half a trailer", bytes: Buffer.concat([file("a"), new Uint8Array(512)]), reason: /cut short/ },
  {
    name: "a lone zero block",
    bytes: whole(file("a"), new Uint8Array(512), file("b")),
    reason: /lone zero block/,
  },
  {
    name: "a wrong checksum",
    bytes: whole(Buffer.concat([Buffer.from("b"), file("a").subarray(1)])),
    reason: /checksum/,
  },
  { name: "a bad octal size", bytes: whole(edited(file("a"), 124, "0000000009\0")), reason: /octal/ },
  { name: "an empty size", bytes: whole(edited(file("a"), 124, "\0".repeat(12))), reason: /octal/ },
  { name: "a negative size", bytes: whole(edited(file("a"), 124, new Uint8Array(12).fill(255))), reason: /negative/ },
  {
    name: "a size beyond counting",
    bytes: whole(
      edited(file("a"), 124, Uint8Array.of(0x80, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)),
    ),
    reason: /too large/,
  },
  { name: "a size past the end", bytes: whole(file("a", "data", 10_000)), reason: /cut short/ },
  { name: "no name", bytes: whole(edited(file("a"), 0, "\0")), reason: /no name/ },
  { name: "the name ./", bytes: whole(pax({ path: "." }), file("a")), reason: /no name/ },
  { name: "an absolute name", bytes: whole(file("/etc/passwd")), reason: /absolute/ },
  { name: "an absolute name behind ./", bytes: whole(pax({ path: "/a" }), file("a")), reason: /absolute/ },
  { name: "a drive", bytes: whole(file("c:file")), reason: /absolute/ },
  { name: "a backslash", bytes: whole(file("a\\b")), reason: /backslash/ },
  { name: "a name that leads out", bytes: whole(file("a/../../b")), reason: /leads out/ },
  { name: "a directory that leads out", bytes: whole(typed("5", header("../a/")), file("b")), reason: /leads out/ },
  { name: "the directory above", bytes: whole(typed("5", header("../../")), file("b")), reason: /leads out/ },
  { name: "the root as a directory", bytes: whole(typed("5", header("/")), file("b")), reason: /no name/ },
  { name: "a zero byte in a PAX name", bytes: whole(pax({ path: "a\0b" }), file("a")), reason: /control/ },
  { name: "an escape sequence", bytes: whole(file("a\u001b[2J")), reason: /control/ },
  { name: "a doubled slash", bytes: whole(file("a//b")), reason: /shortest/ },
  { name: "a dot inside", bytes: whole(file("a/./b")), reason: /shortest/ },
  { name: "a file with a slash at its end", bytes: whole(file("a/", "data")), reason: /data/ },
  { name: "a name that is no UTF-8", bytes: whole(edited(file("a"), 0, "\xff")), reason: /UTF-8/ },
  { name: "a PAX name over 4096 bytes", bytes: whole(pax({ path: "a".repeat(5000) }), file("a")), reason: /4096/ },
  { name: "a GNU name over 4096 bytes", bytes: whole(file("a".repeat(5000))), reason: /too large/ },
  {
    name: "a GNU name without an end",
    bytes: whole(typed("L", file("long", "name")), file("a")),
    reason: /zero byte/,
  },
  {
    name: "a PAX header over 1 MiB",
    bytes: whole(pax({ comment: "a".repeat(1024 ** 2) }), file("a")),
    reason: /too large/,
  },
  {
    name: "a PAX record with a wrong length",
    bytes: whole(typed("x", file("p", "99 path=b\n")), file("a")),
    reason: /malformed/,
  },
  {
    name: "a PAX record without a length",
    bytes: whole(typed("x", file("p", "path=b\n")), file("a")),
    reason: /malformed/,
  },
  { name: "a PAX size that is no number", bytes: whole(pax({ size: "-1" }), file("a")), reason: /PAX size/ },
  { name: "a global path", bytes: whole(pax({ path: "b" }, "g"), file("a")), reason: /global/ },
  { name: "a global size", bytes: whole(pax({ size: "0" }, "g"), file("a")), reason: /global/ },
  {
    name: "two extended headers",
    bytes: whole(pax({ path: "b" }), pax({ path: "c" }), file("a")),
    reason: /two extended/,
  },
  { name: "an extended header at the end", bytes: whole(file("a"), pax({ path: "b" })), reason: /ends after/ },
  { name: "a sparse file in PAX", bytes: whole(pax({ "GNU.sparse.major": "1" }), file("a")), reason: /sparse/ },
  { name: "a sparse file", bytes: whole(typed("S", file("a"))), reason: /type "S"/ },
  { name: "a hard link", bytes: whole(typed("1", header("a"))), reason: /type "1"/ },
  { name: "a symbolic link", bytes: whole(typed("2", header("a"))), reason: /type "2"/ },
  { name: "a device", bytes: whole(typed("3", header("a"))), reason: /type "3"/ },
  { name: "a pipe", bytes: whole(typed("6", header("a"))), reason: /type "6"/ },
  { name: "a file twice", bytes: whole(file("a"), file("a")), reason: /twice/ },
  { name: "a file twice under two spellings", bytes: whole(file("a"), file("./a")), reason: /twice/ },
  { name: "a blob twice with two sizes", bytes: whole(file(blob, "one"), file(blob, "other")), reason: /twice/ },
];

test.for(bad)("refuses $name", async ({ bytes, reason }) => {
  const error = await readTarEntries(sourceOf(bytes)).catch((thrown: unknown) => thrown);
  expect(isMirrorError(error, "ARCHIVE_INVALID") && error.details).toMatchObject({
    archive: "test.tar",
    reason: expect.stringMatching(reason),
  });
});

test("names the entry it refuses", async () => {
  const error = await readTarEntries(sourceOf(whole(file("good"), file("a\\b")))).catch((thrown: unknown) => thrown);
  expect(isMirrorError(error, "ARCHIVE_INVALID") && error.details.entry).toBe("a\\b");
});

test("stops when it is told to", async () => {
  const signal = AbortSignal.abort(new Error("enough"));
  await expect(readTarEntries(sourceOf(whole(file("a"))), { signal })).rejects.toThrow("enough");
});

test("any damage gives either entries inside the archive or ARCHIVE_INVALID", async () => {
  const good = whole(file("index.json"), pax({ path: "b", size: "4" }), file("x"), file("n".repeat(150)), file(blob));
  const mutation = fc.record({ at: fc.nat(good.byteLength - 1), byte: fc.integer({ min: 0, max: 255 }) });
  const seen = { entries: 0, refused: 0 };
  await fc.assert(
    fc.asyncProperty(
      fc.array(mutation, { maxLength: 4 }),
      fc.nat(good.byteLength),
      fc.boolean(),
      async (edits, end, cut) => {
        const bytes = Buffer.from(good);
        for (const { at, byte } of edits) bytes[at] = byte;
        const source = sourceOf(cut ? bytes.subarray(0, end) : bytes);
        try {
          for (const { name, offset, size } of await readTarEntries(source)) {
            seen.entries += 1;
            expect(offset + size).toBeLessThanOrEqual(source.size - 1024);
            expect(name).not.toMatch(/^\/|(?:^|\/)\.\.(?:\/|$)|\\/);
          }
        } catch (error) {
          if (!isMirrorError(error, "ARCHIVE_INVALID")) throw error;
          seen.refused += 1;
        }
      },
    ),
    { numRuns: 1000 },
  );
  expect(seen.entries).toBeGreaterThan(0);
  expect(seen.refused).toBeGreaterThan(0);
});
