import type { FailedItem, Inventory, VerifyReport } from "@tranship/core";
import { elapsedLine } from "./elapsed.ts";
import { count, formatBytes, sparseNote } from "./size.ts";

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
export function verifySummary(report: VerifyReport, place: string, elapsedMs: number): string {
  const { findings, images, blobs, bytes, assumed, leftOut } = report;
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
    ...(leftOut ? [`  left out on purpose: ${sparseNote(leftOut)}`] : []),
    findings.length === 0
      ? `${place} is whole${assumed.blobs === 0 ? "" : " over its base"}: ${count(images, "image")}, ${count(blobs, "blob")}, ${formatBytes(bytes)} read and hashed`
      : `${place} is not whole: ${count(findings.length, "fault")} in ${count(images, "image")}, ${count(blobs, "blob")}`,
    ...(isElsewhere(report) ? ["nothing of it is there: is this the place it was pushed to?"] : []),
    elapsedLine(elapsedMs, bytes),
  ].join("\n");
}

/** Whether not a byte of what was looked for was found, and nothing is wrong but that. */
function isElsewhere({ findings, bytes }: VerifyReport): boolean {
  return bytes === 0 && findings.length > 0 && findings.every(({ code }) => code.endsWith("_MISSING"));
}
