import type { DepsItem } from "./manifest.ts";

/** Whether an item is where it goes, and if not, why: nothing is there, it is other content, or nothing says what it must be. */
export type Presence = "present" | "absent" | "differs" | "unpinned";

/** An item of a plan. */
export interface PlannedItem {
  readonly item: DepsItem;
  readonly presence: Presence;
}

/** What is there and what is to be fetched: plain data, the same for a dry run and a real one. */
export interface DepsPlan {
  readonly items: readonly PlannedItem[];
  /** How many items are present. */
  readonly present: number;
  /** How many items are to be fetched. */
  readonly missing: number;
  /** The sizes of all items that say theirs, in bytes. */
  readonly totalBytes: number;
  /** The sizes of those that are to be fetched and say theirs, in bytes. */
  readonly missingBytes: number;
  /** How many of those that are to be fetched do not say their size. */
  readonly unknownSizes: number;
}

/** The plan for items of which it is known whether they are present. */
export function planOf(items: readonly PlannedItem[]): DepsPlan {
  const missing = items.filter(({ presence }) => presence !== "present");
  return {
    items,
    present: items.length - missing.length,
    missing: missing.length,
    totalBytes: bytesOf(items),
    missingBytes: bytesOf(missing),
    unknownSizes: missing.filter(({ item }) => item.size === undefined).length,
  };
}

function bytesOf(items: readonly PlannedItem[]): number {
  return items.reduce((sum, { item }) => sum + (item.size ?? 0), 0);
}
