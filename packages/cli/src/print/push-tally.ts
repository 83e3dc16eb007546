import type { MirrorEvent } from "@tranship/core";
import type { PushStopped } from "./cli-event.ts";

/** Counts what a push has done so far, for one that ends early and makes no report. */
export class PushTally {
  readonly #tags = { written: 0, present: 0 };
  readonly #blobs = { written: 0, mounted: 0, present: 0 };
  readonly #bytes = { written: 0, mounted: 0, present: 0 };
  #withoutTag = 0;

  /** Images of the bundle that have no tag to be pushed under. */
  get withoutTag(): number {
    return this.#withoutTag;
  }

  /** Whether anything came to the target. */
  get hasWritten(): boolean {
    return this.#tags.written + this.#blobs.written + this.#blobs.mounted > 0;
  }

  event(event: MirrorEvent): void {
    if (event.type === "image.finished") this.#tags[event.outcome] += 1;
    else if (event.type === "blob.finished") this.#count("written", event.size);
    else if (event.type === "blob.skipped" && (event.reason === "mounted" || event.reason === "present")) {
      this.#count(event.reason, event.size);
    } else if (event.type === "warning.raised" && event.code === "TAG_ABSENT") this.#withoutTag += 1;
  }

  /** What there is to tell of a push that was stopped. */
  stopped(reason: PushStopped["reason"], elapsedMs: number): PushStopped {
    const { written: uploaded, mounted, present } = this.#bytes;
    const bytes = { uploaded, mounted, present };
    return {
      type: "push.stopped",
      reason,
      tags: { ...this.#tags },
      blobs: { ...this.#blobs },
      bytes,
      elapsedMs: Math.round(elapsedMs),
    };
  }

  #count(outcome: "written" | "mounted" | "present", bytes: number): void {
    this.#blobs[outcome] += 1;
    this.#bytes[outcome] += bytes;
  }
}
