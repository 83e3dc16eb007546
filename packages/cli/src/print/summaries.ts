import type { FailedItem, Inventory, PullReport, VerifyReport } from "@tranship/core";
import { count, formatBytes, leftOut } from "./size.ts";

/** What a pull did, for people; `unplanned` of what failed did so when the plan was made that it followed. */
export function pullSummary(report: PullReport, directory: string, unplanned: number): string {
  const { archives, images, blobs, fetched, copied, kept, missing, failed, assumed } = report;
  const written = archives.filter(({ outcome }) => outcome === "written").length;
  const found = copied.bytes + kept.bytes;
  const moved =
    fetched.blobs === 0 && found === 0
      ? "nothing had to be fetched"
      : `${formatBytes(fetched.bytes)} fetched, ${formatBytes(found)} found on this machine`;
  return [
    ...archives.map(
      ({ archive, bytes, outcome }) => `  ${archive.padEnd(32)} ${formatBytes(bytes).padStart(10)}  ${outcome}`,
    ),
    ...missing.map(({ reference, why }) => `  missing at the source: ${reference} (${why})`),
    ...failedLines(failed).map((line) => `  ${line}`),
    `pulled ${count(images, "image")} (${count(blobs, "blob")}) into ${directory}: ${count(written, "archive")} written, ` +
      `${archives.length - written} unchanged; ${moved}`,
    ...(assumed.blobs > 0 ? [`left out: ${leftOut(assumed)}`] : []),
    ...(failed.length > unplanned
      ? [`${count(failed.length - unplanned, "item")} failed: run the same command again, it fetches what is left`]
      : []),
    ...(unplanned > 0
      ? [
          `${count(unplanned, "item")} failed when the plan was made: only another plan brings ${unplanned === 1 ? "it" : "them"}`,
        ]
      : []),
  ].join("\n");
}

/** A line for everything that was gone on without. */
export function failedLines(failed: readonly FailedItem[]): readonly string[] {
  return failed.map(({ archive, message }) => `failed: ${archive}: ${message}`);
}

/** What an inventory lists, for people. */
export function inventorySummary({ place, repositories }: Inventory, file: string): string {
  const sizes = new Map(repositories.flatMap(({ blobs }) => blobs.map(({ digest, size }) => [digest, size])));
  const bytes = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  return `${place} has ${count(sizes.size, "blob")} (${formatBytes(bytes)}) in ${count(repositories.length, "repository", "repositories")}; written to ${file}`;
}

/** What a verification found, for people. */
export function verifySummary(report: VerifyReport, place: string): string {
  const { findings, images, blobs, bytes, assumed } = report;
  const where = (finding: (typeof findings)[number]) =>
    [finding.archive, finding.entry, finding.reference].filter((part) => part !== undefined).join(" ");
  const rests =
    assumed.blobs === 0
      ? []
      : [
          `  ${count(assumed.blobs, "blob")} (${formatBytes(assumed.bytes)}) ${assumed.blobs === 1 ? "is" : "are"} not in it: a base has to bring them`,
        ];
  return [
    ...findings.map((finding) => `  ${finding.code}: ${where(finding)}: ${finding.message}`),
    ...rests,
    findings.length === 0
      ? `${place} is whole${assumed.blobs === 0 ? "" : " over its base"}: ${count(images, "image")}, ${count(blobs, "blob")}, ${formatBytes(bytes)} read and hashed`
      : `${place} is not whole: ${count(findings.length, "fault")} in ${count(images, "image")}, ${count(blobs, "blob")}`,
  ].join("\n");
}
