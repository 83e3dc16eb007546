import type { OnDepsEvent } from "../events.ts";
import { failureOf } from "../failure-of.ts";
import type { ContentCheck, ItemJob, ProbeContext, Staging } from "../jobs/item-job.ts";
import type { DepsItem } from "../manifest.ts";
import { type DepsPlan, type PlannedItem, type Presence, planOf } from "../plan.ts";
import { namesOf } from "./item-names.ts";
import { type Jobs, jobOf } from "./job-of.ts";
import { OpenItems } from "./open-items.ts";
import { runSome } from "./run-some.ts";
import { standardJobs } from "./standard-jobs.ts";

/** What is used of a cache to fill it. */
export interface CacheParts {
  readonly contents: ContentCheck;
  readonly staging: Staging;
}

/** Options of {@link planDeps}. */
export interface PlanDepsOptions {
  /** Reads and hashes all that is there, whatever is known of it. @defaultValue `false` */
  readonly isDeep?: boolean | undefined;
  /** Takes what is there and pinned by nothing, such as a branch, for what is wanted: nobody can be asked. @defaultValue `false` */
  readonly isOffline?: boolean | undefined;
  /** Items looked at at a time. @defaultValue 16 */
  readonly concurrency?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told `checking` of each item, then `cached` or `queued`; and of all but the cached ones `failed`, if it is rejected. */
  readonly onEvent?: OnDepsEvent | undefined;
  /** @internal */
  readonly jobs?: Jobs | undefined;
}

/**
 * Looks which items are in the cache. Asks nobody but this machine, so that a plan is the same for a dry run and a real one.
 * @throws DepsError `SINK_UNSUITABLE`, `FILE_FAILED`
 */
export async function planDeps(
  items: readonly DepsItem[],
  { contents }: Pick<CacheParts, "contents">,
  options: PlanDepsOptions = {},
): Promise<DepsPlan> {
  const { isDeep = false, isOffline = false, concurrency = 16, onEvent, jobs = standardJobs } = options;
  const { signal = new AbortController().signal } = options;
  const works = items.map((item) => ({ item, job: jobOf(item, jobs) })); // all that cannot work is told before anything is done
  const context: ProbeContext = { contents, isDeep, signal };
  const planned = new Array<PlannedItem>(items.length);
  const open = new OpenItems(onEvent);
  const look = async (item: DepsItem, job: ItemJob): Promise<Presence> => {
    signal.throwIfAborted();
    const names = namesOf(item);
    const total = item.size;
    open.begin(names);
    onEvent?.({ type: "checking", ...names, total });
    const found = await job.probe(item, context).catch((error: unknown) => {
      signal.throwIfAborted();
      open.end(names);
      onEvent?.({ type: "failed", ...names, error: failureOf(error) });
      throw error;
    });
    const presence = isOffline && found === "unpinned" ? "present" : found;
    if (presence === "present") {
      open.end(names);
      onEvent?.({ type: "cached", ...names, current: total, total });
    } else onEvent?.({ type: "queued", ...names, total });
    return presence;
  };
  await open.during(async () => {
    await runSome(works, concurrency, async ({ item, job }, index) => {
      planned[index] = { item, presence: await look(item, job) };
    });
    signal.throwIfAborted();
  });
  return planOf(planned);
}
