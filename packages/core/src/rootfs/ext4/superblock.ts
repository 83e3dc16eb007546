import { open } from "node:fs/promises";
import { fileError } from "../file-error.ts";

/** What is wanted of an ext4 superblock. */
export interface Superblock {
  readonly blocks: number;
  readonly freeBlocks: number;
  readonly freeInodes: number;
  readonly inodesPerGroup: number;
  readonly descriptorBytes: number;
  readonly uuid: Uint8Array;
  readonly hasJournal: boolean;
}

/**
 * Reads the superblock of an image.
 * @throws RootfsError `FILE_FAILED`
 * @see Linux kernel documentation, "ext4 Data Structures and Algorithms", "Super Block"
 */
export async function readSuperblock(path: string): Promise<Superblock> {
  try {
    await using file = await open(path, "r");
    const bytes = Buffer.alloc(1024);
    await file.read(bytes, 0, bytes.byteLength, 1024);
    if (bytes.readUInt16LE(0x38) !== 0xef53) throw Object.assign(new Error("no ext4 superblock"), { code: "EINVAL" });
    const wide = (low: number, high: number) => bytes.readUInt32LE(low) + bytes.readUInt32LE(high) * 2 ** 32;
    return {
      blocks: wide(0x4, 0x150),
      freeBlocks: wide(0xc, 0x158),
      freeInodes: bytes.readUInt32LE(0x10),
      inodesPerGroup: bytes.readUInt32LE(0x28),
      descriptorBytes: bytes.readUInt16LE(0xfe),
      uuid: Uint8Array.from(bytes.subarray(0x68, 0x78)),
      hasJournal: (bytes.readUInt32LE(0x5c) & 4) !== 0,
    };
  } catch (error) {
    throw fileError(error, path);
  }
}
