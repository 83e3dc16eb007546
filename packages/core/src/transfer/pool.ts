/** Runs at most `size` tasks at a time, in the order they were handed in. */
export class Pool {
  #free: number;
  /** Taken from its beginning, and shortened now and then: taking the first of a long list moves all others. */
  #waiting: ((() => void) | undefined)[] = [];
  #next = 0;

  constructor(size: number) {
    this.#free = size;
  }

  /** Runs `task` when a place is free; rejects with the signal's reason when it is aborted before that. */
  async run<T>(task: () => Promise<T>, signal: AbortSignal): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      signal.throwIfAborted();
      return await task();
    } finally {
      const next = this.#takeNext();
      if (next) next();
      else this.#free += 1;
    }
  }

  #takeNext(): (() => void) | undefined {
    const next = this.#waiting[this.#next];
    this.#waiting[this.#next] = undefined; // what it holds need not wait for the list to be shortened
    this.#next += 1;
    if (this.#next * 2 < this.#waiting.length) return next;
    this.#waiting = this.#waiting.slice(this.#next);
    this.#next = 0;
    return next;
  }
}
