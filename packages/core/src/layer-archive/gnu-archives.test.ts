import { linkSync, mkdirSync, readFileSync, symlinkSync, truncateSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { gnuTar } from "../../../../tests/support/gnu-tar.ts";
import { tempFolder } from "../../../../tests/support/temp-folder.ts";
import type { LayerEntry } from "./layer-entry.ts";
import { LayerParser } from "./layer-parser.ts";

const long = `${"deep".repeat(50)}/${"long".repeat(30)}`;
const holes = 300_000;

/** What every format can hold, what only newer ones can, and a file with holes. */
function makeFolder(): string {
  const folder = tempFolder();
  const at = (name: string) => join(folder, name);
  mkdirSync(at("dir"), { mode: 0o750 });
  writeFileSync(at("dir/file"), "content", { mode: 0o640 });
  linkSync(at("dir/file"), at("dir/hard"));
  symlinkSync("../dir/file", at("dir/soft"));
  mkdirSync(join(folder, "long", long, ".."), { recursive: true });
  writeFileSync(join(folder, "long", long), "far away");
  symlinkSync(long, at("long/soft"));
  writeFileSync(at("sparse"), "start");
  truncateSync(at("sparse"), 150_000);
  writeFileSync(at("sparse"), "middle", { flag: "a" });
  truncateSync(at("sparse"), holes);
  writeFileSync(at("old"), "");
  utimesSync(at("old"), 0, new Date(-86_400_500));
  return folder;
}

function pack(
  folder: string,
  flags: readonly string[],
  names: readonly string[],
): { entries: LayerEntry[]; bytes: Buffer } {
  const path = join(folder, "archive.tar");
  gnuTar("--sort=name", "--owner=:3000000", "--group=:7", ...flags, "-cf", path, "-C", folder, "--", ...names);
  const bytes = readFileSync(path);
  const entries: LayerEntry[] = [];
  const parser = new LayerParser((entry) => entries.push(entry));
  parser.push(bytes);
  parser.end();
  return { entries, bytes };
}

test.for(["v7", "oldgnu", "gnu", "ustar", "pax"])("an archive of GNU tar in format %s", (format) => {
  const owner = format === "v7" || format === "ustar" ? ["--owner=:12"] : []; // there octal digits are all there is
  const uid = owner.length > 0 ? 12 : 3_000_000;
  const { entries, bytes } = pack(makeFolder(), [`--format=${format}`, ...owner], ["dir"]);
  const common = { uid, gid: 7 };
  expect(entries).toMatchObject([
    { name: "dir/", type: "directory", mode: 0o750, ...common },
    { name: "dir/file", type: "file", mode: 0o640, size: 7, ...common },
    { name: "dir/hard", type: "hardlink", linkName: "dir/file", size: 0 },
    { name: "dir/soft", type: "symlink", linkName: "../dir/file" },
  ]);
  const offset = entries[1]?.offset ?? 0;
  expect(bytes.toString("latin1", offset, offset + 7)).toBe("content");
});

test.for(["oldgnu", "gnu", "pax"])("long names, long targets and old times in format %s", (format) => {
  const { entries } = pack(makeFolder(), [`--format=${format}`], [`long/${long}`, "long/soft", "old"]);
  const nanoseconds = format === "pax" ? 500_000_000 : 0; // the others have whole seconds, rounded down
  expect(entries).toMatchObject([
    { name: `long/${long}`, size: 8 },
    { name: "long/soft", linkName: long },
    { name: "old", mtime: { seconds: -86_401, nanoseconds } },
  ]);
});

test.for([
  ["--format=oldgnu"],
  ["--format=gnu"],
  ["--format=pax", "--sparse-version=0.0"],
  ["--format=pax", "--sparse-version=0.1"],
  ["--format=pax", "--sparse-version=1.0"],
])("a file with holes with %s %s", (flags) => {
  const folder = makeFolder();
  const { entries, bytes } = pack(folder, [...flags, "--sparse", "--hole-detection=raw"], ["sparse", "old"]);
  expect(entries.map(({ name }) => name)).toEqual(["sparse", "old"]);
  const [{ size, extents = [] } = { size: 0 }] = entries;
  expect(size).toBe(holes);
  const file = Buffer.alloc(size);
  for (const { at, offset, length } of extents) bytes.copy(file, at, offset, offset + length);
  expect(file.equals(readFileSync(join(folder, "sparse")))).toBe(true);
  expect(bytes.byteLength).toBeLessThan(holes / 2);
});
