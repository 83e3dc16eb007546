import * as z from "zod";
import { MirrorError } from "../errors.ts";
import { type DownloadList, downloadListSchema } from "./download-list.ts";
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

const filesSchema = z.object({
  files: z.array(z.object({ archive: archiveNameSchema, bytes: z.number().int().nonnegative() })),
});

/** The text of a lock file; equal bundles have equal ones. */
export function formatLockFile({ version, archives, missing, files }: LockFile): string {
  return `${JSON.stringify({ version, files, missing, archives }, undefined, 2)}\n`;
}

/**
 * Reads a lock file. `file` names it in errors.
 * @throws MirrorError `PLAN_INVALID`
 */
export function parseLockFile(text: string, file: string): LockFile {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new MirrorError(
      "PLAN_INVALID",
      `cannot read ${file}: it is not JSON`,
      { file, reason: "not JSON" },
      { cause },
    );
  }
  const list = downloadListSchema.safeParse(json);
  const files = filesSchema.safeParse(json);
  if (list.success && files.success) return { ...list.data, files: files.data.files };
  const issue = (list.error ?? files.error)?.issues[0];
  const reason = issue ? `${issue.path.join(".")}: ${issue.message}` : "it has the wrong shape";
  throw new MirrorError("PLAN_INVALID", `cannot read ${file}: ${reason}`, { file, reason });
}
