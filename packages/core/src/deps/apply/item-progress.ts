import type { OnDepsEvent } from "../events.ts";
import type { JobProgress } from "../jobs/item-job.ts";
import type { ItemNames } from "./item-names.ts";

/** So often progress of an item is told, in milliseconds. */
const intervalMs = 100;

/** Tells how far one item is, not too often, and how it ended, once. */
export class ItemProgress implements JobProgress {
  readonly #names: ItemNames;
  readonly #onEvent: OnDepsEvent | undefined;
  #total: number | undefined;
  #current = 0;
  #told = 0;
  #toldAtMs = Number.NEGATIVE_INFINITY;
  #isStarted = false;

  constructor(names: ItemNames, size: number | undefined, onEvent: OnDepsEvent | undefined) {
    this.#names = names;
    this.#total = size;
    this.#onEvent = onEvent;
  }

  /** All bytes that are here by now. */
  get current(): number {
    return this.#current;
  }

  started(): void {
    if (this.#isStarted) return;
    this.#isStarted = true;
    this.#onEvent?.({ type: "started", ...this.#names, total: this.#total });
  }

  total(bytes: number): void {
    this.#total = bytes;
  }

  retrying(error: unknown, pauseMs: number): void {
    const reason = error instanceof Error ? error.message : String(error);
    const message = `${this.#names.name}: ${reason}; trying again in ${(pauseMs / 1000).toFixed(1)} s`;
    this.#onEvent?.({ type: "warning", warning: { code: "RETRYING", message } });
  }

  add(bytes: number): void {
    this.#current = Math.max(0, this.#current + bytes);
    if (!this.#isStarted || this.#current <= this.#told) return;
    const nowMs = performance.now();
    if (nowMs - this.#toldAtMs < intervalMs) return;
    this.#toldAtMs = nowMs;
    this.#told = this.#current;
    this.#onEvent?.({ type: "progress", ...this.#names, current: this.#current, total: this.#total });
  }
}
