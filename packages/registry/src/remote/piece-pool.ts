import type { AllocatePiece } from "../repository.ts";

/** Pieces that are smaller are not kept: a socket may have several such in its hands, and they are soon collected. */
const minBytes = 64 * 1024;
const bufferBytes = 128 * 1024;

/** More buffers that nobody uses are not kept: 8 MiB. */
const maxFree = 64;

/** Memory for the pieces of blobs that are sent, used again and again. */
export class PiecePool {
  readonly #free: ArrayBuffer[] = [];
  readonly #own = new WeakSet<ArrayBufferLike>();

  /** Memory of exactly so many bytes. */
  readonly allocate: AllocatePiece = (bytes) => {
    if (bytes < minBytes || bytes > bufferBytes) return Buffer.allocUnsafeSlow(bytes);
    const buffer = this.#free.pop() ?? new ArrayBuffer(bufferBytes);
    this.#own.add(buffer);
    return new Uint8Array(buffer, 0, bytes);
  };

  /** Takes back what was allocated here, once; of other pieces nothing is kept. */
  giveBack({ buffer }: Uint8Array): void {
    if (!this.#own.delete(buffer) || this.#free.length >= maxFree) return;
    this.#free.push(buffer as ArrayBuffer);
  }
}
