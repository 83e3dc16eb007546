import { type OnDepsEvent, verifyItems } from "@tranship/core/deps";
import type { CliContext } from "../context.ts";
import type { DepsFlags } from "../flags/deps-flags.ts";
import { depsDownloadSummary, depsPlanSummary, depsStatusSummary, depsVerifySummary } from "../print/deps-summaries.ts";
import { runSettings } from "./cache-settings.ts";
import type { CacheWork } from "./cache-work.ts";
import { reportItem } from "./report-items.ts";

/** Says what is there and what would be fetched. */
export async function plan(work: CacheWork, { output }: CliContext): Promise<void> {
  const { manifests, plan: found } = await work.plan();
  const { present, missing, totalBytes, missingBytes, unknownSizes } = found;
  const items = found.items.map(({ item, presence }) => ({ ...reportItem(item), presence }));
  const report = { cache: work.folder, manifests, items, present, missing, totalBytes, missingBytes, unknownSizes };
  output.report("deps plan", report, depsPlanSummary(report));
}

/** Fetches what is missing; exit code 3 where it went on without something. */
export async function download(work: CacheWork, { output, exitWith }: CliContext): Promise<void> {
  const startedMs = performance.now();
  const { manifests, report: done } = await work.download();
  const { cached, failed, doneBytes } = done;
  const items = done.items.map(({ item, outcome, content, failure }) => ({
    ...reportItem(item),
    ...(content === undefined ? {} : { size: content.sizeBytes }),
    ...(content?.digest === undefined ? {} : { digest: content.digest }),
    outcome,
    ...(failure === undefined ? {} : { failure }),
  }));
  const elapsedMs = Math.round(performance.now() - startedMs);
  const report = { cache: work.folder, manifests, items, cached, done: done.done, failed, doneBytes, elapsedMs };
  if (failed > 0) exitWith(3);
  output.report("deps download", report, depsDownloadSummary(report));
}

/** Looks whether all is there, unharmed; exit code 3 if it is not. */
export async function verify(
  work: CacheWork,
  flags: DepsFlags,
  { output, signal, exitWith }: CliContext,
  onEvent: OnDepsEvent,
): Promise<void> {
  const startedMs = performance.now();
  const { deep = false } = flags;
  await using cache = await work.open("read");
  const wanted = await work.items(cache);
  const { concurrency } = runSettings(flags);
  const found = await verifyItems(wanted, cache, { isDeep: deep, concurrency, signal, onEvent });
  const items = found.items.map(({ item, presence, failure }) => ({
    ...reportItem(item),
    presence,
    ...(failure === undefined ? {} : { failure }),
  }));
  const { present, absent, differs, isWhole } = found;
  const elapsedMs = Math.round(performance.now() - startedMs);
  const report = { cache: work.folder, items, present, absent, differs, isWhole, deep, elapsedMs };
  if (!isWhole) exitWith(3);
  output.report("deps verify", report, depsVerifySummary(report));
}

/** Says which versions are cached, and which there are. */
export async function status(work: CacheWork, { output }: CliContext): Promise<void> {
  const manifests = await work.status();
  const needsUpdate = manifests.some((one) => one.needsUpdate);
  const report = { cache: work.folder, needsUpdate, manifests };
  output.report("deps status", report, depsStatusSummary(report));
}
