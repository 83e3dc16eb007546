import type { CleanReport } from "@tranship/core";
import { count, formatBytes } from "./size.ts";

/** What a cleaning did or would do, for people. */
export function cleanSummary(report: CleanReport, directory: string): string {
  const { removed, archives, unlisted, foreign, dryRun } = report;
  const sum = formatBytes(removed.reduce((total, { bytes }) => total + bytes, 0));
  const holds =
    archives.length === 0
      ? `${directory} holds no finished archive that a plan describes`
      : `${directory} holds ${count(archives.length, "finished archive")}: ${archives.join(", ")}`;
  return [
    ...removed.map(({ name, bytes }) => `  ${name.padEnd(44)} ${formatBytes(bytes).padStart(10)}`),
    ...unlisted.map((name) => `  ${name}: left as it is; no lock file lists it`),
    ...foreign.map((name) => `  ${name}: left as it is; not a bundle's`),
    report.abandoned
      ? `${dryRun ? "would give up" : "gave up"} the unfinished pull; ${sum} ${dryRun ? "would be freed" : "freed"}`
      : "nothing to do: no pull was left unfinished",
    holds,
  ].join("\n");
}
