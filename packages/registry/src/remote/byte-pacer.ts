import { sleep } from "./sleep.ts";

/** Time as a {@link BytePacer} knows it. */
export interface PacerClock {
  /** Milliseconds on a clock that only goes forward. */
  now(): number;
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}

const systemClock: PacerClock = { now: () => performance.now(), sleep };

/** So long a piece takes at most, and so much of lost time is made up for, in milliseconds. */
const pieceMs = 50;
const largestPieceBytes = 64 * 1024;

/** Timers cannot wait for less; what they wait too long is made up for by the next piece. */
const shortestWaitMs = 1;

/**
 * Holds the bodies of one host, in both directions together, to a number of bytes a second. Everyone gets room for one
 * piece at a time, first come first served, so a large body does not stop the others.
 */
export class BytePacer {
  /** Ask for no more than this at once: {@link take} would let the others wait for it. */
  readonly pieceBytes: number;
  readonly #bytesPerMs: number;
  readonly #clock: PacerClock;
  /** When all that was taken so far has had its time. */
  #freeAtMs = Number.NEGATIVE_INFINITY;

  /** @throws RangeError when `bytesPerSecond` is not a positive number */
  constructor(bytesPerSecond: number, clock: PacerClock = systemClock) {
    if (!Number.isFinite(bytesPerSecond) || bytesPerSecond <= 0) {
      throw new RangeError(`bytesPerSecond must be a positive number, not ${bytesPerSecond}`);
    }
    this.#bytesPerMs = bytesPerSecond / 1000;
    this.#clock = clock;
    this.pieceBytes = Math.max(1, Math.min(largestPieceBytes, Math.floor(this.#bytesPerMs * pieceMs)));
  }

  /** Takes room for so many bytes. Gives what to wait for before they go; nothing when they may go at once. */
  take(bytes: number, signal?: AbortSignal): Promise<void> | undefined {
    const nowMs = this.#clock.now();
    this.#freeAtMs = Math.max(nowMs - pieceMs, this.#freeAtMs) + bytes / this.#bytesPerMs;
    const waitMs = this.#freeAtMs - nowMs;
    return waitMs < shortestWaitMs ? undefined : this.#clock.sleep(waitMs, signal);
  }
}
