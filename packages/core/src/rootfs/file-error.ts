import { statfsSync } from "node:fs";
import { dirname } from "node:path";
import { RootfsError } from "./errors.ts";

/**
 * A failed file operation as a {@link RootfsError}: `NO_SPACE` when the file system or the user's share of it is full, else
 * `FILE_FAILED`. What is a `RootfsError` already stays the same.
 */
export function fileError(error: unknown, path: string): RootfsError {
  if (error instanceof RootfsError) return error;
  const { code: reason = "unknown" } = error as NodeJS.ErrnoException;
  if (reason === "ENOSPC" || reason === "EDQUOT") {
    const freeBytes = freeBytesAt(path);
    const message = `cannot write ${path}: the file system is full${freeBytes === undefined ? "" : `, it has ${freeBytes} bytes free`}`;
    return new RootfsError(
      "NO_SPACE",
      message,
      { path, ...(freeBytes === undefined ? {} : { freeBytes }) },
      { cause: error },
    );
  }
  return new RootfsError("FILE_FAILED", `cannot use ${path}: ${reason}`, { path, reason }, { cause: error });
}

/** Does something with a local file. @throws RootfsError `FILE_FAILED`, `NO_SPACE` */
export function atFile<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw fileError(error, path);
  }
}

function freeBytesAt(path: string): number | undefined {
  try {
    const { bavail, bsize } = statfsSync(dirname(path));
    return bavail * bsize;
  } catch {
    return undefined; // a file system that does not tell
  }
}
