import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import type { ByteString } from "../../layer-archive/byte-string.ts";
import { RootfsError } from "../errors.ts";
import { atFile } from "../file-error.ts";
import type { DirectoryInode } from "../tree/inode.ts";
import { standInTarget } from "./debugfs-words.ts";
import { directoryBlocks } from "./directory-blocks.ts";
import { blockBytes } from "./ext4-geometry.ts";
import { InodeFile } from "./inode-file.ts";
import { type PlannedDirectory, plannedDirectories } from "./planned-directories.ts";
import { readSuperblock, type Superblock } from "./superblock.ts";

/** So many directories are written before anything else gets its turn. */
const turn = 256;

/**
 * Writes the names of an image whose inodes are there into the blocks that its directories have, and link targets that no
 * command can have.
 * @param root - Has a `lost+found`.
 * @throws RootfsError `TOOL_FAILED` (something is not where it was made), `FILE_FAILED`, `NO_SPACE`
 */
export async function writeNames(image: string, root: DirectoryInode, signal: AbortSignal | undefined): Promise<void> {
  const superblock = await readSuperblock(image);
  const fd = atFile(image, () => openSync(image, "r+"));
  try {
    let count = 0;
    for (const directory of plannedDirectories(root)) {
      if (count++ % turn === 0) await setImmediate();
      signal?.throwIfAborted();
      atFile(image, () => writeDirectory(fd, superblock, directory));
    }
  } finally {
    closeSync(fd);
  }
}

function writeDirectory(fd: number, superblock: Superblock, directory: PlannedDirectory): void {
  const file = InodeFile.read(fd, superblock, directory.number);
  const positions = file.blocks(fd);
  const blocks = directoryBlocks(directory, file.checksumSeed);
  if (positions.length !== blocks.length)
    throw misplaced(directory.number, `has ${positions.length} blocks and needs ${blocks.length}`);
  positions.forEach((position, index) => {
    writeSync(fd, blocks[index] as Buffer, 0, blockBytes, position);
  });
  for (const { inode, number, isFirst } of directory.names) {
    if (inode.type !== "symlink" || !isFirst) continue;
    const made = standInTarget(inode.target);
    if (made !== inode.target) retarget(fd, InodeFile.read(fd, superblock, number), number, made, inode.target);
  }
}

/** Replaces a link's target by one of the same length. */
function retarget(fd: number, file: InodeFile, number: number, from: ByteString, to: ByteString): void {
  const made = Buffer.from(from, "latin1");
  const wanted = Buffer.from(to, "latin1");
  if (file.target(made.byteLength).equals(made)) {
    file.target(made.byteLength).set(wanted);
    file.write(fd);
    return;
  }
  const [position] = file.hasExtents ? file.blocks(fd) : [];
  const there = Buffer.alloc(made.byteLength);
  if (position !== undefined) readSync(fd, there, 0, there.byteLength, position);
  if (position === undefined || !there.equals(made)) throw misplaced(number, "has not the target it was made with");
  writeSync(fd, wanted, 0, wanted.byteLength, position);
}

function misplaced(number: number, what: string): RootfsError {
  const output = `inode ${number} ${what}`;
  const details = { tool: "debugfs", step: "fill the image", output };
  return new RootfsError("TOOL_FAILED", `cannot fill the image: ${output}`, details);
}
