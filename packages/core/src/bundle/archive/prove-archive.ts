import { setImmediate } from "node:timers/promises";
import { digestAlgorithm, formatDigest, hashFor } from "@tranship/registry";
import type { PlannedArchive } from "../../plan/download-list.ts";
import { tarPadding, tarTrailerBytes } from "../tar/tar-header.ts";
import { ArchiveFile } from "./archive-file.ts";
import type { ArchivePlace } from "./archive-place.ts";
import { isWholeAt } from "./archive-set.ts";
import { entriesOf, hasHeader } from "./standing-archive.ts";

/** Options of {@link isArchiveRight}. */
export interface ProveArchiveOptions {
  readonly signal?: AbortSignal | undefined;
  /** So many more bytes have been read. */
  readonly onBytes?: ((bytes: number) => void) | undefined;
}

/**
 * Whether a finished archive is, byte for byte, what its plan makes: every blob is hashed, and everything between the
 * blobs is compared. `bytes` is its size. Ends at the first difference.
 * @throws MirrorError `FILE_FAILED` when it is there and cannot be read
 */
export async function isArchiveRight(
  place: ArchivePlace,
  planned: Pick<PlannedArchive, "sections">,
  bytes: number,
  { signal, onBytes }: ProveArchiveOptions = {},
): Promise<boolean> {
  if (!isWholeAt(place, bytes)) return false;
  using file = ArchiveFile.read({ place });
  for (const entry of entriesOf(planned)) {
    const { offset, size, content } = entry;
    if (!hasHeader(file, entry) || !isZero(file, offset + size, tarPadding(size))) return false;
    if (content.kind !== "blob") continue;
    const hash = hashFor(content.blob.digest);
    for (const piece of file.pieces(offset, size)) {
      hash.update(piece);
      onBytes?.(piece.byteLength);
      await setImmediate(); // reads are synchronous: let others have their turn
      signal?.throwIfAborted();
    }
    if (formatDigest(digestAlgorithm(content.blob.digest), hash) !== content.blob.digest) return false;
  }
  return isZero(file, bytes - tarTrailerBytes, tarTrailerBytes);
}

function isZero(file: ArchiveFile, offset: number, length: number): boolean {
  const found = new Uint8Array(length);
  return file.readInto(found, offset) === length && found.every((byte) => byte === 0);
}
