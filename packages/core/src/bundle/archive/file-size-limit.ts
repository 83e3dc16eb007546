import { statfsSync } from "node:fs";
import { dirname } from "node:path";
import { MirrorError } from "../../errors.ts";
import type { ArchivePlace } from "./archive-place.ts";

/** What statfs calls FAT: `MSDOS_SUPER_MAGIC` of linux/magic.h. */
const fat = 0x4d44;

/** FAT keeps a file's size in 32 bits. */
const fatFileBytes = 2 ** 32 - 1;

/** The largest file a file system of that type holds, in bytes, where that is less than any archive may need. */
export function maxFileBytes(type: number): number | undefined {
  return type === fat ? fatFileBytes : undefined;
}

/**
 * Refuses an archive of `bytes` bytes whose file, or whose chunks, the file system cannot hold: before it is written,
 * and not when the limit is reached.
 * @throws MirrorError `FILE_TOO_LARGE`
 */
export function requireFileSize(
  { path, chunkBytes }: ArchivePlace,
  bytes: number,
  typeOf: (folder: string) => number | undefined = fileSystemType,
): void {
  const neededBytes = Math.min(bytes, chunkBytes ?? bytes);
  if (neededBytes <= fatFileBytes) return; // no limit we know of is lower
  const maxBytes = maxFileBytes(typeOf(dirname(path)) ?? 0);
  if (maxBytes === undefined || neededBytes <= maxBytes) return;
  const message = `cannot write ${path}: it takes a file of ${neededBytes} bytes, the file system (FAT) holds up to ${maxBytes}`;
  throw new MirrorError("FILE_TOO_LARGE", message, { path, neededBytes, maxBytes });
}

function fileSystemType(folder: string): number | undefined {
  try {
    return statfsSync(folder).type;
  } catch {
    return undefined; // a file system that does not tell is found out when a write fails
  }
}
