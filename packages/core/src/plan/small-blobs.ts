import type { Blob, Digest } from "@tranship/registry";

/** Larger blobs are streamed to whoever reads them, in bytes. */
export const maxSmallBlobBytes: number = 1024 ** 2;

/** Bytes kept at hand: what was read to decide something is stored soon after, or never. */
const defaultMaxHeldBytes = 16 * 1024 ** 2;

/** Small blobs whose content decides what else is planned: read once, and then at hand for whoever stores them. */
export class SmallBlobs {
  readonly #flights = new Map<Digest, Promise<Uint8Array>>();
  /** Sizes of those that were read, oldest first. */
  readonly #held = new Map<Digest, number>();
  readonly #maxHeldBytes: number;
  #heldBytes = 0;

  /** Of more than `maxHeldBytes`, the oldest are forgotten. */
  constructor(maxHeldBytes: number = defaultMaxHeldBytes) {
    this.#maxHeldBytes = maxHeldBytes;
  }

  /**
   * The blob, by `read` unless it is at hand or under way. A read that fails is not remembered, and whoever waited for
   * another's reads for itself: what failed may be the other's repository.
   */
  async find(blob: Blob, read: () => Promise<Uint8Array>): Promise<Uint8Array> {
    for (;;) {
      const flight = this.#flights.get(blob.digest);
      if (!flight) return await this.#start(blob, read);
      const bytes = await flight.catch(() => undefined);
      if (bytes) return isOf(blob, bytes) ? bytes : await read();
    }
  }

  /** The blob, where it was read or is being read; `undefined` elsewhere, and when that fails. */
  async held(blob: Blob): Promise<Uint8Array | undefined> {
    const bytes = await this.#flights.get(blob.digest)?.catch(() => undefined);
    return bytes && isOf(blob, bytes) ? bytes : undefined;
  }

  #start(blob: Blob, read: () => Promise<Uint8Array>): Promise<Uint8Array> {
    const { digest } = blob;
    const flight = read();
    this.#flights.set(digest, flight);
    flight.then(
      ({ byteLength }) => this.#flights.get(digest) === flight && this.#hold(digest, byteLength),
      () => this.#flights.get(digest) === flight && this.#flights.delete(digest),
    );
    return flight;
  }

  #hold(digest: Digest, bytes: number): void {
    this.#held.set(digest, bytes);
    this.#heldBytes += bytes;
    for (const [oldest, size] of this.#held) {
      if (this.#heldBytes <= this.#maxHeldBytes) return;
      this.#held.delete(oldest);
      this.#flights.delete(oldest);
      this.#heldBytes -= size;
    }
  }
}

/** A digest has one size: who says otherwise gets the error of whoever reads it. */
function isOf({ size }: Blob, { byteLength }: Uint8Array): boolean {
  return size === byteLength;
}
