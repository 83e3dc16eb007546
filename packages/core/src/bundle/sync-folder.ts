import { closeSync, fsyncSync, openSync } from "node:fs";
import { localError } from "./local-error.ts";

/** What file systems answer that cannot sync a folder, or do not let this user: nothing better can be had there. */
const refusals: ReadonlySet<string | undefined> = new Set(["EACCES", "EINVAL", "EISDIR", "ENOSYS", "ENOTSUP", "EPERM"]);

/** Makes renames in a folder last. @throws MirrorError `FILE_FAILED` when the device fails; never tried again */
export function syncFolder(folder: string): void {
  try {
    const descriptor = openSync(folder, "r");
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    if (!refusals.has((error as NodeJS.ErrnoException).code)) throw localError(error, folder);
  }
}
