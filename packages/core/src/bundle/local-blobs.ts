import { setImmediate } from "node:timers/promises";
import { type Blob, type Digest, digestAlgorithm, formatDigest, hashFor } from "@tranship/registry";
import { ArchiveFile } from "./archive-file.ts";

/** Bytes of a blob in a file at hand. `offset` and `size` in bytes. */
export interface Extent {
  readonly path: string;
  readonly offset: number;
  readonly size: number;
}

/**
 * Where bytes are at hand: finished places of this run, published archives, and what an abandoned pull left. Nothing
 * here is believed: whoever copies hashes again, and an extent that does not hold is dropped.
 */
export class LocalBlobs {
  readonly #extents = new Map<Digest, Extent[]>();
  readonly #proven = new WeakSet<Extent>();

  /** Adds a place that should hold the blob. */
  add(digest: Digest, extent: Extent): void {
    const known = this.#extents.get(digest);
    if (known) known.push(extent);
    else this.#extents.set(digest, [extent]);
  }

  /** Whether any place is known. */
  has(digest: Digest): boolean {
    return (this.#extents.get(digest)?.length ?? 0) > 0;
  }

  /** A file was renamed: its places moved with it. */
  move(from: string, to: string): void {
    for (const extents of this.#extents.values()) {
      extents.forEach((extent, index) => {
        if (extent.path === from) extents[index] = { ...extent, path: to };
      });
    }
  }

  /** A file is gone or about to be written anew: its places are forgotten. */
  forget(path: string): void {
    for (const [digest, extents] of this.#extents) {
      this.#extents.set(
        digest,
        extents.filter((extent) => extent.path !== path),
      );
    }
  }

  /**
   * Hands the blob's bytes to `write`, from the first place whose bytes hash to the digest; `false` when there is none,
   * and then what was written is not the blob. `write` borrows each piece until it returns.
   */
  async copy(digest: Digest, size: number, write: (position: number, bytes: Uint8Array) => void): Promise<boolean> {
    for (const extent of [...(this.#extents.get(digest) ?? [])]) {
      if (extent.size === size && (await copyExtent(extent, digest, write))) return true;
      this.#drop(digest, extent);
    }
    return false;
  }

  /** A place whose bytes are the blob's, proven by hashing them once; `undefined` when there is none. */
  async find({ digest, size }: Blob): Promise<Extent | undefined> {
    for (const extent of [...(this.#extents.get(digest) ?? [])]) {
      if (this.#proven.has(extent)) return extent;
      if (extent.size === size && (await copyExtent(extent, digest, () => {}))) {
        this.#proven.add(extent);
        return extent;
      }
      this.#drop(digest, extent);
    }
    return undefined;
  }

  /** The bytes of a small blob, from a proven place; `undefined` when there is none. */
  async read(blob: Blob): Promise<Uint8Array | undefined> {
    const extent = await this.find(blob);
    if (!extent) return undefined;
    const pieces: Uint8Array[] = [];
    for (const piece of readExtent(extent)) pieces.push(piece.slice());
    return new Uint8Array(Buffer.concat(pieces));
  }

  #drop(digest: Digest, extent: Extent): void {
    this.#extents.set(
      digest,
      (this.#extents.get(digest) ?? []).filter((other) => other !== extent),
    );
  }
}

async function copyExtent(
  extent: Extent,
  digest: Digest,
  write: (position: number, bytes: Uint8Array) => void,
): Promise<boolean> {
  const hash = hashFor(digest);
  let position = 0;
  for (const piece of readExtent(extent)) {
    hash.update(piece);
    write(position, piece);
    position += piece.byteLength;
    await setImmediate(); // file reads are synchronous: let others have their turn
  }
  return position === extent.size && formatDigest(digestAlgorithm(digest), hash) === digest;
}

/** The bytes of a place, each piece in the same buffer; none when the file is gone. */
export function* readExtent(extent: Extent): Generator<Uint8Array> {
  let file: ArchiveFile;
  try {
    file = ArchiveFile.read(extent.path);
  } catch {
    return; // the file is gone: the same as not having the bytes
  }
  using open = file;
  yield* open.pieces(extent.offset, extent.size);
}
