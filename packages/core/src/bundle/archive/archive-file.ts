import { setImmediate } from "node:timers/promises";
import { MirrorError } from "../../errors.ts";
import type { DirectFile } from "../disk/direct-file.ts";
import type { OnSyncRefused } from "../disk/sync-folder.ts";
import { type ArchivePlace, filePathOf, type Located } from "./archive-place.ts";
import type { ArchiveStorage } from "./archive-storage.ts";
import { ChunkFiles } from "./chunk-files.ts";
import { WholeFile } from "./whole-file.ts";

const readBytes = 1024 * 1024;

/**
 * One archive, in one file or in chunks, read and written at offsets. Its own writes are synchronous: through the kernel's
 * cache they are faster than the thread pool's, and never in doubt when a chunk's memory is given back.
 */
export class ArchiveFile implements Disposable {
  /** Where it was when it was opened. */
  readonly place: ArchivePlace;
  /** The length when it was opened, in bytes: nothing beyond it can be left from before. 0 for chunks that are only read. */
  readonly sizeAtOpen: number;
  readonly #storage: ArchiveStorage;

  private constructor(place: ArchivePlace, storage: ArchiveStorage) {
    this.place = place;
    this.#storage = storage;
    this.sizeAtOpen = storage.size;
  }

  /** Opens for reading. Chunks are looked for where the archive is when they are needed. @throws MirrorError `FILE_FAILED` */
  static read(located: Located): ArchiveFile {
    const { place } = located;
    if (!place)
      throw new MirrorError("FILE_FAILED", "cannot read an archive that is gone", { path: "", reason: "ENOENT" });
    return new ArchiveFile(place, openStorage(place, located, "read"));
  }

  /** Opens for writing, keeping what is there; made when missing. `onSyncRefused` is for {@link sync}. @throws MirrorError `FILE_FAILED` */
  static write(place: ArchivePlace, onSyncRefused?: OnSyncRefused): ArchiveFile {
    return new ArchiveFile(place, openStorage(place, { place }, "write", onSyncRefused));
  }

  /** The path of its first file. */
  get path(): string {
    return filePathOf(this.place);
  }

  /** What it takes on disk, in bytes: less than its length where it has holes. */
  get allocatedBytes(): number {
    return this.#storage.allocatedBytes;
  }

  /** How it is written past the kernel's cache; `undefined` where that cannot be. */
  get direct(): DirectFile | undefined {
    return this.#storage.direct;
  }

  /** Writes all of `bytes` at `offset`. @throws MirrorError `NO_SPACE`, `FILE_TOO_LARGE`, `FILE_FAILED` */
  write(offset: number, bytes: Uint8Array): void {
    for (let done = 0; done < bytes.byteLength; ) {
      done += this.#storage.writeAt(done === 0 ? bytes : bytes.subarray(done), offset + done);
    }
  }

  /** Fills `into` from `offset`; gives how many bytes there were. @throws MirrorError `FILE_FAILED` */
  readInto(into: Uint8Array, offset: number): number {
    let done = 0;
    while (done < into.byteLength) {
      const got = this.#storage.readAt(done === 0 ? into : into.subarray(done), offset + done);
      if (got === 0) break;
      done += got;
    }
    return done;
  }

  /** The bytes from `offset`, at most `length`; one buffer, reused from piece to piece. */
  *pieces(offset: number, length: number): Generator<Uint8Array> {
    const buffer = new Uint8Array(Math.max(1, Math.min(readBytes, length))); // no Buffer: its slice() does not copy
    for (let at = offset; at < offset + length; ) {
      const got = this.readInto(buffer.subarray(0, Math.min(buffer.byteLength, offset + length - at)), at);
      if (got === 0) return;
      yield buffer.subarray(0, got);
      at += got;
    }
  }

  /**
   * Where the last byte that is not zero ends, in `[offset, offset + length)`, counted from `offset`; 0 when all are
   * zero. Looks at what was there when the file was opened only.
   */
  async endOfData(offset: number, length: number, signal?: AbortSignal): Promise<number> {
    const present = Math.max(0, Math.min(length, this.sizeAtOpen - offset));
    const buffer = Buffer.allocUnsafeSlow(Math.max(1, Math.min(readBytes, present)));
    const zeros = Buffer.alloc(buffer.byteLength);
    for (let end = present; end > 0; ) {
      await setImmediate(); // reads are synchronous, and a hole may be long
      signal?.throwIfAborted();
      const start = Math.max(0, end - buffer.byteLength);
      const piece = buffer.subarray(0, this.readInto(buffer.subarray(0, end - start), offset + start));
      if (!piece.equals(zeros.subarray(0, piece.byteLength))) {
        return start + piece.findLastIndex((byte) => byte !== 0) + 1;
      }
      end = start;
    }
    return 0;
  }

  /** Sets the length in bytes; with it, every chunk gets its own. @throws MirrorError `NO_SPACE`, `FILE_TOO_LARGE`, `FILE_FAILED` */
  truncate(size: number): void {
    this.#storage.truncate(size);
  }

  /** Waits until the bytes are on the device. A failure is final: the kernel may have dropped what it could not write. */
  sync(): Promise<void> {
    return this.#storage.sync();
  }

  [Symbol.dispose](): void {
    this.#storage[Symbol.dispose]();
  }
}

function openStorage(
  place: ArchivePlace,
  located: Located,
  mode: "read" | "write",
  onSyncRefused?: OnSyncRefused,
): ArchiveStorage {
  const { chunkBytes } = place;
  return chunkBytes === undefined
    ? new WholeFile(filePathOf(place), mode, onSyncRefused)
    : new ChunkFiles(located, chunkBytes, mode, onSyncRefused);
}
