import { closeSync, constants, openSync, write } from "node:fs";

const { O_DIRECT, O_WRONLY }: Partial<typeof constants> = constants;

/**
 * A file as it is written past the kernel's cache: with no copy of the bytes, and onto the device at once. Only Linux has
 * it, and not every file system. Whoever uses it has another way for what it does not write.
 */
export class DirectFile implements Disposable {
  readonly #descriptor: number;
  #inFlight = 0;
  #isRefused = false;
  #isClosed = false;

  private constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  /** The file behind an open descriptor, or `undefined` where that cannot be. */
  static of(descriptor: number): DirectFile | undefined {
    if (O_DIRECT === undefined || O_WRONLY === undefined) return undefined;
    try {
      return new DirectFile(openSync(`/proc/self/fd/${descriptor}`, O_WRONLY | O_DIRECT));
    } catch {
      return undefined;
    }
  }

  /** Whether it still takes bytes. */
  get isUsable(): boolean {
    return !this.#isRefused && !this.#isClosed;
  }

  /** Writes whole pages at a page, from memory that begins at one; gives how many bytes were written, 0 when it is refused. */
  async write(bytes: Uint8Array, offset: number): Promise<number> {
    if (!this.isUsable) return 0;
    this.#inFlight += 1;
    try {
      return await new Promise<number>((resolve) => {
        write(this.#descriptor, bytes, 0, bytes.byteLength, offset, (error, written) => {
          if (error || written < bytes.byteLength) this.#isRefused = true; // why, the other way will tell
          resolve(error ? 0 : written);
        });
      });
    } finally {
      this.#inFlight -= 1;
      if (this.#isClosed && this.#inFlight === 0) closeSync(this.#descriptor);
    }
  }

  /** Closes it, as soon as nothing is on its way any more. */
  [Symbol.dispose](): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#inFlight === 0) closeSync(this.#descriptor);
  }
}
