import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { chmod, copyFile, type FileHandle, open, stat } from "node:fs/promises";
import { type Digest, digestAlgorithm, formatDigest } from "@tranship/registry";
import { DepsError } from "../errors.ts";
import { onDisk } from "../file-error.ts";
import type { StagedFile, Staging } from "../jobs/item-job.ts";

/** How much is read at a time, in bytes. */
const chunkBytes = 1024 * 1024;

/** Opening a pipe waits for somebody who writes to it, unless told not to. */
const readAtOnce = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/** The size of a regular file in bytes; symbolic links are followed. @throws DepsError `FILE_FAILED`, for what is none too */
export async function sizeOfFile(path: string): Promise<number> {
  const file = await openRegular(path);
  try {
    return (await file.stat()).size;
  } finally {
    await file.close();
  }
}

/** The bytes of a regular file from `offset` on. @throws DepsError `FILE_FAILED` */
export async function* readFrom(path: string, offset: number): AsyncGenerator<Uint8Array> {
  const file = await openRegular(path);
  try {
    for (let at = offset; ; ) {
      const buffer = Buffer.allocUnsafe(chunkBytes);
      const { bytesRead } = await onDisk(path, () => file.read(buffer, 0, chunkBytes, at));
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
      at += bytesRead;
    }
  } finally {
    await file.close();
  }
}

/** What the bytes of a regular file hash to, in the algorithm of `like`. @throws DepsError `FILE_FAILED`; `signal.reason` */
export async function digestOfFile(path: string, like: Digest | undefined, signal: AbortSignal): Promise<Digest> {
  const algorithm = like === undefined ? "sha256" : digestAlgorithm(like);
  const hash = createHash(algorithm);
  for await (const chunk of readFrom(path, 0)) {
    signal.throwIfAborted();
    hash.update(chunk);
  }
  return formatDigest(algorithm, hash);
}

/** A copy that shares the bytes of `path` on the disk; `undefined` where the file systems cannot. */
export async function cloneOf(path: string, staging: Staging): Promise<StagedFile | undefined> {
  const file = await staging.blank();
  try {
    const { mode } = await stat(file.path);
    await copyFile(path, file.path, constants.COPYFILE_FICLONE_FORCE);
    await chmod(file.path, mode); // the copy has that of its source
    return file;
  } catch {
    await file[Symbol.asyncDispose]();
    return undefined; // then its bytes are copied, and what is in the way is told
  }
}

async function openRegular(path: string): Promise<FileHandle> {
  const file = await onDisk(path, () => open(path, readAtOnce));
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw new DepsError("FILE_FAILED", `cannot read ${path}: it is no file`, { path, reason: "ENOTREG" });
}
