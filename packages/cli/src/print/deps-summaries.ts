import type {
  DepsArchiveReport,
  DepsDownloadReport,
  DepsPlanReport,
  DepsPruneReport,
  DepsStatusReport,
  DepsVerifyReport,
} from "../output-schema/deps-report.ts";
import { elapsedLine } from "./elapsed.ts";
import { count, formatBytes } from "./size.ts";

/** At most so many lines of a kind are told; the whole is in the report for machines. */
const maxLines = 200;

/** What a cache lacks, for people. */
export function depsPlanSummary(report: DepsPlanReport): string {
  const { manifests, items, cache, present, missing, totalBytes, missingBytes, unknownSizes } = report;
  const absent = items.filter(({ presence }) => presence !== "present");
  const size = items.every((item) => item.size !== undefined) ? ` (${formatBytes(totalBytes)})` : "";
  const unknown = unknownSizes === 0 ? "" : `, and ${unknownSizes} of unknown size`;
  return [
    ...manifests.map(({ name, version }) => `  ${name} ${version}`),
    ...shortened(
      absent.map(
        ({ name, presence, size: bytes, path }) =>
          `  ${words[presence]} ${bytes === undefined ? "unknown size" : formatBytes(bytes)}  ${name}  ${path}`,
      ),
    ),
    missing === 0
      ? `all of ${count(items.length, "item")}${size} is in ${cache}`
      : `${count(missing, "item")} of ${items.length} to fetch into ${cache}: ${formatBytes(missingBytes)}${unknown}; ${present} there`,
  ].join("\n");
}

const words = { absent: "missing ", differs: "differs ", unpinned: "unpinned", present: "" } as const;

/** What was brought into a cache, for people. */
export function depsDownloadSummary(report: DepsDownloadReport): string {
  const { manifests, items, cache, cached, done, failed, doneBytes, elapsedMs } = report;
  return [
    ...items.flatMap(({ name, failure }) => (failure ? [`failed: ${name}: ${failure.message}`] : [])),
    ...manifests.map(({ name, version }) => `  ${name} ${version}`),
    `${count(items.length - failed, "item")} ${items.length - failed === 1 ? "is" : "are"} in ${cache}: ${done} brought (${formatBytes(doneBytes)}), ${cached} there before`,
    ...(failed === 0 ? [] : [`${count(failed, "item")} failed: the cache is not whole`]),
    elapsedLine(elapsedMs, doneBytes),
  ].join("\n");
}

/** What a verification of a cache found, for people. */
export function depsVerifySummary(report: DepsVerifyReport): string {
  const { items, cache, present, absent, differs, isWhole, deep, elapsedMs } = report;
  const wrong = items.filter(({ presence }) => presence === "absent" || presence === "differs");
  return [
    ...shortened(
      wrong.map(
        ({ name, presence, path, failure }) =>
          `  ${presence}: ${name}: ${path}${failure ? `: ${failure.message}` : ""}`,
      ),
    ),
    isWhole
      ? `${cache} is whole: ${count(present, "item")}${deep ? ", every byte read and hashed" : ""}`
      : `${cache} is not whole: ${absent} missing, ${differs} with other content, ${present} of ${items.length} as they must be`,
    ...(isWhole ? [] : ["`tranship deps download` fetches what is missing, and nothing else"]),
    elapsedLine(elapsedMs, 0),
  ].join("\n");
}

/** Which versions there are, for people. */
export function depsStatusSummary({ manifests, needsUpdate, cache }: DepsStatusReport): string {
  const wide = Math.max(...manifests.map(({ name }) => name.length), 0);
  return [
    ...manifests.map(({ name, cached, latest, needsUpdate: isOld }) => {
      const from =
        cached === undefined ? `${latest} (not cached)` : cached === latest ? latest : `${cached} -> ${latest}`;
      const note = isOld && cached === latest ? " (changed)" : "";
      return `  ${name.padEnd(wide)}  ${from}${note}`;
    }),
    needsUpdate ? `${cache} is not up to date: \`tranship deps download\` brings it there` : `${cache} is up to date`,
  ].join("\n");
}

/** What pruning a cache did or would do, for people. */
export function depsPruneSummary({ dryRun, removals, unlisted, kept, freedBytes, cache }: DepsPruneReport): string {
  const entries = unlisted.reduce((sum, one) => sum + one.entries, 0);
  return [
    ...shortened(
      removals.map(({ reason, bytes, path }) => `  ${reason}: ${path}${bytes > 0 ? ` (${formatBytes(bytes)})` : ""}`),
    ),
    ...shortened(kept.map(({ path, reason }) => `  stays: ${path}: ${reason}`)),
    ...shortened(
      unlisted.map(
        (one) => `  no longer listed: ${count(one.entries, "entry", "entries")} of ${one.layout}/index.json`,
      ),
    ),
    removals.length + entries === 0
      ? `there is nothing to remove in ${cache}`
      : dryRun
        ? `a dry run: ${count(removals.length, "path")} would go from ${cache}, and free ${formatBytes(freedBytes)}; --yes removes them`
        : `${count(removals.length, "path")} removed from ${cache}, which frees ${formatBytes(freedBytes)}`,
  ].join("\n");
}

/** What was written to an archive, or taken from it, for people. */
export function depsArchiveSummary(report: DepsArchiveReport, action: "export" | "import"): string {
  const { archive, cache, digest, items, files, bytes, elapsedMs } = report;
  const [what, size] = [count(items, "item"), formatBytes(bytes)];
  return [
    action === "export"
      ? `wrote ${what} in ${count(files, "file")} (${size}) from ${cache} to ${archive}`
      : `took ${what} (${size}) from ${archive} into ${cache}`,
    ...(action === "export" ? [`an import takes this and no other with --pin archive=${digest}`] : []),
    elapsedLine(elapsedMs, bytes),
  ].join("\n");
}

function shortened(lines: readonly string[]): readonly string[] {
  if (lines.length <= maxLines) return lines;
  return [...lines.slice(0, maxLines), `  and ${lines.length - maxLines} more`];
}
