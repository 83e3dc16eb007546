import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { RootfsError } from "../errors.ts";
import { fileError } from "../file-error.ts";
import { alignedBytes } from "./ext4-geometry.ts";

/**
 * Extends an image to the next multiple of 2 MiB, and gives its size in bytes then. What is added are zeros, as a hole.
 * @throws RootfsError `FILE_FAILED` (it is missing, or empty)
 */
export async function alignImage(path: string): Promise<number> {
  try {
    await using file = await open(path, "r+");
    const { size } = await file.stat();
    if (size === 0) throw new RootfsError("FILE_FAILED", `${path} is empty`, { path, reason: "EMPTY" });
    const aligned = alignedBytes(size);
    if (aligned !== size) await file.truncate(aligned);
    return aligned;
  } catch (error) {
    throw fileError(error, path);
  }
}

/** Bytes that are read at once. */
const chunkBytes = 4 * 1024 ** 2;

/**
 * The SHA-256 of a file, as 64 hex digits, read once from end to end: one part is hashed while the next one is read. Holes
 * are not read from a disk.
 * @throws RootfsError `FILE_FAILED`
 */
export async function hashImage(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash("sha256");
  try {
    await using file = await open(path, "r");
    let [filled, spare] = [Buffer.allocUnsafe(chunkBytes), Buffer.allocUnsafe(chunkBytes)];
    let length = (await file.read(filled, 0, chunkBytes, 0)).bytesRead;
    for (let position = 0; length > 0; ) {
      signal?.throwIfAborted();
      position += length;
      const next = file.read(spare, 0, chunkBytes, position);
      hash.update(filled.subarray(0, length));
      length = (await next).bytesRead;
      [filled, spare] = [spare, filled];
    }
    return hash.digest("hex");
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    throw fileError(error, path);
  }
}

/** Brings what was written to a file, or the names of a directory, to the disk. @throws RootfsError `FILE_FAILED` */
export async function flush(path: string): Promise<void> {
  try {
    await using file = await open(path, "r");
    await file.sync();
  } catch (error) {
    throw fileError(error, path);
  }
}
