import type { Blob, Registry } from "@tranship/registry";
import { isMirrorError, type MirrorErrorDetails } from "../errors.ts";
import type { OnEvent } from "../events.ts";
import type { MissingImage, PlannedArchive } from "../plan/download-list.ts";
import { type FailedItem, sortedFailed } from "../plan/failed-item.ts";
import type { Planner } from "../plan/planner.ts";
import { AskedOnce } from "../push/asked-once.ts";
import type { PushBundleOptions, SpaceChecker, TagGatherer } from "../push/push-bundle.ts";
import type { PushReport } from "../push/push-report.ts";
import { type PushRound, pushFrom } from "../push/push-run.ts";
import { ItemFailures, readsHosts } from "../services/item-failures.ts";
import { planRun } from "../services/plan.ts";
import { type Run, startRun } from "../services/run-context.ts";
import type { PlannedItem } from "../services/run-items.ts";
import { shareOfRun } from "../services/shard-share.ts";
import { CopyProgress } from "../transfer/copy-progress.ts";
import { PlannedRegistry } from "./planned-registry.ts";

/** Options of {@link sync}. */
export interface SyncOptions extends Omit<PushBundleOptions, "prove" | "shard"> {
  /** The registry to fill. It may be on a host that the planners read from. */
  readonly to: Registry & Partial<SpaceChecker> & Partial<TagGatherer>;
  /**
   * Bring the other items when one cannot be planned or read: the report says which in `failed`, and nothing of them that
   * is not there yet is given a name. What the target refuses ends the run all the same. @defaultValue false
   */
  readonly keepGoing?: boolean | undefined;
  /** Tries before something that is planned by and arrives damaged counts as failed. @defaultValue 5 */
  readonly attempts?: number | undefined;
  /** The pause before the second of these tries, in milliseconds; it doubles from try to try. @defaultValue 500 */
  readonly retryDelayMs?: number | undefined;
}

/** What a sync did; plain data. What it tells beside a push is what a pull does. */
export interface SyncReport extends PushReport {
  /** What the selection led to and the source does not have. */
  readonly missing: readonly MissingImage[];
  /** What was gone on without, by the archive it would make; empty without `keepGoing`. */
  readonly failed: readonly FailedItem[];
}

/**
 * Brings what the planners ask for straight into a registry: what a pull into a bundle and a push of it would leave there,
 * digest for digest and tag for tag, with nothing on this machine's disk. All of it is planned before the first write; blobs are
 * streamed from the source to the target, and those that are there, or can be mounted, are not read at all. Interrupted, it is
 * called again and sends what is missing.
 * @throws MirrorError what `plan` and `pushBundle` throw, but for what is about bundles
 */
export async function sync(planners: readonly Planner[], options: SyncOptions): Promise<SyncReport> {
  const { to, keepGoing, onEvent, attempts, retryDelayMs, signal, ...push } = options;
  // manifests are kept for the push, which has them in memory in any case
  using run = startRun(planners, { signal, attempts, retryDelayMs, heldBytes: Number.POSITIVE_INFINITY, onEvent });
  const failures = new ItemFailures(run, { keepGoing, severalHosts: readsHosts(planners) });
  const { list, items } = await planRun(planners, run, failures);
  const shard = shareOfRun(planners, items);
  const progress = new CopyProgress();
  const asked = new AskedOnce(to);
  const emit = warningsOnce(run.base.emit);
  let archives = list.archives;
  for (let isFirst = true; ; isFirst = false) {
    const source = plannedRegistry(archives, items, run, emit);
    const broken = new Map<string, unknown>();
    const onFailure = (error: unknown, path: string, blob?: Blob) => {
      if (run.stop.signal.aborted) return;
      if (!blob || !isOfSource(error)) return run.stop.abort(error);
      failures.meet(error);
      for (const archive of source.archivesWith(path, blob.digest)) {
        if (!broken.has(archive)) broken.set(archive, error);
      }
    };
    const how = { ...push, probe: isFirst ? push.probe : false, signal: run.stop.signal, onEvent: emit };
    const wholesOf: PushRound["wholesOf"] = keepGoing ? (path, digest) => source.archivesWith(path, digest) : undefined;
    const { report, failures: left } = await pushFrom(source, to, how, { progress, asked, wholesOf, onFailure });
    const [first] = left;
    if (!first) {
      const failed = failedOf(planners, items, failures, run);
      return { ...report, missing: list.missing, failed, ...(shard ? { shard } : {}) };
    }
    leaveOut(broken, items, failures);
    run.stop.signal.throwIfAborted();
    if (broken.size === 0) throw first.error; // of no item: another round would meet it again
    archives = archives.filter(({ archive }) => !broken.has(archive));
  }
}

function plannedRegistry(
  archives: readonly PlannedArchive[],
  items: readonly PlannedItem[],
  { source: view }: Run,
  onEvent: OnEvent,
): PlannedRegistry {
  const planners = new Map(items.map(({ item, planner }) => [item.archive, planner]));
  const open = (archive: string, source: string) => {
    const planner = planners.get(archive);
    if (planner) return planner.open(source);
    throw new Error(`${archive} is of no planner`);
  };
  return new PlannedRegistry(archives, { open, view, onEvent });
}

/** Whether what failed may concern its item alone: it could not be read. */
function isOfSource(error: unknown): boolean {
  if (!isMirrorError(error, "TRANSFER_FAILED")) return false;
  const { side }: MirrorErrorDetails["TRANSFER_FAILED"] = error.details;
  return side === "source";
}

function leaveOut(broken: ReadonlyMap<string, unknown>, items: readonly PlannedItem[], failures: ItemFailures): void {
  for (const { item, run } of items) {
    if (broken.has(item.archive)) failures.add(item, broken.get(item.archive), run);
  }
}

/** What failed now, and what had failed when a plan was made that is followed. */
function failedOf(
  planners: readonly Planner[],
  items: readonly PlannedItem[],
  failures: ItemFailures,
  { stop }: Run,
): readonly FailedItem[] {
  const now = failures.finish(items.map(({ item }) => item));
  stop.signal.throwIfAborted();
  return sortedFailed([...now, ...planners.flatMap(({ list }) => list?.failed ?? [])]);
}

/** Passes events on; a warning that a later round would repeat is told once. */
function warningsOnce(emit: OnEvent): OnEvent {
  const told = new Set<string>();
  return (event) => {
    if (event.type === "warning.raised") {
      const key = `${event.code} ${event.message}`;
      if (told.has(key)) return;
      told.add(key);
    }
    emit(event);
  };
}
