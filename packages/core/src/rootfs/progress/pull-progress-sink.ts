import { type OnPullProgress, type PullProgress, PullProgressTracker } from "./pull-progress.ts";

/** Keeps progress where others see it, such as in a database. The signal ends when its time is up. */
export type SavePullProgress = (progress: PullProgress, signal: AbortSignal) => Promise<void>;

/** Options of {@link PullProgressSink}. */
export interface PullProgressSinkOptions {
  /** The least time from one save to the next, in milliseconds. @defaultValue 800 */
  readonly intervalMs?: number | undefined;
  /** How long a save may take, in milliseconds. @defaultValue 5000 */
  readonly deadlineMs?: number | undefined;
  /** Told when a save fails that is not the last one: the pull goes on. */
  readonly onFailure?: ((error: unknown) => void) | undefined;
  /** A clock that never goes back, in milliseconds. @defaultValue that of the process */
  readonly now?: (() => number) | undefined;
}

/**
 * Saves how far a pull is, whatever it is pulled with: one save at a time, of what is newest, with a speed where none was told.
 * Nobody waits for a save but for the last.
 */
export class PullProgressSink {
  readonly #save: SavePullProgress;
  readonly #deadlineMs: number;
  readonly #onFailure: ((error: unknown) => void) | undefined;
  readonly #tracker: PullProgressTracker;
  #newest: PullProgress | undefined;
  #unsaved: PullProgress | undefined;
  #saving: Promise<void> | undefined;

  constructor(save: SavePullProgress, options: PullProgressSinkOptions = {}) {
    this.#save = save;
    this.#deadlineMs = options.deadlineMs ?? 5000;
    this.#onFailure = options.onFailure;
    const offer: OnPullProgress = (measured) => {
      const { speedBps } = this.#newest ?? measured;
      this.#unsaved = speedBps > 0 ? { ...measured, speedBps } : measured;
      this.#saving ??= this.#saveNewest();
    };
    this.#tracker = new PullProgressTracker(offer, { intervalMs: options.intervalMs, now: options.now });
  }

  /** Takes progress as it comes. */
  readonly update: OnPullProgress = (progress) => {
    this.#newest = progress;
    this.#tracker.update(progress);
  };

  /**
   * Saves the end, and waits for it: everything is there, or only what was told last. Whoever ended the pull, or is no longer
   * interested, does not end this; its time does. Rejects when it could not be saved.
   */
  async finish(isCompleted: boolean): Promise<void> {
    const last = this.#newest;
    if (!last) return;
    this.#unsaved = undefined; // it is out of date
    await this.#saving;
    const { totalBytes, downloadedBytes, totalLayers } = last;
    const all = { downloadedBytes: Math.max(totalBytes, downloadedBytes), completedLayers: totalLayers, percent: 100 };
    await this.#within({ ...last, ...(isCompleted ? all : {}), speedBps: 0 });
  }

  async #saveNewest(): Promise<void> {
    await Promise.resolve(); // what is told at once is saved at once
    for (let progress = this.#unsaved; progress; progress = this.#unsaved) {
      this.#unsaved = undefined;
      try {
        await this.#within(progress);
      } catch (error) {
        this.#onFailure?.(error);
      }
    }
    this.#saving = undefined;
  }

  async #within(progress: PullProgress): Promise<void> {
    const late = new AbortController();
    const { promise, reject } = Promise.withResolvers<never>();
    const timer = setTimeout(() => {
      late.abort(new Error(`progress was not saved in ${this.#deadlineMs} ms`));
      reject(late.signal.reason as Error);
    }, this.#deadlineMs);
    try {
      await Promise.race([this.#save(progress, late.signal), promise]);
    } finally {
      clearTimeout(timer);
    }
  }
}
