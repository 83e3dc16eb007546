import { closeSync } from "node:fs";
import { type OnSyncRefused, syncData, withoutSync } from "./sync-folder.ts";

/**
 * Has what is written to an open file brought to the device while more is written, so that there is little to wait for at the
 * end. It owns the descriptor.
 */
export class FlushBehind implements Disposable {
  readonly #descriptor: number;
  readonly #path: string;
  readonly #everyBytes: number;
  readonly #onSyncRefused: OnSyncRefused | undefined;
  #waitingBytes = 0;
  #flush: Promise<void> | undefined;
  #failure: { readonly error: unknown } | undefined;
  #isClosed = false;

  /** Begins whenever `everyBytes` have been written. */
  constructor(descriptor: number, path: string, everyBytes: number, onSyncRefused?: OnSyncRefused) {
    this.#descriptor = descriptor;
    this.#path = path;
    this.#everyBytes = everyBytes;
    this.#onSyncRefused = onSyncRefused;
  }

  /** So many bytes were written. */
  wrote(bytes: number): void {
    this.#waitingBytes += bytes;
    if (this.#waitingBytes >= this.#everyBytes && !this.#flush && this.#onSyncRefused !== withoutSync) this.#begin();
  }

  /**
   * Waits until all that was written is on the device. What failed before fails now: the kernel may have dropped what it could
   * not write, and tells of it once. @throws MirrorError `FILE_FAILED`, `NO_SPACE`
   */
  async finish(): Promise<void> {
    while (this.#flush) await this.#flush; // one that ends may begin the next, and a failure is told to one of them only
    this.#waitingBytes = 0;
    if (!this.#failure) await syncData(this.#descriptor, this.#path, this.#onSyncRefused);
    if (this.#failure) throw this.#failure.error;
  }

  /** Closes the file, as soon as nothing is on its way any more. */
  [Symbol.dispose](): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (!this.#flush) closeSync(this.#descriptor);
  }

  #begin(): void {
    this.#waitingBytes = 0;
    this.#flush = syncData(this.#descriptor, this.#path, this.#onSyncRefused).then(
      () => this.#ended(),
      (error: unknown) => {
        this.#failure ??= { error };
        this.#ended();
      },
    );
  }

  #ended(): void {
    this.#flush = undefined;
    if (this.#isClosed) closeSync(this.#descriptor);
    else if (!this.#failure) this.wrote(0);
  }
}
