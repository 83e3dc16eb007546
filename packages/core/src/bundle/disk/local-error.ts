import { type StatsFs, statfsSync } from "node:fs";
import { dirname } from "node:path";
import { MirrorError } from "../../errors.ts";

const reasons: Readonly<Record<string, string>> = {
  EACCES: "permission denied",
  EBUSY: "another program uses it",
  EEXIST: "it is a file, not a folder",
  EINVAL: "the file system does not take such a name or request",
  EIO: "the device failed to read or write",
  EISDIR: "it is a folder, not a file",
  EMFILE: "too many files are open",
  ELOOP: "it is a symbolic link, or lies behind one that leads to itself",
  ENAMETOOLONG: "the name is too long for the file system",
  ENOENT: "it does not exist",
  ENOTDIR: "it is a file, not a folder",
  EPERM: "not permitted",
  EROFS: "the file system is read-only",
  ESPIPE: "it is a pipe or a device, which cannot be read at any place",
};

/** A failed file operation as a {@link MirrorError}: `NO_SPACE` when the disk is full, `FILE_TOO_LARGE`, else `FILE_FAILED`. */
export function localError(error: unknown, path: string): MirrorError {
  if (error instanceof MirrorError) return error;
  const reason = (error as NodeJS.ErrnoException).code ?? "unknown";
  if (reason === "ENOSPC" || reason === "EDQUOT") {
    const free = freeBytes(dirname(path));
    const message = `cannot write ${path}: ${whyNoSpace(reason, dirname(path))}, it has ${free} bytes free`;
    return new MirrorError("NO_SPACE", message, { path, freeBytes: free }, { cause: error });
  }
  if (reason === "EFBIG") {
    const message = `cannot write ${path}: the file system cannot hold a file of that size, or this user may not have one`;
    return new MirrorError("FILE_TOO_LARGE", message, { path }, { cause: error });
  }
  const why = reasons[reason] ?? reason;
  return new MirrorError("FILE_FAILED", `cannot use ${path}: ${why}`, { path, reason }, { cause: error });
}

/**
 * Refuses to go on when the folder of `path` cannot take `neededBytes` more.
 * @throws MirrorError `NO_SPACE`
 */
export function requireSpace(path: string, neededBytes: number): void {
  requireFree(path, dirname(path), neededBytes);
}

/** The same for what is written into `folder`. @throws MirrorError `NO_SPACE` */
export function requireSpaceIn(folder: string, neededBytes: number): void {
  requireFree(folder, folder, neededBytes);
}

function requireFree(path: string, folder: string, neededBytes: number): void {
  const free = freeBytes(folder);
  if (free >= neededBytes) return;
  const message = `cannot write ${path}: ${neededBytes} more bytes are needed, the file system has ${free} free`;
  throw new MirrorError("NO_SPACE", message, { path, neededBytes, freeBytes: free });
}

/** Does something with a local file. @throws MirrorError `FILE_FAILED`, `NO_SPACE`, `FILE_TOO_LARGE` */
export function locally<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw localError(error, path);
  }
}

/** A file system can be out of something else than bytes: chunks are many files. */
function whyNoSpace(reason: "ENOSPC" | "EDQUOT", folder: string): string {
  if (reason === "EDQUOT") return "this user's share of the file system is used up";
  const { files = 0, ffree } = fileSystemOf(folder) ?? {};
  return files > 0 && ffree === 0 ? "the file system takes no more files" : "the file system is full";
}

function freeBytes(folder: string): number {
  const found = fileSystemOf(folder);
  return found ? found.bavail * found.bsize : Number.MAX_SAFE_INTEGER; // one that does not tell is found out when it is full
}

/** The file system of a folder, also before the folder is made; `undefined` where it does not tell. */
function fileSystemOf(folder: string): StatsFs | undefined {
  try {
    return statfsSync(folder);
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === "ENOENT" && dirname(folder) !== folder;
    return isMissing ? fileSystemOf(dirname(folder)) : undefined;
  }
}
