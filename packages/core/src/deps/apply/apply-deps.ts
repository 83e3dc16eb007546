import type { DepsAccess } from "../access.ts";
import { DepsError } from "../errors.ts";
import type { OnDepsEvent } from "../events.ts";
import { abortedFailure, failureOf } from "../failure-of.ts";
import { HostSlots } from "../jobs/host-slots.ts";
import type { BringContext, ItemContent, ItemJob } from "../jobs/item-job.ts";
import type { DepsItem } from "../manifest.ts";
import type { DepsPlan } from "../plan.ts";
import type { DepsReport, ItemReport } from "./deps-report.ts";
import { namesOf } from "./item-names.ts";
import { ItemProgress } from "./item-progress.ts";
import { type Jobs, jobOf } from "./job-of.ts";
import type { CacheParts } from "./plan-deps.ts";
import { runSome } from "./run-some.ts";
import { standardJobs } from "./standard-jobs.ts";

/** Items begun at a time: many more than are transferred, so that those of a busy host are not in the way of others. */
const openItems = 64;

/** Options of {@link applyDeps}. */
export interface ApplyDepsOptions {
  /** Files and blobs under way at a time; 4 for numbers below 1. @defaultValue 4 */
  readonly concurrency?: number | undefined;
  /** Files and blobs under way at a time with single hosts. @defaultValue as many as in all */
  readonly hostLimits?: Readonly<Record<string, number>> | undefined;
  /** Goes on with the others when an item fails. @defaultValue `false` */
  readonly keepGoing?: boolean | undefined;
  /** Asks nobody: what is missing and not elsewhere on this machine fails with `OFFLINE`. @defaultValue `false` */
  readonly isOffline?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told of each item that is to be brought: `started`, `progress`, and at its end either `done` or `failed`. */
  readonly onEvent?: OnDepsEvent | undefined;
  /** @internal */
  readonly jobs?: Jobs | undefined;
}

/**
 * Brings what a plan misses. Each item gets exactly one last event, `done` or `failed`; those that were under way, or not
 * begun, when the work ended fail with `ABORTED`. What is there by then stays.
 * @throws DepsError of the first item that failed, unless `keepGoing`; what `onEvent` throws; `signal.reason`
 */
export async function applyDeps(
  plan: DepsPlan,
  cache: CacheParts,
  access: DepsAccess,
  options: ApplyDepsOptions = {},
): Promise<DepsReport> {
  const { concurrency = 4, hostLimits, keepGoing = false, isOffline = false, signal, onEvent } = options;
  const { jobs = standardJobs } = options;
  const works = plan.items.map((planned) => ({ ...planned, job: jobOf(planned.item, jobs) }));
  const ending = new AbortController();
  const stop = signal ? AbortSignal.any([signal, ending.signal]) : ending.signal;
  const total = concurrency >= 1 ? concurrency : 4;
  const slots = new HostSlots({ total, perHost: hostLimits });
  const probing = { contents: cache.contents, isDeep: false, signal: stop };
  const reports = new Array<ItemReport>(works.length);
  let failure: { readonly error: unknown } | undefined;
  let refusal: { readonly error: unknown } | undefined;
  const tell: OnDepsEvent = (event) => {
    try {
      onEvent?.(event);
    } catch (error) {
      refusal ??= { error }; // no item's fault
      ending.abort(error);
    }
  };

  const bring = async (item: DepsItem, job: ItemJob): Promise<ItemReport> => {
    const names = namesOf(item);
    const progress = new ItemProgress(names, item.size, tell);
    try {
      stop.throwIfAborted();
      const context = { ...probing, staging: cache.staging, access, slots, progress };
      const content = isOffline ? await bringOffline(item, job, context) : await job.bring(item, context);
      tell({ type: "done", ...names, current: content.sizeBytes, total: content.sizeBytes });
      return { item, outcome: "done", content };
    } catch (error) {
      const told = stop.aborted ? abortedFailure(item.id) : failureOf(error);
      if (!stop.aborted) {
        failure ??= { error };
        if (!keepGoing) ending.abort(error);
      }
      tell({ type: "failed", ...names, error: told });
      return { item, outcome: "failed", failure: told };
    }
  };

  const look = async (item: DepsItem, job: ItemJob): Promise<ItemReport> => {
    if (stop.aborted || !hasLayer(item)) return { item, outcome: "cached" };
    try {
      return { item, outcome: "cached", content: await job.content(item, probing) };
    } catch (error) {
      if (!stop.aborted) failure ??= { error };
      if (!keepGoing) ending.abort(error);
      return { item, outcome: "failed", failure: failureOf(error) };
    }
  };

  await runSome(works, openItems, async ({ item, presence, job }, index) => {
    reports[index] = presence === "present" ? await look(item, job) : await bring(item, job);
  });
  signal?.throwIfAborted();
  if (refusal !== undefined) throw refusal.error;
  if (failure !== undefined && !keepGoing) throw failure.error;
  return reportOf(reports);
}

async function bringOffline(item: DepsItem, job: ItemJob, context: BringContext): Promise<ItemContent> {
  const content = await job.bringOffline?.(item, context);
  if (content !== undefined) return content;
  throw new DepsError("OFFLINE", `cannot fetch ${item.id}: working offline`, { item: item.id });
}

function reportOf(items: readonly ItemReport[]): DepsReport {
  const count = (outcome: ItemReport["outcome"]) => items.filter((one) => one.outcome === outcome).length;
  const done = items.filter(({ outcome }) => outcome === "done");
  return {
    items,
    cached: count("cached"),
    done: done.length,
    failed: count("failed"),
    doneBytes: done.reduce((sum, { content }) => sum + (content?.sizeBytes ?? 0), 0),
  };
}

/** Whoever asked for an artifact or a chart wants to know where its layer is. */
function hasLayer({ source }: DepsItem): boolean {
  return source.type === "artifact" || source.type === "chart";
}
