import { readSync, writeSync } from "node:fs";
import { crc32c } from "./crc32c.ts";
import { blockBytes, inodeBytes } from "./ext4-geometry.ts";
import type { Superblock } from "./superblock.ts";

/** Where fields of an inode are, in bytes. */
const at = { flags: 0x20, block: 0x28, generation: 0x64, checksumLow: 0x7c, checksumHigh: 0x82 };

const extentsFlag = 0x80000;

/** Bytes for extents, or for a short link's target. */
const blockFieldBytes = 60;

/**
 * An inode as it lies in an image of ours.
 * @see Linux kernel documentation, "ext4 Data Structures and Algorithms", "Index Nodes", "Checksums"
 */
export class InodeFile {
  readonly #bytes: Buffer;
  readonly #position: number;
  /** What checksums of its blocks begin with. */
  readonly checksumSeed: number;

  private constructor(bytes: Buffer, position: number, checksumSeed: number) {
    this.#bytes = bytes;
    this.#position = position;
    this.checksumSeed = checksumSeed;
  }

  /** Reads the inode of a number, in a file that is open. */
  static read(fd: number, superblock: Superblock, number: number): InodeFile {
    const { inodesPerGroup, descriptorBytes, uuid } = superblock;
    const group = Math.floor((number - 1) / inodesPerGroup);
    const descriptor = Buffer.alloc(descriptorBytes);
    readSync(fd, descriptor, 0, descriptorBytes, blockBytes + group * descriptorBytes);
    const table = descriptor.readUInt32LE(0x8) + descriptor.readUInt32LE(0x28) * 2 ** 32;
    const position = table * blockBytes + ((number - 1) % inodesPerGroup) * inodeBytes;
    const bytes = Buffer.alloc(inodeBytes);
    readSync(fd, bytes, 0, inodeBytes, position);
    const own = Buffer.alloc(8);
    own.writeUInt32LE(number);
    bytes.copy(own, 4, at.generation, at.generation + 4);
    return new InodeFile(bytes, position, crc32c(crc32c(0xffff_ffff, uuid), own));
  }

  get hasExtents(): boolean {
    return (this.#bytes.readUInt32LE(at.flags) & extentsFlag) !== 0;
  }

  /** The bytes a link's target has if it is short, to be read and written. */
  target(length: number): Buffer {
    const bytes = this.hasExtents ? 0 : Math.min(length, blockFieldBytes);
    return this.#bytes.subarray(at.block, at.block + bytes);
  }

  /** Where its blocks are in the image, in bytes. */
  blocks(fd: number): readonly number[] {
    return blocksOf(fd, this.#bytes.subarray(at.block, at.block + blockFieldBytes));
  }

  /** Writes it back, with its checksum. */
  write(fd: number): void {
    this.#bytes.writeUInt16LE(0, at.checksumLow);
    this.#bytes.writeUInt16LE(0, at.checksumHigh);
    const checksum = crc32c(this.checksumSeed, this.#bytes);
    this.#bytes.writeUInt16LE(checksum & 0xffff, at.checksumLow);
    this.#bytes.writeUInt16LE(checksum >>> 16, at.checksumHigh);
    writeSync(fd, this.#bytes, 0, inodeBytes, this.#position);
  }
}

/** @see Linux kernel documentation, "ext4 Data Structures and Algorithms", "Extent Tree" */
function blocksOf(fd: number, node: Buffer): readonly number[] {
  if (node.readUInt16LE(0) !== 0xf30a) return [];
  const count = node.readUInt16LE(2);
  const depth = node.readUInt16LE(6);
  const found: number[] = [];
  for (let entry = 12; entry < 12 + count * 12; entry += 12) {
    if (depth === 0) {
      const start = node.readUInt16LE(entry + 6) * 2 ** 32 + node.readUInt32LE(entry + 8);
      const length = node.readUInt16LE(entry + 4);
      for (let block = 0; block < length; block++) found.push((start + block) * blockBytes);
      continue;
    }
    const child = Buffer.alloc(blockBytes);
    const position = node.readUInt16LE(entry + 8) * 2 ** 32 + node.readUInt32LE(entry + 4);
    readSync(fd, child, 0, blockBytes, position * blockBytes);
    found.push(...blocksOf(fd, child));
  }
  return found;
}
