/** How often is looked, in milliseconds. */
const everyMs = 20;

interface Lag {
  readonly atMs: number;
  readonly lagMs: number;
}

/** How late this process comes to its work: on a busy machine, a client's patience ends though nobody made it wait. */
export class LoopLag implements Disposable {
  readonly #timer: NodeJS.Timeout;
  #lags: Lag[] = [];
  #lookedMs: number = performance.now();

  constructor() {
    this.#timer = setInterval(() => this.#look(), everyMs);
  }

  /** The longest time that nothing was done since a moment of `performance.now()`, in milliseconds. */
  longestSince(sinceMs: number): number {
    this.#look();
    return this.#lags.reduce((most, { atMs, lagMs }) => (atMs >= sinceMs ? Math.max(most, lagMs) : most), 0);
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const atMs = performance.now();
    const lagMs = atMs - this.#lookedMs - everyMs;
    this.#lookedMs = atMs;
    if (lagMs < 50) return;
    this.#lags.push({ atMs, lagMs });
    if (this.#lags.length > 20_000) this.#lags = this.#lags.slice(10_000);
  }
}
