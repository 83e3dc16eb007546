import type { ByteString } from "../../layer-archive/byte-string.ts";
import type { Inode } from "../tree/inode.ts";
import { crc32c } from "./crc32c.ts";
import { blockBytes, lostAndFoundInode } from "./ext4-geometry.ts";
import type { PlannedDirectory } from "./planned-directories.ts";

/** A block ends in its checksum, which looks like an entry without a name. */
const tailBytes = 12;
const room = blockBytes - tailBytes;

/** `lost+found` has them from the start, so that a check that saves files needs none. */
export const lostAndFoundBlocks = 4;

const fileTypes: Readonly<Record<Inode["type"], number>> = {
  file: 1,
  directory: 2,
  character: 3,
  block: 4,
  fifo: 5,
  symlink: 7,
};

/** How many blocks these names take, beside "." and "..". An entry never lies in two of them. */
export function countDirectoryBlocks(names: Iterable<ByteString>): number {
  let blocks = 1;
  let used = entryBytes(".") + entryBytes("..");
  for (const name of names) {
    const bytes = entryBytes(name);
    if (used + bytes > room) {
      blocks++;
      used = 0;
    }
    used += bytes;
  }
  return blocks;
}

/** How many blocks a directory has in an image before it has an index. */
export function blocksOfDirectory({ number, names }: PlannedDirectory): number {
  const needed = countDirectoryBlocks(names.map(({ name }) => name));
  return number === lostAndFoundInode ? Math.max(lostAndFoundBlocks, needed) : needed;
}

/**
 * The blocks of a directory, its names one after the other.
 * @param checksumSeed - Of its inode.
 * @see Linux kernel documentation, "ext4 Data Structures and Algorithms", "Linear (Classic) Directories"
 */
export function directoryBlocks(directory: PlannedDirectory, checksumSeed: number): readonly Buffer[] {
  const { number, parent, names } = directory;
  const blocks = Array.from({ length: blocksOfDirectory(directory) }, () => Buffer.alloc(blockBytes));
  let index = 0;
  let used = 0;
  let last: number | undefined; // where the last entry of the block is
  const put = (name: ByteString, inode: number, type: Inode["type"]) => {
    const bytes = entryBytes(name);
    if (used + bytes > room) {
      index++;
      used = 0;
      last = undefined;
    }
    const block = blocks[index] as Buffer;
    // the last entry takes what is left, until another one follows it
    if (last !== undefined) block.writeUInt16LE(used - last, last + 4);
    block.writeUInt32LE(inode, used);
    block.writeUInt16LE(room - used, used + 4);
    block.writeUInt8(name.length, used + 6);
    block.writeUInt8(fileTypes[type], used + 7);
    block.write(name, used + 8, "latin1");
    last = used;
    used += bytes;
  };
  put(".", number, "directory");
  put("..", parent, "directory");
  for (const {
    name,
    number: inode,
    inode: { type },
  } of names)
    put(name, inode, type);
  blocks.forEach((block, position) => {
    if (position > index) block.writeUInt16LE(room, 4); // one entry that is none
    block.writeUInt16LE(tailBytes, room + 4);
    block.writeUInt8(0xde, room + 7);
    block.writeUInt32LE(crc32c(checksumSeed, block.subarray(0, room)), room + 8);
  });
  return blocks;
}

function entryBytes(name: ByteString): number {
  return 8 + Math.ceil(name.length / 4) * 4;
}
