import { closeSync, openSync, readSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { tempFolder } from "../../../../../tests/support/temp-folder.ts";
import { lacking } from "../../../../../tests/support/tools.ts";
import { ext4Environment, ext4Settings, imageLink } from "./ext4-environment.ts";
import { formatImage } from "./format-image.ts";
import { readSuperblock } from "./superblock.ts";

const mebibyte = 1024 ** 2;

/** The superblock, byte by byte. */
function superblockOf(image: string): Buffer {
  const bytes = Buffer.alloc(1024);
  const descriptor = openSync(image, "r");
  readSync(descriptor, bytes, 0, bytes.byteLength, 1024);
  closeSync(descriptor);
  return bytes;
}

test.skipIf(lacking("mke2fs").length > 0).for([
  { name: "next to nothing", blocks: 1, inodes: 1, maxBytes: 2 * mebibyte },
  { name: "70,000 empty files", blocks: 600, inodes: 70_000, maxBytes: 24 * mebibyte },
  { name: "100,000 directories", blocks: 101_000, inodes: 100_000, maxBytes: 424 * mebibyte },
  { name: "100,000 files of a block", blocks: 104_000, inodes: 100_000, maxBytes: 436 * mebibyte },
])("a file system is formatted for exactly what it will hold: $name", async ({ blocks, inodes, maxBytes }) => {
  const folder = tempFolder();
  const image = join(folder, imageLink);
  writeFileSync(image, "");
  writeFileSync(join(folder, ext4Settings.name), ext4Settings.text);
  const ids = { uuid: "00000000-0000-4000-8000-000000000001", hashSeed: "00000000-0000-4000-8000-000000000002" };
  const options = { ids, label: undefined, hasJournal: false, sizeBytes: undefined, signal: undefined };
  const size = await formatImage(
    image,
    { blocks, inodes, hasLargeDirectories: false },
    { ...options, folder, environment: ext4Environment(folder, process.env) },
  );
  const { freeBlocks, freeInodes, hasJournal } = await readSuperblock(image);
  expect(statSync(image).size).toBe(size);
  expect(size).toBeLessThanOrEqual(maxBytes);
  expect(freeBlocks).toBeGreaterThanOrEqual(blocks);
  expect(freeInodes).toBeGreaterThanOrEqual(inodes);
  expect(hasJournal).toBe(false);
  const superblock = superblockOf(image);
  const [reservedBlocks, logBlockSize, inodeSize] = [0x8, 0x18, 0x58].map((at) => superblock.readUInt32LE(at));
  expect([reservedBlocks, logBlockSize, (inodeSize ?? 0) & 0xffff]).toEqual([0, 2, 256]); // 1024 << 2 is 4 KiB
});
