import * as z from "zod";
import { type DownloadList, downloadListSchema, parsePlan } from "./download-list.ts";
import { archiveNameSchema } from "./names.ts";

/** The file that commits a bundle: written last, it says what the bundle is. */
export const lockFileName = "tranship.lock.json";

/** A finished archive of a bundle; `bytes` is its size. */
export interface LockedArchive {
  readonly archive: string;
  readonly bytes: number;
}

/** What a finished bundle holds: its plan, and the archives made of it. */
export interface LockFile extends DownloadList {
  readonly files: readonly LockedArchive[];
}

const lockFileSchema: z.ZodType<LockFile> = z.intersection(
  downloadListSchema,
  z.object({ files: z.array(z.object({ archive: archiveNameSchema, bytes: z.number().int().nonnegative() })) }),
);

/** The text of a lock file; equal bundles have equal ones. */
export function formatLockFile({ version, archives, missing, files }: LockFile): string {
  return `${JSON.stringify({ version, files, missing, archives }, undefined, 2)}\n`;
}

/**
 * Reads a lock file. `file` names it in errors.
 * @throws MirrorError `PLAN_INVALID`
 */
export function parseLockFile(text: string, file: string): LockFile {
  return parsePlan(lockFileSchema, text, file);
}
