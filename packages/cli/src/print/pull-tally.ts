import type { MirrorEvent } from "@tranship/core";
import type { PullStopped } from "./cli-event.ts";
import { count } from "./size.ts";

/** Remembers which archives a pull has finished, for one that ends early and makes no report. */
export class PullTally {
  readonly #started = new Set<string>();
  readonly #finished = new Set<string>();

  /** Whether any archive was begun. */
  get hasStarted(): boolean {
    return this.#started.size > 0;
  }

  event(event: MirrorEvent): void {
    if (event.type === "section.planned" && event.images > 0) this.#started.add(event.archive);
    else if (event.type === "archive.finished") this.#finished.add(event.archive);
  }

  /** What there is to tell of a pull that was stopped. */
  stopped(reason: PullStopped["reason"]): PullStopped {
    const unfinished = [...this.#started].filter((archive) => !this.#finished.has(archive));
    return { type: "pull.stopped", reason, finished: [...this.#finished].sort(), unfinished: unfinished.sort() };
  }
}

/** What a pull that ended early has done and how to go on, for people. */
export function stoppedPullSummary({ reason, finished, unfinished }: PullStopped, directory: string): string {
  return [
    ...finished.map((archive) => `  ${archive.padEnd(32)} complete`),
    ...unfinished.map((archive) => `  ${archive.padEnd(32)} begun, and kept to be continued`),
    `${reason === "cancelled" ? "cancelled" : "not finished"}: ${count(finished.length, "archive")} in ${directory} ` +
      `${finished.length === 1 ? "is" : "are"} complete; run the same command again, it goes on where it stopped`,
  ].join("\n");
}
