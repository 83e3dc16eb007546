import { expect, test } from "vitest";
import { tarEnd } from "../../../../../../tests/support/tar-blocks.ts";
import type { LayerEntry } from "../../../layer-archive/layer-entry.ts";
import { LayerParser } from "../../../layer-archive/layer-parser.ts";
import type { Inode } from "../../tree/inode.ts";
import { encodeEntry } from "./encode-entry.ts";

const pipe: Inode = {
  type: "fifo",
  mode: 0o600,
  uid: 0,
  gid: 0,
  mtime: { seconds: 1, nanoseconds: 0 },
  atime: undefined,
  xattrs: undefined,
};

function read(...parts: readonly Uint8Array[]): LayerEntry | undefined {
  const entries: LayerEntry[] = [];
  const parser = new LayerParser((entry) => entries.push(entry));
  parser.push(Buffer.concat([...parts, tarEnd]));
  parser.end();
  expect(entries).toHaveLength(1);
  return entries[0];
}

test("names are read as they were written, around every length at which they go elsewhere", () => {
  for (const above of [1, 2, 98, 99, 100, 101, 153, 154, 155, 156, 157, 255]) {
    for (const length of [1, 2, 98, 99, 100, 101, 255]) {
      const name = `${"d".repeat(above)}/${"n".repeat(length)}`;
      expect(read(encodeEntry(pipe, { name }))?.name).toBe(name);
      const directory: Inode = { ...pipe, type: "directory", entries: new Map() };
      expect(read(encodeEntry(directory, { name: `${name}/` }))?.name).toBe(`${name}/`);
    }
  }
});

test("link targets are read as they were written, around the length at which they go elsewhere", () => {
  for (const length of [1, 99, 100, 101, 4095]) {
    const target = "t".repeat(length);
    expect(read(encodeEntry({ ...pipe, type: "symlink", target }, { name: "l" }))?.linkName).toBe(target);
    expect(read(encodeEntry(pipe, { name: "l", linkTo: target }))).toMatchObject({
      type: "hardlink",
      linkName: target,
    });
  }
});

test("owners are read as they were written, around the number at which they go elsewhere", () => {
  for (const uid of [0, 8 ** 7 - 1, 8 ** 7, 2 ** 32 - 2]) {
    expect(read(encodeEntry({ ...pipe, uid, gid: uid }, { name: "f" }))).toMatchObject({ uid, gid: uid });
  }
});
