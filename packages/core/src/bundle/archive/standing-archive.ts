import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { PlannedArchive } from "../../plan/download-list.ts";
import type { LockedArchive } from "../../plan/lock-file.ts";
import { locally } from "../disk/local-error.ts";
import { encodeTarHeader } from "../tar/tar-header.ts";
import { ArchiveFile } from "./archive-file.ts";
import { type ArchiveEntry, ArchiveLayout } from "./archive-layout.ts";
import { parseArchiveFileName } from "./archive-names.ts";
import { lockArchive } from "./locked-archive.ts";

/** A file of a bundle's folder that belongs to a finished archive; `bytes` is its size. */
export interface ArchivePart {
  readonly name: string;
  /** The chunk's number, `undefined` for the whole archive. */
  readonly chunk: number | undefined;
  readonly bytes: number;
}

/**
 * The finished archives of a folder with their files, as far as names tell, without those in `going`; links and hidden
 * files are not looked at.
 */
export function standingArchives(
  directory: string,
  going: ReadonlySet<string>,
): ReadonlyMap<string, readonly ArchivePart[]> {
  const archives = new Map<string, ArchivePart[]>();
  for (const entry of locally(directory, () => readdirSync(directory, { withFileTypes: true }))) {
    const { archive, chunk } = parseArchiveFileName(entry.name) ?? {};
    if (archive === undefined || !entry.isFile() || entry.name.startsWith(".") || going.has(entry.name)) continue;
    const path = join(directory, entry.name);
    const part = { name: entry.name, chunk, bytes: locally(path, () => statSync(path).size) };
    const parts = archives.get(archive);
    if (parts) parts.push(part);
    else archives.set(archive, [part]);
  }
  return archives;
}

/**
 * What the lock says of a planned archive that stands finished in `directory`, in `parts`; `undefined` when these are not
 * it. Compared by sizes and headers, which name every digest; blobs are not hashed. `chunkBytes` is believed only where
 * a single chunk does not tell.
 */
export function identifyArchive(
  directory: string,
  planned: Pick<PlannedArchive, "archive" | "sections">,
  parts: readonly ArchivePart[],
  chunkBytes?: number,
): LockedArchive | undefined {
  const size = chunkBytesOf(parts, chunkBytes);
  const bytes = parts.reduce((sum, part) => sum + part.bytes, 0);
  // before as many names are made: a first chunk that was cut off to a byte would ask for millions
  if (parts.length !== (size === undefined ? 1 : Math.max(1, Math.ceil(bytes / size)))) return undefined;
  const whole = lockArchive(planned);
  if (bytes !== whole.bytes) return undefined;
  const expected = size === undefined ? whole : lockArchive(planned, size);
  const files = expected.chunks ?? [{ file: expected.archive, bytes: expected.bytes }];
  const isSame = (file: { readonly file: string; readonly bytes: number }) =>
    parts.some((part) => part.name === file.file && part.bytes === file.bytes);
  if (!files.every(isSame)) return undefined;
  using file = ArchiveFile.read({
    place: { path: join(directory, planned.archive), isPartial: false, chunkBytes: size },
  });
  return entriesOf(planned).every((entry) => hasHeader(file, entry)) ? expected : undefined;
}

/** Every file of a planned archive, in its order. */
export function entriesOf({ sections }: Pick<PlannedArchive, "sections">): readonly ArchiveEntry[] {
  const layout = new ArchiveLayout();
  return [...sections.flatMap((section) => layout.add(section)), ...layout.finish().entries];
}

/** Whether an archive has this entry: its header, which names the digest of what follows, or the very bytes. */
export function hasHeader(file: ArchiveFile, { name, size, headerOffset, offset, content }: ArchiveEntry): boolean {
  if (!hasBytes(file, headerOffset, encodeTarHeader(name, size))) return false;
  return content.kind !== "bytes" || hasBytes(file, offset, content.bytes);
}

function hasBytes(file: ArchiveFile, offset: number, wanted: Uint8Array): boolean {
  let done = 0;
  for (const piece of file.pieces(offset, wanted.byteLength)) {
    if (Buffer.compare(piece, wanted.subarray(done, done + piece.byteLength)) !== 0) return false;
    done += piece.byteLength;
  }
  return done === wanted.byteLength;
}

function chunkBytesOf(parts: readonly ArchivePart[], told: number | undefined): number | undefined {
  const first = parts.find(({ chunk }) => chunk === 0);
  if (!first) return undefined;
  if (parts.length > 1) return Math.max(1, first.bytes);
  return told !== undefined && told >= first.bytes ? told : Math.max(512, first.bytes);
}
