import { closeSync, fdatasync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import { promisify } from "node:util";
import { localError } from "./local-error.ts";

const readBytes = 1024 * 1024;
const dataSync = promisify(fdatasync);

/**
 * One file of a bundle, read and written at offsets. Writes are synchronous: on the hot path they are faster than the
 * thread pool's and never in doubt when a chunk's memory is given back.
 */
export class ArchiveFile implements Disposable {
  readonly path: string;
  /** The file's length when it was opened, in bytes: nothing beyond it can be left from before. */
  readonly sizeAtOpen: number;
  readonly #descriptor: number;
  #isOpen = true;

  private constructor(path: string, descriptor: number) {
    this.path = path;
    this.#descriptor = descriptor;
    this.sizeAtOpen = fstatSync(descriptor).size;
  }

  /** Opens for reading. @throws MirrorError `FILE_FAILED` */
  static read(path: string): ArchiveFile {
    return new ArchiveFile(path, openFile(path, "r"));
  }

  /** Opens for writing, keeping what is there; made when missing. @throws MirrorError `FILE_FAILED` */
  static write(path: string): ArchiveFile {
    try {
      return new ArchiveFile(path, openSync(path, "r+"));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw localError(error, path);
      return new ArchiveFile(path, openFile(path, "w+"));
    }
  }

  /** The file's length in bytes. */
  get size(): number {
    return fstatSync(this.#descriptor).size;
  }

  /** What the file takes on disk, in bytes: less than its length where it has holes. */
  get allocatedBytes(): number {
    return fstatSync(this.#descriptor).blocks * 512;
  }

  /** Writes all of `bytes` at `offset`. @throws MirrorError `NO_SPACE`, `FILE_FAILED` */
  write(offset: number, bytes: Uint8Array): void {
    try {
      for (let done = 0; done < bytes.byteLength; ) {
        done += writeSync(this.#descriptor, bytes, done, bytes.byteLength - done, offset + done);
      }
    } catch (error) {
      throw localError(error, this.path);
    }
  }

  /** Fills `into` from `offset`; gives how many bytes there were. @throws MirrorError `FILE_FAILED` */
  readInto(into: Uint8Array, offset: number): number {
    try {
      let done = 0;
      while (done < into.byteLength) {
        const got = readSync(this.#descriptor, into, done, into.byteLength - done, offset + done);
        if (got === 0) break;
        done += got;
      }
      return done;
    } catch (error) {
      throw localError(error, this.path);
    }
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

  /** Sets the file's length in bytes. @throws MirrorError `NO_SPACE`, `FILE_FAILED` */
  truncate(size: number): void {
    try {
      ftruncateSync(this.#descriptor, size);
    } catch (error) {
      throw localError(error, this.path);
    }
  }

  /** Waits until the bytes are on the device. A failure is final: the kernel may have dropped what it could not write. */
  async sync(): Promise<void> {
    try {
      await dataSync(this.#descriptor);
    } catch (error) {
      throw localError(error, this.path);
    }
  }

  [Symbol.dispose](): void {
    if (this.#isOpen) closeSync(this.#descriptor);
    this.#isOpen = false;
  }
}

function openFile(path: string, flags: string): number {
  try {
    return openSync(path, flags);
  } catch (error) {
    throw localError(error, path);
  }
}
