import { setImmediate } from "node:timers/promises";
import { type Blob, type Digest, digestAlgorithm, formatDigest, hashFor } from "@tranship/registry";
import { ArchiveFile } from "./archive-file.ts";
import type { ArchivePlace } from "./archive-place.ts";

/** Where an archive is now; nowhere once it is gone or written anew. */
interface LocalFile {
  place: ArchivePlace | undefined;
}

/** Bytes of a blob in a file at hand. `offset` and `size` in bytes. */
interface Extent {
  readonly file: LocalFile;
  readonly offset: number;
  readonly size: number;
  /** Its bytes have been hashed in this run. */
  isProven: boolean;
}

/** A place that a blob's bytes are wanted for; it is not read to fill itself. */
export interface WantedPlace {
  readonly place: ArchivePlace;
  readonly offset: number;
  /** Writes borrowed bytes at a position of the blob. */
  write(position: number, bytes: Uint8Array): void;
}

/** A blob's bytes in an open file, proven to be the blob's. */
export interface LocalBlob extends Disposable {
  /** The bytes from `offset`, at most `length`; each piece is only valid until the next. */
  pieces(offset: number, length: number): Iterable<Uint8Array>;
}

/**
 * Where bytes are at hand: finished places of this run, published archives, and what an abandoned pull left. Nothing
 * here is believed: a place is hashed before or while it is used, and one that does not hold is dropped. What was
 * hashed is read through the same open file, so that no rename comes in between.
 */
export class LocalBlobs {
  readonly #files = new Map<string, LocalFile>();
  readonly #extents = new Map<Digest, Extent[]>();

  /** Adds a place that should hold the blob; `isProven` when its bytes have just been hashed. */
  add({ digest, size }: Blob, place: ArchivePlace, offset: number, isProven = false): void {
    const key = keyOf(place);
    const file = this.#files.get(key) ?? { place };
    this.#files.set(key, file);
    const extent = { file, offset, size, isProven };
    const known = this.#extents.get(digest);
    if (known) known.push(extent);
    else this.#extents.set(digest, [extent]);
  }

