interface Waiter {
  /** When they came, on the clock that only goes forward. */
  readonly sinceMs: number;
  readonly admit: () => void;
  readonly refuse: (reason: unknown) => void;
}

/** People in line: first come, first served; anyone may leave by their signal. */
export class WaitingLine {
  readonly #waiters = new Set<Waiter>();
  readonly #onLeave: (() => void) | undefined;

  /** `onLeave` is told of everyone who left the line, whichever way. */
  constructor(onLeave?: () => void) {
    this.#onLeave = onLeave;
  }

  get isEmpty(): boolean {
    return this.#waiters.size === 0;
  }

  /** Resolves when admitted; rejects with the signal's reason, or with the one of {@link refuse}. */
  wait(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      const leave = () => {
        this.#waiters.delete(waiter);
        signal?.removeEventListener("abort", abort);
        this.#onLeave?.();
      };
      const waiter: Waiter = {
        sinceMs: performance.now(),
        admit: () => {
          leave();
          resolve();
        },
        refuse: (reason) => {
          leave();
          reject(reason);
        },
      };
      const abort = () => waiter.refuse(signal?.reason);
      signal?.addEventListener("abort", abort);
      this.#waiters.add(waiter);
    });
  }

  /** Lets the first one go; gives whether there was one. */
  admit(): boolean {
    for (const waiter of this.#waiters) {
      waiter.admit();
      return true;
    }
    return false;
  }

  /** Sends everyone home, or those of whom `isOver` says so by when they came. */
  refuse(reason: unknown, isOver: (sinceMs: number) => boolean = () => true): void {
    for (const waiter of this.#waiters) if (isOver(waiter.sinceMs)) waiter.refuse(reason);
  }
}
