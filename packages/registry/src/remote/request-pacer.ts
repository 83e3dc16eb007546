/** So much of a second's requests may come at once after a rest: a page of small ones need not trickle. */
const burstShare = 0.2;

/**
 * A token bucket for requests: as many a second as it was made for, with a small burst after a rest. It keeps no timer;
 * whoever holds it asks how long to wait. All times are of one clock that only goes forward, in milliseconds.
 */
export class RequestPacer {
  readonly #intervalMs: number;
  readonly #toleranceMs: number;
  /** When the bucket will be full again. */
  #fullAtMs = Number.NEGATIVE_INFINITY;

  /** @throws RangeError when `requestsPerSecond` is not a positive number */
  constructor(requestsPerSecond: number) {
    if (!Number.isFinite(requestsPerSecond) || requestsPerSecond <= 0) {
      throw new RangeError(`requestsPerSecond must be a positive number, not ${requestsPerSecond}`);
    }
    this.#intervalMs = 1000 / requestsPerSecond;
    this.#toleranceMs = (Math.ceil(requestsPerSecond * burstShare) - 1) * this.#intervalMs;
  }

  /** How long until the next request may go; 0 when it may go now. */
  waitMs(nowMs: number): number {
    return Math.max(0, this.#fullAtMs - this.#toleranceMs - nowMs);
  }

  /** One request goes now. */
  take(nowMs: number): void {
    this.#fullAtMs = Math.max(nowMs, this.#fullAtMs) + this.#intervalMs;
  }
}
