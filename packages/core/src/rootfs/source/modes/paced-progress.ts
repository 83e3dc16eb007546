import type { PullProgress } from "../../progress/pull-progress.ts";

/** Options of {@link PacedProgress}. */
export interface PacingOptions {
  /** The least time between two calls, in milliseconds. @defaultValue 200 */
  readonly intervalMs?: number | undefined;
  /** A clock in milliseconds. @defaultValue the process's */
  readonly now?: (() => number) | undefined;
}

/** Passes progress on at most every 200 ms; what was held back last is passed on by {@link flush}. */
export class PacedProgress {
  readonly #onProgress: (progress: PullProgress) => void;
  readonly #intervalMs: number;
  readonly #now: () => number;
  #last: number | undefined;
  #held: PullProgress | undefined;

  constructor(
    onProgress: ((progress: PullProgress) => void) | undefined,
    { intervalMs = 200, now = () => performance.now() }: PacingOptions = {},
  ) {
    this.#onProgress = onProgress ?? (() => {});
    this.#intervalMs = intervalMs;
    this.#now = now;
  }

  /** Passes it on, or holds it until the next or the last. */
  offer(progress: PullProgress | undefined): void {
    if (progress === undefined) return;
    this.#held = progress;
    if (this.#last === undefined || this.#now() - this.#last >= this.#intervalMs) this.flush();
  }

  /** Passes on what is held back. */
  flush(): void {
    if (this.#held === undefined) return;
    const progress = this.#held;
    this.#held = undefined;
    this.#last = this.#now();
    this.#onProgress(progress);
  }
}
