/** Older than this does not count, in milliseconds. */
const windowMs = 15_000;

/** Samples are at least so far apart, in milliseconds. */
const sampleMs = 250;

/** Before that, a rate is chance, in milliseconds. */
const steadyMs = 3000;

/** How fast a count grows: the average over the last 15 seconds, or over all of it while it is younger. */
export class RateMeter {
  readonly #samples: { readonly atMs: number; readonly bytes: number }[] = [];
  #bytes = 0;
  #firstMs: number | undefined;

  constructor(nowMs: number) {
    this.#samples.push({ atMs: nowMs, bytes: 0 });
  }

  /** So many more bytes by `nowMs`; fewer than none when some proved wrong, which nothing gets slower by. */
  add(bytes: number, nowMs: number): void {
    this.#sample(nowMs);
    this.#bytes += Math.max(0, bytes);
    this.#firstMs ??= nowMs;
  }

  /** Bytes a second at `nowMs`. */
  perSecond(nowMs: number): number {
    this.#sample(nowMs);
    const [first] = this.#samples;
    if (!first || nowMs <= first.atMs) return 0;
    return ((this.#bytes - first.bytes) * 1000) / Math.max(sampleMs, nowMs - first.atMs);
  }

  /** Whether bytes have come for long enough to tell what comes by them. */
  isSteady(nowMs: number): boolean {
    return this.#firstMs !== undefined && nowMs - this.#firstMs >= steadyMs;
  }

  #sample(nowMs: number): void {
    const last = this.#samples.at(-1);
    if (last && nowMs - last.atMs >= sampleMs) this.#samples.push({ atMs: nowMs, bytes: this.#bytes });
    while (this.#samples.length > 2 && (this.#samples[1]?.atMs ?? nowMs) <= nowMs - windowMs) this.#samples.shift();
  }
}
