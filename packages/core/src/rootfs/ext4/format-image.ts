import { truncate } from "node:fs/promises";
import { RootfsError } from "../errors.ts";
import { fileError } from "../file-error.ts";
import { imageLink } from "./ext4-environment.ts";
import { alignedBytes, alignmentBytes, blockBytes, inodeBytes } from "./ext4-geometry.ts";
import { type Ext4Needs, inodeCount } from "./ext4-needs.ts";
import type { ToolEnvironment } from "./find-tool.ts";
import type { ImageIds } from "./image-uuid.ts";
import { runTool } from "./run-tool.ts";
import { readSuperblock, type Superblock } from "./superblock.ts";

/** How an image is formatted. */
export interface FormatOptions {
  /** A private folder that the programs run in; the image is, or is linked, in it as {@link imageLink}. */
  readonly folder: string;
  readonly ids: ImageIds;
  readonly label: string | undefined;
  readonly hasJournal: boolean;
  /** @defaultValue as small as holds what is needed */
  readonly sizeBytes: number | undefined;
  readonly environment: ToolEnvironment;
  readonly signal: AbortSignal | undefined;
}

/** Every feature is named: what a program would choose by itself differs from one version to the next. */
const features = [
  "none,ext_attr,dir_index,filetype,extent,64bit,flex_bg,sparse_super,large_file,huge_file",
  "dir_nlink,extra_isize,metadata_csum",
].join(",");

/** A file system that is written to: one inode for so many bytes of spare room, which is what `mke2fs` goes by as well. */
const spareBytesPerInode = 16_384;

/** A file system below this is given no journal. */
const leastWithJournal = 16 * 1024 ** 2;

/**
 * Makes an empty ext4 file system in a file, and gives its size in bytes. What the file system takes for itself is not
 * computed but read from what was formatted, and it grows until there is room.
 * @throws RootfsError `SIZE_TOO_SMALL`, `TOOL_MISSING`, `TOOL_FAILED`, `FILE_FAILED`, `NO_SPACE`
 */
export async function formatImage(path: string, needs: Ext4Needs, options: FormatOptions): Promise<number> {
  const inodes = inodeCount(needs);
  let size = alignedBytes((needs.blocks + 32) * blockBytes + inodes * inodeBytes);
  if (options.hasJournal) size = Math.max(size, leastWithJournal);
  for (;;) {
    const made = await format(path, size, inodes, options);
    const missing = missingBytes(made, needs);
    if (missing === 0) break;
    size += Math.max(alignmentBytes, alignedBytes(missing));
  }
  if (options.sizeBytes === undefined) return size;
  const wanted = alignedBytes(options.sizeBytes);
  if (wanted < size) throw tooSmall(options.sizeBytes, size);
  if (wanted === size) return size;
  const spare = Math.floor((wanted - size) / spareBytesPerInode);
  const made = await format(path, wanted, inodes + spare, options);
  if (missingBytes(made, needs) > 0) throw tooSmall(options.sizeBytes, wanted + alignmentBytes);
  return wanted;
}

function missingBytes(made: Superblock, needs: Ext4Needs): number {
  if (made.freeInodes < needs.inodes) return alignmentBytes; // a group at the end that was too small to be one
  return Math.max(0, needs.blocks - made.freeBlocks) * blockBytes;
}

async function format(path: string, size: number, inodes: number, options: FormatOptions): Promise<Superblock> {
  const { ids, label, hasJournal, environment, signal } = options;
  try {
    await truncate(path, 0); // so that nothing of an earlier try is left
    await truncate(path, size);
  } catch (error) {
    throw fileError(error, path);
  }
  const extended = [`hash_seed=${ids.hashSeed}`, "lazy_itable_init=0,lazy_journal_init=0,nodiscard,root_owner=0:0"];
  const args = [
    ...["-q", "-F", "-t", "ext4", "-T", "plain"],
    ...["-O", hasJournal ? `${features},has_journal` : features],
    ...["-b", String(blockBytes), "-I", String(inodeBytes), "-N", String(inodes), "-m", "0"],
    ...["-U", ids.uuid, "-E", extended.join(",")],
    ...(label === undefined ? [] : ["-L", label]),
    imageLink,
    String(size / blockBytes),
  ];
  await runTool("mke2fs", args, { step: "format the image", cwd: options.folder, environment, signal });
  const made = await readSuperblock(path);
  if (made.hasJournal === hasJournal) return made;
  throw new RootfsError("TOOL_UNFIT", `cannot format ${path}: mke2fs gave it no journal`, {
    tool: "mke2fs",
    reason: "it gives no journal",
  });
}

function tooSmall(sizeBytes: number, neededBytes: number): RootfsError {
  const message = `cannot fit the files into the image: they need ${neededBytes} bytes, and the image is to have ${sizeBytes}`;
  return new RootfsError("SIZE_TOO_SMALL", message, { sizeBytes, neededBytes });
}
