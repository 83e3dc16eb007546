import { digestOf } from "@tranship/registry";
import type { PlannedArchive } from "../../plan/download-list.ts";
import { type LockedArchive, type LockedEntry, lockedChunks } from "../../plan/lock-file.ts";
import { tarHeaderBytes, tarPadding } from "../tar/tar-header.ts";
import { type ArchiveEntry, ArchiveLayout } from "./archive-layout.ts";
import { chunkName } from "./archive-names.ts";

/** A file of a locked archive with the place the archive has it at; offsets in bytes from the archive's start. */
export interface LockedPlace extends LockedEntry {
  readonly headerOffset: number;
  /** Where the data starts. */
  readonly offset: number;
}

/** What the lock says of an archive made of these sections: a function of them and of the chunk size alone. */
export function lockArchive(
  { archive, sections }: Pick<PlannedArchive, "archive" | "sections">,
  chunkBytes?: number,
): LockedArchive {
  const layout = new ArchiveLayout();
  const blobs = sections.flatMap((section) => layout.add(section));
  const { entries, size: bytes } = layout.finish();
  return {
    archive,
    bytes,
    ...(chunkBytes === undefined ? {} : { chunkBytes, chunks: lockedChunks(archive, bytes, chunkBytes) }),
    entries: [...blobs, ...entries].map(lockEntry),
  };
}

/** Where each file of a locked archive lies, in the archive's order. */
export function lockedPlaces({ entries }: Pick<LockedArchive, "entries">): readonly LockedPlace[] {
  let position = 0;
  return entries.map((entry) => {
    const headerOffset = position;
    const offset = headerOffset + tarHeaderBytes(entry.name);
    position = offset + entry.size + tarPadding(entry.size);
    return { ...entry, headerOffset, offset };
  });
}

/**
 * The names of the files of the bundle's folder that hold `[offset, offset + length)` of an archive, in order: the
 * archive's own, or those of its chunks.
 */
export function filesOfRange(
  { archive, bytes, chunkBytes }: Pick<LockedArchive, "archive" | "bytes" | "chunkBytes">,
  offset: number,
  length: number,
): readonly string[] {
  if (chunkBytes === undefined) return [archive];
  const last = Math.max(0, Math.ceil(bytes / chunkBytes) - 1);
  const indexOf = (at: number) => Math.min(last, Math.max(0, Math.floor(at / chunkBytes)));
  const [from, to] = [indexOf(offset), indexOf(Math.max(offset, offset + length - 1))];
  return Array.from({ length: to - from + 1 }, (_, index) => chunkName(archive, from + index));
}

/** The names of the files that hold an entry of a locked archive, its header included. */
export function filesOfEntry(
  archive: Pick<LockedArchive, "archive" | "bytes" | "chunkBytes">,
  { headerOffset, offset, size }: Pick<LockedPlace, "headerOffset" | "offset" | "size">,
): readonly string[] {
  return filesOfRange(archive, headerOffset, offset + size - headerOffset);
}

/** What the lock says of a file of an archive. */
export function lockEntry({ name, size, content }: ArchiveEntry): LockedEntry {
  return { name, size, digest: content.kind === "blob" ? content.blob.digest : digestOf(content.bytes) };
}
