import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";

/** What is read at a time, and what of it is left out when it is all zeros; in bytes. */
const readBytes = 4 * 1024 * 1024;
const holeBytes = 64 * 1024;

const zeros = Buffer.alloc(holeBytes);

/** What a file was found to be while it was read from end to end. */
export interface HashedFile {
  /** 64 lower-case hexadecimal digits. */
  readonly sha256: string;
  readonly sizeBytes: number;
}

/**
 * Reads a file from end to end and hashes it; copies it to an empty file on the way if there is one, where zeros become holes.
 * An abort rejects with the signal's reason.
 */
export async function copyHashed(path: string, to?: FileHandle, signal?: AbortSignal): Promise<HashedFile> {
  const hash = createHash("sha256");
  const buffer = Buffer.allocUnsafe(readBytes);
  await using from = await open(path, "r");
  let position = 0;
  for (;;) {
    signal?.throwIfAborted();
    const { bytesRead } = await from.read(buffer, 0, buffer.byteLength, position);
    if (bytesRead === 0) break;
    const chunk = buffer.subarray(0, bytesRead);
    hash.update(chunk);
    if (to) await writeSparse(to, chunk, position);
    position += bytesRead;
  }
  await to?.truncate(position); // it may end in a hole
  return { sha256: hash.digest("hex"), sizeBytes: position };
}

/** Writes what is not zeros, in runs as long as they come. */
async function writeSparse(to: FileHandle, chunk: Buffer, position: number): Promise<void> {
  for (let start = 0; start < chunk.byteLength; ) {
    let end = start;
    while (end < chunk.byteLength && !isHole(chunk.subarray(end, end + holeBytes))) end += holeBytes;
    end = Math.min(end, chunk.byteLength);
    for (let done = start; done < end; ) {
      const { bytesWritten } = await to.write(chunk, done, end - done, position + done);
      done += bytesWritten;
    }
    start = end === start ? start + holeBytes : end;
  }
}

function isHole(part: Buffer): boolean {
  return zeros.subarray(0, part.byteLength).equals(part);
}
