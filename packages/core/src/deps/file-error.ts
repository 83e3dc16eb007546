import { localError } from "../bundle/disk/local-error.ts";
import { isMirrorError } from "../errors.ts";
import { DepsError, isDepsError } from "./errors.ts";

/**
 * A failed operation on a local file as a {@link DepsError}: `NO_SPACE` where the file system is full, else `FILE_FAILED`.
 * Whatever the system did not say stays as it is, such as the reason of a signal.
 * @param path what was to be read or written
 */
export function fileError(error: unknown, path: string): unknown {
  if (!isMirrorError(error) && !isSystemError(error)) return error;
  const { message, code, details, cause } = localFailure(error, path);
  if (code === "NO_SPACE") return new DepsError("NO_SPACE", message, { path, ...details }, { cause });
  return new DepsError("FILE_FAILED", message, { path, reason: details.reason }, { cause });
}

/** Does something with a local file. @throws DepsError `FILE_FAILED`, `NO_SPACE` */
export async function onDisk<Value>(path: string, work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    throw fileError(error, path);
  }
}

/** The same; `undefined` where there is no such file, nor a folder to hold it. @throws DepsError `FILE_FAILED` */
export async function onDiskIfAny<Value>(path: string, work: () => Promise<Value>): Promise<Value | undefined> {
  try {
    return await work();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw fileError(error, path);
  }
}

/** Such as `EACCES`, or `ERR_FS_EISDIR` of Node's own. */
function isSystemError(error: unknown): boolean {
  if (!(error instanceof Error) || error.name === "RegistryError" || isDepsError(error)) return false;
  const { code } = error as { readonly code?: unknown };
  return typeof code === "string" && /^E(?:[A-Z0-9]+|RR_FS_\w+)$/.test(code);
}

interface LocalFailure {
  readonly message: string;
  readonly code: "NO_SPACE" | "FILE_FAILED";
  readonly details: {
    readonly reason: string;
    readonly neededBytes?: number | undefined;
    readonly freeBytes?: number | undefined;
  };
  readonly cause: unknown;
}

function localFailure(thrown: unknown, path: string): LocalFailure {
  const error = localError(thrown, path);
  const cause = error === thrown ? error : (error.cause ?? error);
  const { message } = error;
  if (isMirrorError(error, "NO_SPACE")) {
    const { neededBytes, freeBytes } = error.details;
    return { message, code: "NO_SPACE", details: { reason: "ENOSPC", neededBytes, freeBytes }, cause };
  }
  const reason = isMirrorError(error, "FILE_FAILED") ? error.details.reason : "EFBIG";
  return { message, code: "FILE_FAILED", details: { reason }, cause };
}
