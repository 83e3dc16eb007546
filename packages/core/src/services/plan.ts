import { LocalBlobs } from "../bundle/local-blobs.ts";
import type { OnEvent } from "../events.ts";
import { compareText } from "../layout/index-file.ts";
import { baseOf } from "../plan/base.ts";
import type { DownloadList, MissingImage, PlannedArchive } from "../plan/download-list.ts";
import type { Inventory } from "../plan/inventory.ts";
import { LayerCache } from "../plan/layer-cache.ts";
import type { PlannedStep, Planner } from "../plan/planner.ts";
import { stepTotals } from "../plan/step-totals.ts";
import { startRun } from "./run-context.ts";
import { imageFileReader, type PlannedItem, runItems } from "./run-items.ts";

/** Options of {@link plan}. */
export interface PlanOptions {
  /** What the other side has already: its configs and layers are left out. @defaultValue nothing */
  readonly base?: Inventory | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onEvent?: OnEvent | undefined;
}

/**
 * What a pull of these components would transfer: the exact dry run. Reads the source, writes nothing.
 * @throws MirrorError `NOT_IN_CATALOG`, `IMAGE_NOT_FOUND`, `TRANSFER_FAILED`, `INVENTORY_INVALID`
 */
export async function plan(planners: readonly Planner[], options: PlanOptions = {}): Promise<DownloadList> {
  using run = startRun(planners, options);
  const nothing = new LocalBlobs();
  const items: PlannedItem[] = [];
  for (const [index, planner] of planners.entries()) {
    for (const item of await run.listItems(index)) items.push({ planner, item, run: run.contexts[index] ?? run.base });
  }
  const layers = new LayerCache();
  const done = await runItems(
    items,
    ({ planner }) => imageFileReader(planner, run.base.source, run.base.signal, nothing, layers),
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
    { stop: run.stop, base: options.base && baseOf(options.base) },
  );
  return listOf(done);
}

/** The plan that these finished items make; items without images are left out. */
export function listOf(
  items: readonly {
    readonly item: { readonly archive: string; readonly component: string; readonly name: string };
    readonly steps: readonly PlannedStep[];
  }[],
): DownloadList {
  const archives: PlannedArchive[] = [];
  const missing: MissingImage[] = [];
  for (const { item, steps } of items) {
    const sections = steps.map(({ section }) => section).filter(({ repositories }) => repositories.length > 0);
    if (sections.length > 0)
      archives.push({ archive: item.archive, component: item.component, item: item.name, sections });
    for (const one of steps.flatMap((step) => step.missing)) missing.push({ ...one, component: item.component });
  }
  return { version: 1, archives: archives.sort((a, b) => compareText(a.archive, b.archive)), missing };
}
