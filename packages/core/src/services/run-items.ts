import type { LocalBlobs } from "../bundle/archive/local-blobs.ts";
import { type Base, withoutBase } from "../plan/base.ts";
import { ClaimedTags } from "../plan/claimed-tags.ts";
import { type MissingImage, missingOf } from "../plan/download-list.ts";
import type { FailedItem } from "../plan/failed-item.ts";
import { readImageFiles } from "../plan/layers/image-files.ts";
import type { LayerCache } from "../plan/layers/layer-cache.ts";
import { LocalFirstRepository } from "../plan/local-first.ts";
import type { Item, PlannedStep, Planner, ReadImageFiles, RunContext, SourceView } from "../plan/planner.ts";
import { askingAgain, type Patience } from "../transfer/asking-again.ts";
import { Pool } from "../transfer/pool.ts";
import { transferError } from "../transfer/transfer-error.ts";
import type { ItemFailures } from "./item-failures.ts";

/** Items worked on at a time: each may hold an archive open. */
const itemsInFlight = 8;

/** What a run does with an item, step after step. */
export interface ItemSink<Result> {
  /** Steps that are fixed already, from an interrupted run. */
  readonly fixed: readonly PlannedStep[];
  /** Takes a step; the next one is planned when this resolves. `isNew` tells a step planned now from a fixed one. */
  take(step: PlannedStep, isNew: boolean): Promise<void>;
  /** The item is complete. */
  finish(): Promise<Result>;
}

/** An item with the planner that listed it. */
export interface PlannedItem {
  readonly planner: Planner;
  readonly item: Item;
  readonly run: RunContext;
}

/** Options of {@link runItems}. */
export interface RunItemsOptions {
  /** Ends the run. */
  readonly stop: AbortController;
  /** Told how many items there are. */
  readonly emit: RunContext["emit"];
  /** Decides what the failure of an item ends. */
  readonly failures: ItemFailures;
  /** What steps that are planned now may leave out. Fixed ones have left out what there was then. */
  readonly base?: Base | undefined;
}

/** How the items of a run ended, each in the items' order. */
export interface ItemsRun<Result> {
  readonly done: readonly Result[];
  readonly failed: readonly FailedItem[];
  /** What the items that failed had found to be missing before. */
  readonly missing: readonly MissingImage[];
}

/**
 * Runs every item's planner to its end: the one path by which both a plan and a pull learn what there is. A failure ends
 * its item, or the run, and then whatever is under way is aborted; it settles only when nothing is.
 */
export async function runItems<Result>(
  items: readonly PlannedItem[],
  read: (item: PlannedItem) => ReadImageFiles,
  sinkOf: (item: PlannedItem) => ItemSink<Result> & Disposable,
  { stop, emit, failures, base }: RunItemsOptions,
): Promise<ItemsRun<Result>> {
  if (items.length > 0) emit({ type: "items.listed", items: items.length });
  const pool = new Pool(itemsInFlight);
  const claimed = new ClaimedTags();
  const missing: MissingImage[] = [];
  const runs = items.map((planned) =>
    pool.run(async () => {
      const steps: PlannedStep[] = [];
      try {
        return { result: await runItem(planned, read(planned), sinkOf, { base, steps, claimed }) };
      } catch (error) {
        failures.add(planned.item, error, planned.run);
        missing.push(...missingOf(planned.item, steps));
        return undefined;
      }
    }, stop.signal),
  );
  const results = await Promise.allSettled(runs);
  const failed = failures.finish(items.map(({ item }) => item));
  stop.signal.throwIfAborted();
  const done = results.flatMap((one) => (one.status === "fulfilled" && one.value ? [one.value.result] : []));
  return { done, failed, missing };
}

/** What {@link runItem} goes by, and adds to. */
interface ItemState {
  readonly base: Base | undefined;
  /** The item's own, in their order. */
  readonly steps: PlannedStep[];
  readonly claimed: ClaimedTags;
}

async function runItem<Result>(
  planned: PlannedItem,
  read: ReadImageFiles,
  sinkOf: (item: PlannedItem) => ItemSink<Result> & Disposable,
  { base, steps, claimed }: ItemState,
): Promise<Result> {
  const { planner, item, run } = planned;
  run.emit({ type: "item.started", component: item.component, item: item.name, archive: item.archive });
  using sink = sinkOf(planned);
  for (const step of sink.fixed) {
    claimed.claim(planner, step.section);
    steps.push(step);
    await sink.take(step, false);
  }
  for (;;) {
    const done = steps.map(({ section }) => section);
    const next = await planner.next(item, done, run, read);
    if (!next) return await sink.finish(); // awaited here: the sink is closed on the way out
    claimed.claim(planner, next.section);
    const placed = planner.list ? next : withPlace(next, item); // a list has said it
    const step = base ? overBase(placed, base, run) : placed;
    steps.push(step);
    await sink.take(step, true);
  }
}

/** The step, saying of what is missing in which archive. */
function withPlace(step: PlannedStep, { archive }: Item): PlannedStep {
  return { ...step, missing: step.missing.map((one) => ({ ...one, archive })) };
}

/** The step without what the base has; both a plan and a pull get theirs here, so that they leave out the same. */
function overBase(step: PlannedStep, base: Base, run: RunContext): PlannedStep {
  const section = withoutBase(step.section, base, ({ digest, size }, sizes) => {
    const message = `the base gives ${digest} ${sizes.join(" and ")} bytes, the source ${size}: the base is not relied on for it`;
    run.emit({ type: "warning.raised", code: "BASE_CONTRADICTED", message, reference: digest });
  });
  return { ...step, section };
}

/** Reads files of planned images: blobs at hand first, else from the source. */
export function imageFileReader(
  planner: Planner,
  view: SourceView,
  local: LocalBlobs,
  layers: LayerCache,
  patience: Patience,
): ReadImageFiles {
  const { signal } = patience;
  return async ({ source, leftOut = [] }, { digest, reference }, names) => {
    const repository = new LocalFirstRepository(planner.open(source), view, local);
    const own = leftOut.filter(({ index, image = index }) => image === digest);
    const how = { signal, layers, without: new Set(own.map((one) => one.digest)) };
    try {
      const manifest = await repository.manifest(digest);
      return await askingAgain(() => readImageFiles(repository, manifest, names, how), patience);
    } catch (error) {
      throw transferError(error, "source", `read ${names.join(", ")} of ${reference}`, reference, signal);
    }
  };
}
