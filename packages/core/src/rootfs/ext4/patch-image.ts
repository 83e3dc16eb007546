import { type FileHandle, open } from "node:fs/promises";
import { RootfsError } from "../errors.ts";
import { fileError } from "../file-error.ts";
import type { ByteString, DirectoryInode } from "../tree/inode.ts";
import { crc32c } from "./crc32c.ts";
import { blockBytes } from "./ext4-geometry.ts";
import { InodeFile } from "./inode-file.ts";
import { plannedNames, standInTarget } from "./planned-names.ts";
import { readSuperblock } from "./superblock.ts";

/** A text in an image that is to become another one of the same length: a name in a directory, or a link's target. */
export interface ImagePatch {
  /** The directory's inode, or the link's. */
  readonly number: number;
  readonly kind: "name" | "target";
  readonly from: ByteString;
  readonly to: ByteString;
}

/** What in a tree `debugfs` had to be given another text for. */
export function* imagePatches(root: DirectoryInode): Generator<ImagePatch, void, undefined> {
  for (const { directory, name, standIn, inode, number, isFirst } of plannedNames(root)) {
    if (standIn !== name) yield { number: directory, kind: "name", from: standIn, to: name };
    if (inode.type !== "symlink" || !isFirst) continue;
    const target = standInTarget(inode.target);
    if (target !== inode.target) yield { number, kind: "target", from: target, to: inode.target };
  }
}

/**
 * Writes texts into an image that no command of `debugfs` can have, in place of those that stand in for them.
 * @throws RootfsError `TOOL_FAILED` (what is to be replaced is not there), `FILE_FAILED`, `NO_SPACE`
 */
export async function patchImage(path: string, patches: readonly ImagePatch[]): Promise<void> {
  if (patches.length === 0) return;
  const superblock = await readSuperblock(path);
  try {
    await using file = await open(path, "r+");
    for (const patch of patches) {
      const inode = await InodeFile.read(file, superblock, patch.number);
      const isDone = patch.kind === "name" ? await rename(file, inode, patch) : await retarget(file, inode, patch);
      if (!isDone) throw missing(patch);
    }
  } catch (error) {
    throw fileError(error, path);
  }
}

/** @see Linux kernel documentation, "ext4 Data Structures and Algorithms", "Linear (Classic) Directories" */
async function rename(file: FileHandle, inode: InodeFile, { from, to }: ImagePatch): Promise<boolean> {
  const wanted = Buffer.from(from, "latin1");
  for (const position of await inode.blocks(file)) {
    const block = Buffer.alloc(blockBytes);
    await file.read(block, 0, blockBytes, position);
    for (let at = 0; at < blockBytes - 12; ) {
      const entryBytes = block.readUInt16LE(at + 4);
      if (entryBytes < 8) return false;
      const length = block[at + 6] ?? 0;
      if (block.readUInt32LE(at) !== 0 && block.subarray(at + 8, at + 8 + length).equals(wanted)) {
        block.write(to, at + 8, "latin1");
        const end = blockBytes - 12; // where the block's checksum is, as an entry that is none
        block.writeUInt32LE(crc32c(inode.checksumSeed, block.subarray(0, end)), end + 8);
        await file.write(block, 0, blockBytes, position);
        return true;
      }
      at += entryBytes;
    }
  }
  return false;
}

async function retarget(file: FileHandle, inode: InodeFile, { from, to }: ImagePatch): Promise<boolean> {
  const bytes = Buffer.from(from, "latin1");
  if (inode.target(bytes.byteLength).equals(bytes)) {
    inode.target(bytes.byteLength).write(to, "latin1");
    await inode.write(file);
    return true;
  }
  const [position] = inode.hasExtents ? await inode.blocks(file) : [];
  if (position === undefined) return false;
  const block = Buffer.alloc(bytes.byteLength);
  await file.read(block, 0, block.byteLength, position);
  if (!block.equals(bytes)) return false;
  await file.write(Buffer.from(to, "latin1"), 0, bytes.byteLength, position);
  return true;
}

function missing({ number, kind }: ImagePatch): RootfsError {
  const output = `a ${kind} is not where it was written, in inode ${number}`;
  const details = { tool: "debugfs", step: "fill the image", output };
  return new RootfsError("TOOL_FAILED", `cannot fill the image: ${output}`, details);
}
