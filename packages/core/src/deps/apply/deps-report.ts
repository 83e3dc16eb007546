import type { DepsFailure } from "../events.ts";
import type { ItemContent } from "../jobs/item-job.ts";
import type { DepsItem } from "../manifest.ts";

/** What became of an item. */
export interface ItemReport {
  readonly item: DepsItem;
  /** It was there; it is now; it is not. */
  readonly outcome: "cached" | "done" | "failed";
  /** What there is: of all that was brought, and of artifacts and charts that were there. */
  readonly content?: ItemContent | undefined;
  /** Why it is not there. */
  readonly failure?: DepsFailure | undefined;
}

/** What {@link applyDeps} did; plain data, in the order of the plan. */
export interface DepsReport {
  readonly items: readonly ItemReport[];
  readonly cached: number;
  readonly done: number;
  readonly failed: number;
  /** All bytes of what was brought, counted once for each item; less may have been fetched, where items share some. */
  readonly doneBytes: number;
}
