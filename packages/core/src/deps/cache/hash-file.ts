import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import type { DigestAlgorithm } from "@tranship/registry";

// Worker threads run this too: no `using` here.

/** The largest buffer that a file is read into, in bytes. */
const bufferBytes = 1024 * 1024;

/** Opening a pipe waits for somebody who writes to it, unless told not to. Windows has no such flag and no such pipes. */
const readAtOnce = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

/** Which file something is, and in which state. */
export interface FileMark {
  readonly dev: bigint;
  readonly ino: bigint;
  readonly size: bigint;
  readonly mtimeNs: bigint;
}

/** The hash of a file, in lowercase hexadecimal digits. */
export interface HashedFile {
  readonly hex: string;
  /** The file it is of; `undefined` when it changed while it was read. */
  readonly mark: FileMark | undefined;
}

/** Reads a regular file from end to end; `undefined` when it was told to stop. @throws the system's errors; `EISDIR` for no regular file */
export async function hashFile(
  path: string,
  algorithm: DigestAlgorithm,
  isStopped: () => boolean,
): Promise<HashedFile | undefined> {
  const file: FileHandle = await open(path, readAtOnce);
  try {
    const before = await file.stat({ bigint: true });
    if (!before.isFile()) throw Object.assign(new Error(`${path} is no regular file`), { code: "EISDIR" });
    const hash = createHash(algorithm);
    const buffer = Buffer.allocUnsafe(Math.min(bufferBytes, Number(before.size) + 1));
    for (let position = 0; ; ) {
      if (isStopped()) return undefined;
      const { bytesRead } = await file.read(buffer, 0, buffer.byteLength, position);
      if (bytesRead === 0) break;
      hash.update(buffer.subarray(0, bytesRead));
      position += bytesRead;
    }
    const after = await file.stat({ bigint: true });
    const isSame = after.size === before.size && after.mtimeNs === before.mtimeNs;
    return { hex: hash.digest("hex"), mark: isSame ? markOf(before) : undefined };
  } finally {
    await file.close();
  }
}

/** What tells a file and its state from others. */
export function markOf({ dev, ino, size, mtimeNs }: FileMark): FileMark {
  return { dev, ino, size, mtimeNs };
}
