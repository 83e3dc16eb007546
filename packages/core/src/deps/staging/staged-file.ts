import { constants } from "node:fs";
import { copyFile, lstat, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";
import { flushFolder } from "../../bundle/disk/sync-folder.ts";
import { takeName, temporaryFor } from "../../layout/atomic-file.ts";
import { DepsError, isDepsError } from "../errors.ts";
import { onDisk, onDiskIfAny } from "../file-error.ts";
import type { StagedFile } from "../jobs/item-job.ts";
import { flushFile } from "./partial-file.ts";

/** What {@link stagedFile} needs to know besides the path. */
export interface StagedFileParts {
  /** See {@link Staging.prepare}. */
  readonly prepare: (destination: string) => Promise<void>;
  /** Whether the bytes are on the device already. */
  readonly isFlushed: boolean;
  /** Moves or removes the file, once nobody else needs it where it is. */
  readonly leave: (away: () => Promise<void>) => Promise<void>;
}

/** A whole file at `path`, to be moved to where it belongs. */
export function stagedFile(path: string, { prepare, isFlushed, leave }: StagedFileParts): StagedFile {
  let isThere = true;
  let isKept = false;
  return {
    path,
    async moveTo(destination) {
      if (!isThere) throw new TypeError(`${path} was moved already`);
      try {
        await prepare(destination);
        await requireNoFolder(destination);
        if (!isFlushed) await flushFile(path);
        await leave(() => onDisk(destination, () => moveFile(path, destination)));
      } catch (error) {
        isKept = isFlushed && isDepsError(error, "NO_SPACE"); // the next run finds it by its name
        throw error;
      }
      isThere = false;
      await onDisk(destination, () => flushFolder(dirname(destination)));
    },
    async [Symbol.asyncDispose]() {
      if (!isThere) return;
      isThere = false;
      let fault: { readonly error: unknown } | undefined;
      await leave(async () => {
        if (isKept) return;
        await onDisk(path, () => rm(path, { force: true })).catch((error: unknown) => {
          fault = { error }; // whoever waits for the file goes on all the same
        });
      });
      if (fault !== undefined) throw fault.error;
    },
  };
}

/** @throws DepsError `FILE_FAILED` */
async function requireNoFolder(path: string): Promise<void> {
  const found = await onDiskIfAny(path, () => lstat(path));
  if (!found?.isDirectory()) return;
  throw new DepsError("FILE_FAILED", `cannot write ${path}: it is a folder, not a file`, { path, reason: "EISDIR" });
}

async function moveFile(from: string, to: string): Promise<void> {
  try {
    await takeName(from, to);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EXDEV") throw error;
    const temporary = await temporaryFor(to); // on another file system: whole there too, before it has its name
    try {
      await copyFile(from, temporary, constants.COPYFILE_FICLONE);
      await flushFile(temporary);
      await rename(temporary, to);
    } finally {
      await rm(temporary, { force: true });
    }
    await rm(from, { force: true });
  }
}
