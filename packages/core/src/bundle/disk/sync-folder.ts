import { closeSync, fdatasync, fsyncSync, openSync } from "node:fs";
import { open } from "node:fs/promises";
import { promisify } from "node:util";
import { localError } from "./local-error.ts";

/** Told when a file system refuses to sync `path`, with the system's code: nothing better can be had there. */
export type OnSyncRefused = (path: string, reason: string) => void;

/** Given in place of a listener: nothing is synced at all. What is written lasts once the system gets around to it. */
export const withoutSync: OnSyncRefused = () => {};

const dataSync = promisify(fdatasync);

/** What file systems answer that cannot sync, or do not let this user. Anything else is a failure of the device. */
const refusals: ReadonlySet<string> = new Set([
  "EACCES",
  "EINVAL",
  "EISDIR",
  "ENOSYS",
  "ENOTSUP",
  "EOPNOTSUPP",
  "EPERM",
]);

/** Makes renames in a folder last. @throws MirrorError `FILE_FAILED` when the device fails; never tried again */
export function syncFolder(folder: string, onRefused?: OnSyncRefused): void {
  if (onRefused === withoutSync) return;
  try {
    const descriptor = openSync(folder, "r");
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    tellOrThrow(error, folder, onRefused);
  }
}

/** The same as {@link syncFolder}, while other work goes on. @throws MirrorError `FILE_FAILED` */
export async function flushFolder(folder: string, onRefused?: OnSyncRefused): Promise<void> {
  if (onRefused === withoutSync) return;
  try {
    const handle = await open(folder, "r");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
  } catch (error) {
    tellOrThrow(error, folder, onRefused);
  }
}

/** Waits until an open file is on the device. @throws MirrorError `FILE_FAILED`, `NO_SPACE`; never tried again */
export function syncFile(descriptor: number, path: string, onRefused?: OnSyncRefused): void {
  if (onRefused === withoutSync) return;
  try {
    fsyncSync(descriptor);
  } catch (error) {
    tellOrThrow(error, path, onRefused);
  }
}

/**
 * Waits until the bytes of an open file are on the device. A failure is final: the kernel may have dropped what it could
 * not write. @throws MirrorError `FILE_FAILED`, `NO_SPACE`
 */
export async function syncData(descriptor: number, path: string, onRefused?: OnSyncRefused): Promise<void> {
  if (onRefused === withoutSync) return;
  try {
    await dataSync(descriptor);
  } catch (error) {
    tellOrThrow(error, path, onRefused);
  }
}

function tellOrThrow(error: unknown, path: string, onRefused: OnSyncRefused | undefined): void {
  const { code = "" } = error as NodeJS.ErrnoException;
  if (!refusals.has(code)) throw localError(error, path);
  onRefused?.(path, code);
}
