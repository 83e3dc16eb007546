import type { SyncReport } from "@tranship/core";
import type { SyncStopped } from "./cli-event.ts";
import { type PushSummaryOptions, pushedLines, stoppedLines } from "./push-summary.ts";
import { count } from "./size.ts";
import { failedLines } from "./summaries.ts";

/** What a sync did, for people. */
export function syncSummary(report: SyncReport, options: PushSummaryOptions): string {
  const { missing, failed } = report;
  const { target, isDryRun } = options;
  return [
    `${isDryRun ? "would sync" : "synced"} to ${target}`,
    ...missing.map(({ reference, why }) => `  missing at the source: ${reference} (${why})`),
    ...failedLines(failed).map((line) => `  ${line}`),
    ...pushedLines(report, options, failed.length === 0),
    ...(failed.length > 0 ? [`${count(failed.length, "item")} failed: run again, it brings the rest`] : []),
  ].join("\n");
}

/** What a sync had done that was stopped, for people. */
export function stoppedSyncSummary(stopped: SyncStopped, target: string): string {
  return stoppedLines("sync", stopped, target);
}
