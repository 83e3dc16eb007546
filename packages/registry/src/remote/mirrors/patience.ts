/**
 * The patience of one call with a mirror. As long as nothing has come of it, the call leaves when the mirror goes to
 * rest: else a mirror that hangs would let everyone in line find that out for themselves, one timeout after another.
 */
export class Patience implements Disposable {
  /** Ends the call: the caller's own signal, or the failure that sent the mirror to rest. */
  readonly signal: AbortSignal;
  readonly #resting: AbortSignal;
  readonly #leaving = new AbortController();
  readonly #leave = () => this.#leaving.abort(this.#resting.reason);

  /** `resting` is aborted when the mirror goes to rest. */
  constructor(resting: AbortSignal, signal?: AbortSignal) {
    this.signal = signal ? AbortSignal.any([signal, this.#leaving.signal]) : this.#leaving.signal;
    this.#resting = resting;
    resting.addEventListener("abort", this.#leave, { once: true });
  }

  /** Something has come: who has a mirror at work stays with it. */
  rewarded(): void {
    this.#resting.removeEventListener("abort", this.#leave);
  }

  [Symbol.dispose](): void {
    this.rewarded();
  }
}
