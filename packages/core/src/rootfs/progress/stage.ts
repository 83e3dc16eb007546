import type { OnRootfsEvent, ProgressUnit, RootfsStage } from "../events.ts";

/** The least time from one report of progress to the next, in milliseconds. */
const intervalMs = 100;

/** Tells of one stage: that it began, how far it is, and that it is done. A stage that fails is not finished. */
export class StageProgress {
  readonly #stage: RootfsStage;
  readonly #unit: ProgressUnit;
  readonly #total: number | undefined;
  readonly #onEvent: OnRootfsEvent | undefined;
  readonly #startedMs = performance.now();
  #done = 0;
  #toldMs = 0;
  #told = 0;

  /** Tells that the stage began. */
  constructor(stage: RootfsStage, onEvent: OnRootfsEvent | undefined, unit: ProgressUnit = "bytes", total?: number) {
    this.#stage = stage;
    this.#unit = unit;
    this.#total = total;
    this.#onEvent = onEvent;
    onEvent?.({ type: "stage.started", stage });
  }

  /** So much more is done; told at most ten times a second. */
  add(count: number): void {
    this.#done += count;
    if (performance.now() - this.#toldMs >= intervalMs) this.#tell();
  }

  /** Tells what is left to tell, and the end. */
  finish(): void {
    if (this.#told !== this.#done) this.#tell();
    const elapsedMs = Math.round(performance.now() - this.#startedMs);
    this.#onEvent?.({ type: "stage.finished", stage: this.#stage, elapsedMs });
  }

  #tell(): void {
    this.#toldMs = performance.now();
    this.#told = this.#done;
    const [stage, done, total, unit] = [this.#stage, this.#done, this.#total, this.#unit];
    this.#onEvent?.({ type: "stage.progress", stage, done, ...(total === undefined ? {} : { total }), unit });
  }
}
