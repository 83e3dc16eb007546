import { namesOf } from "../apply/item-names.ts";
import { type Jobs, jobOf } from "../apply/job-of.ts";
import { OpenItems } from "../apply/open-items.ts";
import { runSome } from "../apply/run-some.ts";
import { standardJobs } from "../apply/standard-jobs.ts";
import type { DepsFailure, OnDepsEvent } from "../events.ts";
import { failureOf } from "../failure-of.ts";
import type { ContentCheck, ItemJob, ProbeContext } from "../jobs/item-job.ts";
import type { DepsItem } from "../manifest.ts";
import type { Presence } from "../plan.ts";
import { itemPlace } from "./item-place.ts";
import { SharedReads } from "./shared-reads.ts";

/** Options of {@link verifyItems}. */
export interface VerifyItemsOptions {
  /** Reads and hashes all bytes, whatever is known of the files. @defaultValue `false` */
  readonly isDeep?: boolean | undefined;
  /** Items looked at at a time. @defaultValue 8 */
  readonly concurrency?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told `checking` of each item, then `cached` or `failed`; where it is aborted, too. */
  readonly onEvent?: OnDepsEvent | undefined;
  /** @internal */
  readonly jobs?: Jobs | undefined;
}

/** What was found of an item. */
export interface VerifiedItem {
  readonly item: DepsItem;
  /** `unpinned`: it is there, complete, and nothing says what it must be. */
  readonly presence: Presence;
  /** The file, the folder of the layout, or the repository it was pushed to. */
  readonly path: string;
  /** Why it could not be looked at; `presence` is `differs` then. */
  readonly failure?: DepsFailure | undefined;
}

/** What {@link verifyItems} found; plain data, in the order of the items. */
export interface VerifyDepsReport {
  readonly items: readonly VerifiedItem[];
  /** How many are there, as they must be; those that nothing pins too. */
  readonly present: number;
  readonly absent: number;
  /** How many hold other content, are incomplete, or could not be looked at. */
  readonly differs: number;
  /** Whether all are present. */
  readonly isWhole: boolean;
}

/**
 * Looks whether items are in a cache, unharmed: fast, by what was noted of files when they were written or read last, or
 * deep, by all their bytes. A file that several items share is read once. What is wrong is reported, not thrown; nothing is
 * changed but what is known of files.
 * @throws DepsError `SINK_UNSUITABLE`
 */
export async function verifyItems(
  items: readonly DepsItem[],
  cache: { readonly contents: ContentCheck },
  options: VerifyItemsOptions = {},
): Promise<VerifyDepsReport> {
  const { isDeep = false, concurrency = 8, onEvent, jobs = standardJobs } = options;
  const { signal = new AbortController().signal } = options;
  const works = items.map((item) => ({ item, job: jobOf(item, jobs) })); // all that cannot work is told before anything is done
  const context: ProbeContext = { contents: new SharedReads(cache.contents), isDeep, signal };
  const found = new Array<VerifiedItem>(items.length);
  const open = new OpenItems(onEvent);
  const look = async (item: DepsItem, job: ItemJob): Promise<VerifiedItem> => {
    signal.throwIfAborted();
    const names = namesOf(item);
    open.begin(names);
    const path = itemPlace(item.sink);
    onEvent?.({ type: "checking", ...names, total: item.size });
    let one: VerifiedItem;
    try {
      one = { item, path, presence: await job.probe(item, context) };
    } catch (error) {
      signal.throwIfAborted();
      one = { item, path, presence: "differs", failure: failureOf(error) };
    }
    open.end(names);
    const failure = one.failure ?? failureFor(one);
    if (failure === undefined) onEvent?.({ type: "cached", ...names, current: item.size, total: item.size });
    else onEvent?.({ type: "failed", ...names, error: failure });
    return one;
  };
  await open.during(async () => {
    await runSome(works, Math.max(1, concurrency), async ({ item, job }, index) => {
      found[index] = await look(item, job);
    });
    signal.throwIfAborted();
  });
  const count = (...kinds: readonly Presence[]) => found.filter(({ presence }) => kinds.includes(presence)).length;
  const present = count("present", "unpinned");
  return {
    items: found,
    present,
    absent: count("absent"),
    differs: count("differs"),
    isWhole: present === found.length,
  };
}

function failureFor({ item, presence, path }: VerifiedItem): DepsFailure | undefined {
  if (presence === "present" || presence === "unpinned") return undefined;
  const why = presence === "absent" ? "is not there, or not whole" : "is not what its manifest says";
  return { code: "INCOMPLETE", message: `${item.id} ${why}: ${path}` };
}
