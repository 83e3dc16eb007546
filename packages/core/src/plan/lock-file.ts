import { type Digest, sharedText } from "@tranship/registry";
import * as z from "zod";
import { archiveFileNames } from "../bundle/archive/archive-names.ts";
import { type DownloadList, downloadListSchema, parsePlan } from "./download-list.ts";
import { jsonText } from "./json-text.ts";
import { archiveNameSchema } from "./names.ts";
import { digestSchema, sizeSchema } from "./section.ts";

/** The file that commits a bundle: written last, it says what the bundle is. */
export const lockFileName = "tranship.lock.json";

/** The least size of a chunk, in bytes: one block of a tar file. */
export const minChunkBytes = 512;

/** A file inside an archive; `size` in bytes. */
export interface LockedEntry {
  /** Its name in the archive, such as `packages/console/index.json`. */
  readonly name: string;
  readonly size: number;
  readonly digest: Digest;
}

/** A file of the bundle's folder with a part of an archive; `bytes` is its size. */
export interface LockedChunk {
  /** Such as `package-console.tar.0000.chunk`. */
  readonly file: string;
  readonly bytes: number;
}

/** A finished archive of a bundle; `bytes` is its size, of all chunks together. */
export interface LockedArchive {
  readonly archive: string;
  readonly bytes: number;
  /** The size every chunk but the last has, in bytes. Without it, the archive is one file. */
  readonly chunkBytes?: number | undefined;
  /** The chunks in order; there with `chunkBytes`. */
  readonly chunks?: readonly LockedChunk[] | undefined;
  /** Every file of the archive, in its order: offsets follow from the names and sizes. */
  readonly entries: readonly LockedEntry[];
}

/** What a finished bundle holds: its plan, and the archives made of it. */
export interface LockFile extends DownloadList {
  readonly files: readonly LockedArchive[];
}

const lockedArchiveSchema: z.ZodType<LockedArchive> = z
  .object({
    archive: archiveNameSchema,
    bytes: sizeSchema,
    chunkBytes: sizeSchema.refine((size) => size >= minChunkBytes, "too small for a chunk").optional(),
    chunks: z.array(z.object({ file: z.string(), bytes: sizeSchema })).optional(),
    entries: z.array(
      z.object({ name: z.string().min(1).overwrite(sharedText), size: sizeSchema, digest: digestSchema }),
    ),
  })
  .refine(hasTheChunksItSays, "its chunks are not those of an archive of that size");

/** Schema of {@link LockFile}. */
export const lockFileSchema: z.ZodType<LockFile> = z.intersection(
  downloadListSchema,
  z.object({ files: z.array(lockedArchiveSchema) }),
);

/** The chunks of an archive of `bytes` bytes: all of `chunkBytes` but the last, none empty. */
export function lockedChunks(archive: string, bytes: number, chunkBytes: number): readonly LockedChunk[] {
  return archiveFileNames(archive, bytes, chunkBytes).map((file, index) => ({
    file,
    bytes: Math.min(chunkBytes, bytes - index * chunkBytes),
  }));
}

/** The text of a lock file in pieces; equal bundles have equal ones. */
export function lockFileText({ version, archives, missing, failed, files }: LockFile): Generator<string> {
  const ordered = files.map(({ archive, bytes, chunkBytes, chunks, entries }) => {
    const listed = entries.map(({ name, size, digest }) => ({ name, size, digest }));
    return { archive, bytes, chunkBytes, chunks, entries: listed };
  });
  return jsonText({ version, files: ordered, missing, failed, archives });
}

/** The text of a lock file; equal bundles have equal ones. */
export function formatLockFile(lock: LockFile): string {
  return [...lockFileText(lock)].join("");
}

/**
 * Reads a lock file. `file` names it in errors. A text that is long is best given as a function: then it is not kept in
 * memory beside what it says.
 * @throws MirrorError `PLAN_INVALID`
 */
export function parseLockFile(text: string | (() => string), file: string): LockFile {
  return parsePlan(lockFileSchema, text, file);
}

function hasTheChunksItSays({ archive, bytes, chunkBytes, chunks }: LockedArchive): boolean {
  if (chunkBytes === undefined || chunks === undefined) return chunkBytes === chunks;
  if (chunks.length !== Math.max(1, Math.ceil(bytes / chunkBytes))) return false; // before as many names are made
  const expected = lockedChunks(archive, bytes, chunkBytes);
  return expected.every(({ file, bytes: size }, index) => chunks[index]?.file === file && chunks[index].bytes === size);
}
