import type { MirrorError } from "../errors.ts";
import type { ArchiveReader } from "./archive-reader.ts";
import { archiveInvalid, type TarEntry } from "./tar-reader.ts";

/** One place where the bytes of a blob or another file lie. */
export interface BlobCopy {
  readonly archive: ArchiveReader;
  readonly entry: TarEntry;
}

/** How messages name a copy: its entry, archive and chunks. */
export function nameOf({ archive, entry }: BlobCopy): string {
  const chunks = archive.chunksOf(entry);
  const names = chunks.length > 3 ? `${chunks[0]} to ${chunks.at(-1)}` : chunks.join(", ");
  return `${entry.name} in ${archive.name}${names === "" ? "" : ` (${names})`}`;
}

/** The error for an archive that cannot be used because of one of its files. */
export function entryInvalid(
  { archive, entry }: BlobCopy,
  reason: string,
  options?: ErrorOptions,
): MirrorError<"ARCHIVE_INVALID"> {
  return archiveInvalid(archive.name, reason, entry.name, { ...options, file: archive.fileAt(entry.offset) });
}
