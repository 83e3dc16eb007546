import type { OnDepsEvent } from "../events.ts";
import { abortedFailure, failureOf } from "../failure-of.ts";

/** What events about a whole archive call it. */
export const archiveItem = "archive";

/** So many bytes are told of together. */
const stepBytes = 4 * 1024 * 1024;

/** Tells how far an archive is written or taken over. */
export class ArchiveProgress {
  readonly #names: { readonly item: string; readonly name: string; readonly path: string };
  readonly #total: number;
  readonly #onEvent: OnDepsEvent | undefined;
  #current = 0;
  #told = 0;

  constructor(path: string, total: number, onEvent: OnDepsEvent | undefined) {
    this.#names = { item: archiveItem, name: path, path };
    this.#total = total;
    this.#onEvent = onEvent;
    onEvent?.({ type: "started", ...this.#names, total });
  }

  add(bytes: number): void {
    this.#current += bytes;
    if (this.#current - this.#told < stepBytes) return;
    this.#told = this.#current;
    this.#onEvent?.({ type: "progress", ...this.#names, current: this.#current, total: this.#total });
  }

  /** Does the work, and tells how it ended: once `signal` is aborted, as `ABORTED`. */
  async run<Value>(work: () => Promise<Value>, signal: AbortSignal): Promise<Value> {
    let value: Value;
    try {
      value = await work();
    } catch (error) {
      const told = signal.aborted ? abortedFailure(this.#names.path) : failureOf(error);
      this.#onEvent?.({ type: "failed", ...this.#names, error: told });
      throw error;
    }
    this.#onEvent?.({ type: "done", ...this.#names, current: this.#total, total: this.#total });
    return value;
  }
}
