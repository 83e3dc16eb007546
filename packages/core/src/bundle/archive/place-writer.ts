import type { DirectFile } from "../disk/direct-file.ts";
import { type DirectWrites, directPieceBytes } from "../disk/direct-writes.ts";

/** What a {@link PlaceWriter} needs of an archive. */
export interface WrittenFile {
  /** Writes all of it through the kernel's cache. @throws MirrorError `NO_SPACE`, `FILE_TOO_LARGE`, `FILE_FAILED` */
  write(offset: number, bytes: Uint8Array): void;
  /** Writes past it, as {@link DirectFile} does. */
  readonly direct: Pick<DirectFile, "isUsable" | "write"> | undefined;
}

/**
 * Writes the bytes of a blob to its place in an archive, in their order. Whole mebibytes of the file that are the blob's
 * alone are gathered and written past the kernel's cache, where that can be; its beginning and its end go through the cache,
 * as its neighbours do, so that the cache never has to write a part of the file that is being written past it. Nothing is
 * written while a piece is on its way: what lies in the place is always a beginning of the blob.
 */
export class PlaceWriter {
  readonly #file: WrittenFile;
  readonly #end: number;
  readonly #offset: number;
  readonly #direct: DirectWrites | undefined;
  /** The piece that is gathered, where in the file it starts, and how much of it there is. */
  #piece: Uint8Array | undefined;
  #start = 0;
  #filled = 0;
  /** Where the next byte goes, in the file. */
  #next: number | undefined;
  /** Never rejects. */
  #flight: Promise<void> | undefined;
  /** Bytes that wait for the flight to end. Never rejects. */
  #waiting: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;

  /** For a place of `size` bytes at `offset` of the file. Without `direct`, all of it goes through the kernel's cache. */
  constructor(file: WrittenFile, offset: number, size: number, direct?: DirectWrites) {
    this.#file = file;
    this.#offset = offset;
    this.#end = offset + size;
    this.#direct = direct;
  }

  /**
   * Takes borrowed bytes of the blob from `position` on; they may be used again when it returns, or when its promise
   * settles. @throws MirrorError `NO_SPACE`, `FILE_TOO_LARGE`, `FILE_FAILED`, also for what was taken before
   */
  write(position: number, bytes: Uint8Array): void | Promise<void> {
    this.#throwFailure();
    const at = this.#offset + position;
    const isFurther = this.#next === undefined || this.#next === at;
    if (isFurther && !this.#waiting) return this.#takeAll(at, bytes);
    return this.settle().then(() => this.#takeAll(at, bytes)); // it begins anew, or nobody waited for what was given before
  }

  /** Waits until all that was taken is in the file. @throws MirrorError `NO_SPACE`, `FILE_TOO_LARGE`, `FILE_FAILED` */
  async settle(): Promise<void> {
    while (this.#waiting) await this.#waiting;
    await this.#flight;
    const [piece, start, filled] = [this.#piece, this.#start, this.#filled];
    this.#piece = undefined;
    if (piece) await this.#bring(piece, start, filled);
    this.#next = undefined;
    this.#throwFailure();
  }

  #takeAll(at: number, bytes: Uint8Array): void | Promise<void> {
    this.#next = at + bytes.byteLength;
    const done = this.#take(at, bytes);
    if (done === undefined) return;
    const rest = this.#takeRest(at, bytes, done);
    this.#waiting = rest.catch(() => {});
    return rest;
  }

  async #takeRest(at: number, bytes: Uint8Array, from: number): Promise<void> {
    try {
      for (let done: number | undefined = from; done !== undefined; ) {
        await this.#flight;
        this.#throwFailure();
        if (this.#piece) this.#send(this.#piece);
        done = this.#take(at, bytes, done);
      }
    } finally {
      this.#waiting = undefined;
    }
  }

  /** Takes bytes from `from` on; gives where it stopped when what follows has to wait for the piece that is on its way. */
  #take(at: number, bytes: Uint8Array, from = 0): number | undefined {
    for (let done = from; done < bytes.byteLength; ) {
      const left = bytes.byteLength - done;
      const piece = this.#pieceAt(at + done);
      if (!piece) {
        if (this.#flight) return done;
        const inPiece = (at + done) % directPieceBytes;
        const some = inPiece > 0 && this.#mayGather ? Math.min(left, directPieceBytes - inPiece) : left; // the next one may be gathered
        this.#file.write(at + done, bytes.subarray(done, done + some));
        done += some;
        continue;
      }
      const some = Math.min(left, piece.byteLength - this.#filled);
      piece.set(bytes.subarray(done, done + some), this.#filled);
      this.#filled += some;
      done += some;
      if (this.#filled < piece.byteLength) continue;
      if (!this.#flight) this.#send(piece);
      else return done;
    }
    return undefined;
  }

  /** The piece that takes the byte at `offset`; `undefined` when that goes through the cache. */
  #pieceAt(offset: number): Uint8Array | undefined {
    if (this.#piece) return this.#piece;
    const isWhole = offset % directPieceBytes === 0 && this.#end - offset >= directPieceBytes;
    if (!isWhole || !this.#mayGather) return undefined;
    this.#piece = this.#direct?.take();
    this.#start = offset;
    this.#filled = 0;
    return this.#piece;
  }

  get #mayGather(): boolean {
    return this.#direct?.isWorthwhile === true && this.#file.direct?.isUsable === true;
  }

  #send(piece: Uint8Array): void {
    this.#piece = undefined;
    this.#flight = this.#bring(piece, this.#start, piece.byteLength).finally(() => {
      this.#flight = undefined;
    });
  }

  /** Brings the beginning of a piece into the file, and gives the piece back; a failure is kept. */
  async #bring(piece: Uint8Array, start: number, filled: number): Promise<void> {
    const { direct } = this.#file;
    const isWhole = filled === piece.byteLength;
    try {
      const done = (direct && isWhole && (await this.#direct?.measured(() => direct.write(piece, start)))) || 0;
      if (done < filled) this.#file.write(start + done, piece.subarray(done, filled));
    } catch (error) {
      this.#failure ??= { error };
    } finally {
      this.#direct?.giveBack(piece);
    }
  }

  #throwFailure(): void {
    if (this.#failure) throw this.#failure.error;
  }
}
