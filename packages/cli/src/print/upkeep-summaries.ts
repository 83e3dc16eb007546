import type { CleanReport, JoinReport, RepairReport } from "@tranship/core";
import { elapsedLine } from "./elapsed.ts";
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

/** What bundles were joined to, for people. */
export function joinSummary({ archives, failed }: JoinReport, bundles: number, directory: string): string {
  const width = archives.reduce((most, { archive }) => Math.max(most, archive.length), 32);
  const sum = archives.reduce((total, { bytes }) => total + bytes, 0);
  return [
    ...archives.map(({ archive, bytes }) => `  ${archive.padEnd(width)} ${formatBytes(bytes).padStart(10)}`),
    ...(failed > 0 ? [`${count(failed, "item")} had failed and ${failed === 1 ? "is" : "are"} in none of them`] : []),
    `joined ${count(bundles, "bundle")} to ${directory}: ${count(archives.length, "archive")}, ${formatBytes(sum)}; tranship verify reads and hashes them`,
  ].join("\n");
}

/** What a repair did, for people. */
export function repairSummary(report: RepairReport, directory: string, elapsedMs: number): string {
  const { archives, checksums, fetched, copied, kept } = report;
  const repaired = archives.filter(({ outcome }) => outcome === "repaired");
  const width = archives.reduce((most, { archive }) => Math.max(most, archive.length), 32);
  const list = archives.map(
    ({ archive, bytes, outcome }) => `  ${archive.padEnd(width)} ${formatBytes(bytes).padStart(10)}  ${outcome}`,
  );
  const end =
    repaired.length === 0
      ? `${directory} is whole: nothing to repair in ${count(archives.length, "archive")}`
      : `repaired ${repaired.length} of ${count(archives.length, "archive")} in ${directory}: ` +
        `${formatBytes(fetched.bytes)} fetched, ${formatBytes(copied.bytes)} copied from other archives, ${formatBytes(kept.bytes)} were right`;
  return [
    ...list,
    ...checksums.map((name) => `  ${name}: was wrong, and is written anew`),
    end,
    elapsedLine(elapsedMs, fetched.bytes),
  ].join("\n");
}
