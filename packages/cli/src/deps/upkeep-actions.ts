import { type OnDepsEvent, prunePlan, prune as removePlanned } from "@tranship/core/deps";
import type { CliContext } from "../context.ts";
import type { DepsFlags } from "../flags/deps-flags.ts";
import { depsPruneSummary } from "../print/deps-summaries.ts";
import { runSettings } from "./cache-settings.ts";
import type { CacheWork } from "./cache-work.ts";

/** Says what nothing needs any more; with `--yes`, removes it. */
export async function prune(
  work: CacheWork,
  flags: DepsFlags,
  { output, signal }: CliContext,
  onEvent: OnDepsEvent,
): Promise<void> {
  const isDryRun = flags.yes !== true;
  const { keepHistory } = runSettings(flags);
  await using cache = await work.open(isDryRun ? "read" : "change");
  const [keep, former] = [await work.items(cache), await work.former(cache)];
  const plan = await prunePlan(cache, keep, { store: work.store, former, keepHistory, signal });
  const done = isDryRun ? undefined : await removePlanned(cache, plan, { signal, onEvent });
  const report = {
    cache: work.folder,
    dryRun: isDryRun,
    removals: plan.removals.map(({ path, reason, bytes }) => ({ path, reason, bytes })),
    unlisted: plan.layouts.map(({ layout, entries }) => ({ layout, entries: entries.length })),
    kept: [...plan.unknown, ...(done?.kept ?? [])].map(({ path, reason }) => ({ path, reason })),
    freedBytes: plan.freedBytes,
  };
  output.report("deps prune", report, depsPruneSummary(report));
}