  /** Whether any place is known. */
  has(digest: Digest): boolean {
    return (this.#extents.get(digest)?.length ?? 0) > 0;
  }

  /** An archive was renamed: its places moved with it, and what was at `to`, in any form, is gone. */
  move(from: ArchivePlace, to: ArchivePlace): void {
    this.forget(to.path);
    const file = this.#files.get(keyOf(from));
    if (!file) return;
    this.#files.delete(keyOf(from));
    this.#files.set(keyOf(to), file);
    file.place = to;
  }

  /** A finished archive, in any form, is gone or about to be written anew: its places are forgotten. */
  forget(path: string): void {
    for (const [key, file] of this.#files) {
      if (file.place?.path !== path || file.place.isPartial) continue;
      file.place = undefined;
      this.#files.delete(key);
    }
  }

  /** The blob from the first place that holds it, of those hashed already if there are any; `undefined` when none does. */
  async open(blob: Blob, signal?: AbortSignal): Promise<LocalBlob | undefined> {
    const known = this.#extents.get(blob.digest) ?? [];
    for (const extent of [...known.filter(({ isProven }) => isProven), ...known.filter(({ isProven }) => !isProven)]) {
      const file = openExtent(extent, blob);
      // What another pull left in an unfinished archive may be written over by this one: it is hashed every time.
      const mayChange = extent.file.place?.isPartial ?? false;
      if (file && (extent.isProven || (await isBlob(file, extent, blob, signal)))) {
        extent.isProven ||= !mayChange;
        return {
          pieces: (offset, length) => file.pieces(extent.offset + offset, Math.min(length, extent.size - offset)),
          [Symbol.dispose]: () => file[Symbol.dispose](),
        };
      }
      file?.[Symbol.dispose]();
      if (!mayChange) this.#drop(blob.digest, extent); // else kept for its beginning
    }
    return undefined;
  }

  /**
   * Writes the blob to `wanted` from the first other place whose bytes hash to the digest; `false` when there is none, and
   * then what was written is not the blob.
   */
  async copy(blob: Blob, wanted: WantedPlace, signal?: AbortSignal): Promise<boolean> {
    for (const extent of this.#others(blob, wanted)) {
      using file = openExtent(extent, blob);
      // An unfinished archive often has not all of it: looked at before anything is written, and kept for its beginning.
      const isDoubtful = file && extent.file.place?.isPartial && !extent.isProven;
      if (isDoubtful && !(await isBlob(file, extent, blob, signal))) continue;
      if (file && (await isBlob(file, extent, blob, signal, wanted))) return true;
      this.#drop(blob.digest, extent);
    }
    return false;
  }

  /**
   * Writes the longest beginning of the blob that an unfinished archive may have to `wanted`, and gives its length in bytes.
   * It is not proven: whoever goes on behind it hashes all of it.
   */
  async copyBeginning(blob: Blob, wanted: WantedPlace, signal?: AbortSignal): Promise<number> {
    let longest = { bytes: 0, extent: undefined as Extent | undefined };
    for (const extent of this.#others(blob, wanted)) {
      using file = extent.file.place?.isPartial ? openExtent(extent, blob) : undefined;
      const bytes = file ? await endOfData(file, extent, signal) : 0;
      if (bytes > longest.bytes) longest = { bytes, extent };
    }
    using file = longest.extent && openExtent(longest.extent, blob);
    if (!file || !longest.extent) return 0;
    let position = 0;
    for (const piece of file.pieces(longest.extent.offset, longest.bytes)) {
      wanted.write(position, piece);
      position += piece.byteLength;
      await setImmediate();
      signal?.throwIfAborted();
    }
    return position;
  }

  /** The bytes of a small blob; `undefined` when no place holds it. */
  async read(blob: Blob): Promise<Uint8Array | undefined> {
    using local = await this.open(blob);
    if (!local) return undefined;
    const bytes = new Uint8Array(blob.size);
    let position = 0;
    for (const piece of local.pieces(0, blob.size)) {
      bytes.set(piece, position); // each piece is only valid until the next
      position += piece.byteLength;
    }
    return bytes;
  }

  #others({ digest }: Blob, { place, offset }: WantedPlace): readonly Extent[] {
    const own = this.#files.get(keyOf(place));
    return (this.#extents.get(digest) ?? []).filter((extent) => extent.file !== own || extent.offset !== offset);
  }

  #drop(digest: Digest, extent: Extent): void {
    this.#extents.set(
      digest,
      (this.#extents.get(digest) ?? []).filter((other) => other !== extent),
    );
  }
}

function keyOf({ path, isPartial, chunkBytes }: ArchivePlace): string {
  return `${isPartial ? "partial" : "finished"} ${chunkBytes ?? "whole"} ${path}`;
}

/** The extent's file, or `undefined` when it is gone or the place is of another size. */
function openExtent({ file, size }: Extent, blob: Blob): ArchiveFile | undefined {
  if (file.place === undefined || size !== blob.size) return undefined;
  try {
    return ArchiveFile.read(file);
  } catch {
    return undefined; // the same as not having the bytes
  }
}

/** Whether the place holds the blob; hands its bytes to `taker` on the way. */
async function isBlob(
  file: ArchiveFile,
  { offset }: Extent,
  { digest, size }: Blob,
  signal?: AbortSignal,
  taker?: WantedPlace,
): Promise<boolean> {
  const hash = hashFor(digest);
  let position = 0;
  for (const piece of file.pieces(offset, size)) {
    hash.update(piece);
    taker?.write(position, piece);
    position += piece.byteLength;
    await setImmediate(); // reads are synchronous: let others have their turn
    signal?.throwIfAborted();
  }
  return position === size && formatDigest(digestAlgorithm(digest), hash) === digest;
}

/** Where the last byte of an extent that is not zero ends, counted from its start. */
async function endOfData(file: ArchiveFile, { offset, size }: Extent, signal?: AbortSignal): Promise<number> {
  let position = 0;
  let end = 0;
  for (const piece of file.pieces(offset, size)) {
    const last = piece.findLastIndex((byte) => byte !== 0);
    if (last >= 0) end = position + last + 1;
    position += piece.byteLength;
    await setImmediate();
    signal?.throwIfAborted();
  }
  return end;
}
