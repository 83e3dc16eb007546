/** How far the layers of an image have come to this machine; bytes are those of the layers as they are stored. */
export interface PullProgress {
  /** 0 while it is not known. */
  readonly totalBytes: number;
  /** Never less than told before. */
  readonly downloadedBytes: number;
  readonly totalLayers: number;
  readonly completedLayers: number;
  /** Bytes a second, as of late: what happened longer ago counts for less. 0 until there is something to measure. */
  readonly speedBps: number;
  /** 0 to 100, never less than told before: of the bytes, or of the layers while the bytes are not known. */
  readonly percent: number;
}

/** Takes the state of a pull; may be called from several downloads at once. */
export type OnPullProgress = (progress: PullProgress) => void;

/** What a pull has counted so far. */
export interface PullCounts {
  readonly totalBytes: number;
  readonly downloadedBytes: number;
  readonly totalLayers: number;
  readonly completedLayers: number;
  /** Of the downloaded bytes those that were at hand: nothing brought them, so they have no speed. @defaultValue 0 */
  readonly presentBytes?: number | undefined;
}

/** Options of {@link PullProgressTracker}. */
export interface PullProgressOptions {
  /** The least time from one report to the next, in milliseconds. @defaultValue 800 */
  readonly intervalMs?: number | undefined;
  /** A clock that never goes back, in milliseconds. @defaultValue that of the process */
  readonly now?: (() => number) | undefined;
}

/** What the speed forgets: after so many milliseconds bytes weigh a third of what they did. */
const memoryMs = 5000;

/** Makes reports of counts: at most one in a while, none that goes back, with a speed that does not jump. */
export class PullProgressTracker {
  readonly #onProgress: OnPullProgress;
  readonly #intervalMs: number;
  readonly #now: () => number;
  #counts: PullCounts | undefined;
  #last: { readonly atMs: number; readonly broughtBytes: number } | undefined;
  #isTold = true;
  #downloadedBytes = 0;
  #percent = 0;
  /** Of the speed: bytes and milliseconds, both forgotten at the same rate. */
  #recentBytes = 0;
  #recentMs = 0;

  constructor(onProgress: OnPullProgress, options: PullProgressOptions = {}) {
    this.#onProgress = onProgress;
    this.#intervalMs = options.intervalMs ?? 800;
    this.#now = options.now ?? (() => performance.now());
  }

  /** Takes the counts; tells them if it is time to. */
  update(counts: PullCounts): void {
    this.#counts = counts;
    this.#isTold = false;
    const { atMs } = this.#last ?? {};
    if (atMs === undefined || this.#now() - atMs >= this.#intervalMs) this.flush();
  }

  /** Takes the counts and tells them at once: at the start, and at the end of a layer. */
  tell(counts: PullCounts): void {
    this.#counts = counts;
    this.#isTold = false;
    this.flush();
  }

  /** Tells what was taken and not told yet; the last thing to do, however the work ended. */
  flush(): void {
    if (!this.#counts || this.#isTold) return;
    this.#isTold = true;
    const counts = this.#counts;
    const speedBps = this.#measure(counts);
    this.#downloadedBytes = Math.max(this.#downloadedBytes, counts.downloadedBytes);
    this.#percent = Math.max(this.#percent, percentOf({ ...counts, downloadedBytes: this.#downloadedBytes }));
    const { totalBytes, totalLayers, completedLayers } = counts;
    this.#onProgress({
      totalBytes,
      downloadedBytes: this.#downloadedBytes,
      totalLayers,
      completedLayers,
      speedBps,
      percent: this.#percent,
    });
  }

  #measure({ downloadedBytes, presentBytes = 0 }: PullCounts): number {
    const atMs = this.#now();
    const broughtBytes = downloadedBytes - presentBytes;
    if (this.#last) {
      const elapsedMs = Math.max(0, atMs - this.#last.atMs);
      const kept = Math.exp(-elapsedMs / memoryMs);
      this.#recentBytes = this.#recentBytes * kept + Math.max(0, broughtBytes - this.#last.broughtBytes);
      this.#recentMs = this.#recentMs * kept + elapsedMs;
    }
    this.#last = { atMs, broughtBytes };
    return this.#recentMs > 0 ? Math.round((this.#recentBytes * 1000) / this.#recentMs) : 0;
  }
}

function percentOf({ totalBytes, downloadedBytes, totalLayers, completedLayers }: PullCounts): number {
  const [done, total] = totalBytes > 0 ? [downloadedBytes, totalBytes] : [completedLayers, totalLayers];
  return total > 0 ? Math.min(100, (done / total) * 100) : 0;
}
