import { statfsSync } from "node:fs";
import { dirname } from "node:path";
import { MirrorError } from "../errors.ts";

/** A failed file operation as a {@link MirrorError}: `NO_SPACE` when the disk is full, else `FILE_FAILED`. */
export function localError(error: unknown, path: string): MirrorError {
  if (error instanceof MirrorError) return error;
  const reason = (error as NodeJS.ErrnoException).code ?? "unknown";
  if (reason === "ENOSPC" || reason === "EDQUOT") return noSpace(path, 1, freeBytes(dirname(path)), error);
  return new MirrorError("FILE_FAILED", `cannot use ${path}: ${reason}`, { path, reason }, { cause: error });
}

/**
 * Refuses to go on when the folder of `path` cannot take `neededBytes` more.
 * @throws MirrorError `NO_SPACE`
 */
export function requireSpace(path: string, neededBytes: number): void {
  const free = freeBytes(dirname(path));
  if (free < neededBytes) throw noSpace(path, neededBytes, free);
}

function freeBytes(folder: string): number {
  try {
    const { bavail, bsize } = statfsSync(folder);
    return bavail * bsize;
  } catch {
    return Number.MAX_SAFE_INTEGER; // a file system that does not tell is found out when it is full
  }
}

function noSpace(path: string, neededBytes: number, free: number, cause?: unknown): MirrorError<"NO_SPACE"> {
  const message = `cannot write ${path}: it needs ${neededBytes} more bytes, the file system has ${free} free`;
  return new MirrorError("NO_SPACE", message, { path, neededBytes, freeBytes: free }, { cause });
}
