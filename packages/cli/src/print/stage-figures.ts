import type { CliEvent } from "./cli-event.ts";

/** What a stage of making a root file system is called while it runs. */
export type StageActivity = "resolving" | "downloading" | "merging" | "writing" | "formatting" | "checking";

/** What tells of stages. */
export type StageEvent = Extract<CliEvent, { readonly type: `stage.${string}` }>;

type Stage = StageEvent["stage"];

/** In their order. */
const activities: Readonly<Record<Stage, StageActivity>> = {
  resolve: "resolving",
  download: "downloading",
  merge: "merging",
  write: "writing",
  format: "formatting",
  check: "checking",
};

/** How far the stages are that run now. Of several side by side the first is told: the others wait for it. */
export class StageFigures {
  readonly #running = new Map<Stage, { done: number; total: number }>();
  #isActive = false;

  /** Whether stages are what is told of at all. */
  get isActive(): boolean {
    return this.#isActive;
  }

  /** `undefined` between two stages. */
  get activity(): StageActivity | undefined {
    const stage = this.#first;
    return stage && activities[stage];
  }

  /** What is in place of the stage that is told, in bytes. */
  get doneBytes(): number {
    return this.#figures?.done ?? 0;
  }

  /** What there is of it; 0 when that is not known. */
  get totalBytes(): number {
    return this.#figures?.total ?? 0;
  }

  event(event: StageEvent): void {
    this.#isActive = true;
    if (event.type === "stage.started") this.#running.set(event.stage, { done: 0, total: 0 });
    else if (event.type === "stage.finished") this.#running.delete(event.stage);
    else if (event.unit === "bytes") this.#running.set(event.stage, { done: event.done, total: event.total ?? 0 });
  }

  get #first(): Stage | undefined {
    return (Object.keys(activities) as Stage[]).find((stage) => this.#running.has(stage));
  }

  get #figures() {
    const stage = this.#first;
    return stage && this.#running.get(stage);
  }
}
