import {
  type AllocatePiece,
  type CallOptions,
  type Digest,
  digestAlgorithm,
  formatDigest,
  hashFor,
} from "@tranship/registry";
import type { MirrorError } from "../../errors.ts";
import { archiveInvalid, placeInArchive, type TarEntry } from "../tar/tar-reader.ts";
import type { ArchiveReader } from "./archive-reader.ts";

/** One place where the bytes of a blob or another file lie. */
export interface BlobCopy {
  readonly archive: ArchiveReader;
  readonly entry: TarEntry;
}

/** How messages name a copy: its entry, archive and chunks. */
export function nameOf({ archive, entry }: BlobCopy): string {
  return `${entry.name} in ${placeInArchive(archive.name, archive.chunksOf(entry))}`;
}

/** The error for an archive that cannot be used because of one of its entries; it names every chunk the entry lies in. */
export function entryInvalid(
  { archive, entry }: BlobCopy,
  reason: string,
  options?: ErrorOptions,
): MirrorError<"ARCHIVE_INVALID"> {
  return archiveInvalid(archive.name, reason, entry.name, { ...options, files: archive.chunksOf(entry) });
}

/** Options of a proof that bytes are what their digest says. */
export interface ProveOptions extends CallOptions {
  /** So many bytes more have been hashed. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
}

/** What the bytes of a copy hash to, by the algorithm of `digest`. @throws MirrorError `ARCHIVE_INVALID`, `FILE_FAILED` */
export async function digestOfCopy(
  { archive, entry }: BlobCopy,
  digest: Digest,
  { signal, onBytes }: ProveOptions = {},
): Promise<Digest> {
  const hash = hashFor(digest);
  for await (const piece of archive.pieces(entry, 0, entry.size, { allocate: inTurns(), signal })) {
    hash.update(piece);
    onBytes?.(piece.byteLength);
  }
  return formatDigest(digestAlgorithm(digest), hash);
}

/** Two buffers in turns: one is hashed while the other is filled. */
function inTurns(): AllocatePiece {
  const buffers: Uint8Array[] = [];
  let n = 0;
  return (bytes) => {
    n = (n + 1) % 2;
    const known = buffers[n];
    if (known && known.byteLength >= bytes) return known.subarray(0, bytes);
    const made = Buffer.allocUnsafeSlow(bytes);
    buffers[n] = made;
    return made;
  };
}
