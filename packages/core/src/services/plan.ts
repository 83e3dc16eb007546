import type { CallOptions } from "@tranship/registry";
import { LocalBlobs } from "../bundle/archive/local-blobs.ts";
import type { OnEvent } from "../events.ts";
import { compareText } from "../layout/index-file.ts";
import { baseOf } from "../plan/base.ts";
import {
  type DownloadList,
  type MissingImage,
  missingOf,
  type PlannedArchive,
  sortedMissing,
} from "../plan/download-list.ts";
import { type FailedItem, sortedFailed } from "../plan/failed-item.ts";
import type { Inventory } from "../plan/inventory.ts";
import { LayerCache } from "../plan/layers/layer-cache.ts";
import type { PlannedStep, Planner } from "../plan/planner.ts";
import { stepTotals } from "../plan/step-totals.ts";
import { ItemFailures, readsHosts } from "./item-failures.ts";
import { type Run, startRun } from "./run-context.ts";
import { imageFileReader, type PlannedItem, runItems } from "./run-items.ts";

/** Options of {@link plan}. */
export interface PlanOptions extends CallOptions {
  /** What the other side has already: its configs and layers are left out. @defaultValue nothing */
  readonly base?: Inventory | undefined;
  readonly onEvent?: OnEvent | undefined;
  /** Go on without the items that fail; the list says which in `failed`. @defaultValue false */
  readonly keepGoing?: boolean | undefined;
  /** Tries before something that arrives damaged counts as failed. @defaultValue 5 */
  readonly attempts?: number | undefined;
  /** The pause before the second try, in milliseconds; it doubles from try to try. @defaultValue 500 */
  readonly retryDelayMs?: number | undefined;
}

/**
 * What a pull of these components would transfer: the exact dry run. Reads the source, writes nothing. With `keepGoing` it
 * throws only what concerns the whole run, such as a catalog that cannot be listed.
 * @throws MirrorError `NOT_IN_CATALOG`, `IMAGE_NOT_FOUND`, `PATH_CONFLICT`, `TRANSFER_FAILED`, `INVENTORY_INVALID`
 */
export async function plan(planners: readonly Planner[], options: PlanOptions = {}): Promise<DownloadList> {
  using run = startRun(planners, options);
  const failures = new ItemFailures(run, { keepGoing: options.keepGoing, severalHosts: readsHosts(planners) });
  return (await planRun(planners, run, failures, options.base)).list;
}

/** The plan of a run, and every item there was. */
export interface PlannedRun {
  readonly list: DownloadList;
  readonly items: readonly PlannedItem[];
}

/** {@link plan} as a part of a run that goes on with what it comes to. */
export async function planRun(
  planners: readonly Planner[],
  run: Run,
  failures: ItemFailures,
  base?: Inventory,
): Promise<PlannedRun> {
  const nothing = new LocalBlobs();
  const items: PlannedItem[] = [];
  for (const [index, planner] of planners.entries()) {
    for (const item of await run.listItems(index)) items.push({ planner, item, run: run.contexts[index] ?? run.base });
  }
  const layers = new LayerCache();
  const { done, failed, missing } = await runItems(
    items,
    ({ planner }) => imageFileReader(planner, run.source, nothing, layers, run.patience),
    ({ item, run: { emit } }) => {
      const steps: PlannedStep[] = [];
      return {
        fixed: [],
        take: async (step) => {
          steps.push(step);
          emit({ type: "section.planned", archive: item.archive, ...stepTotals(step) });
        },
        finish: async () => ({ item, steps }),
        [Symbol.dispose]() {},
      };
    },
    { stop: run.stop, emit: run.base.emit, failures, base: base && baseOf(base) },
  );
  return { list: listOf(done, failed, missing), items };
}

/** The plan that these finished items make, and those that failed with what they missed; items without images are left out. */
export function listOf(
  items: readonly {
    readonly item: { readonly archive: string; readonly component: string; readonly name: string };
    readonly steps: readonly PlannedStep[];
  }[],
  failed: readonly FailedItem[],
  missingInFailed: readonly MissingImage[],
): DownloadList {
  const archives: PlannedArchive[] = [];
  const missing: MissingImage[] = [...missingInFailed];
  for (const { item, steps } of items) {
    const sections = steps.map(({ section }) => section).filter(({ repositories }) => repositories.length > 0);
    if (sections.length > 0)
      archives.push({ archive: item.archive, component: item.component, item: item.name, sections });
    missing.push(...missingOf(item, steps));
  }
  return {
    version: 1,
    archives: archives.sort((a, b) => compareText(a.archive, b.archive)),
    missing: sortedMissing(missing),
    ...(failed.length === 0 ? {} : { failed: sortedFailed(failed) }),
  };
}
