import type { MovedCatalog, PushReport } from "@tranship/core";
import type { Digest } from "@tranship/registry";
import type { PushStopped } from "./cli-event.ts";
import { elapsedLine } from "./elapsed.ts";
import { shardLine } from "./shard-line.ts";
import { count, formatBytes, sparseNote } from "./size.ts";

/** What a summary tells beside the report. */
export interface PushSummaryOptions {
  /** How the target is called. */
  readonly target: string;
  /** The digest of the plan that was followed; told where a part of it was. */
  readonly plan?: Digest | undefined;
  readonly isDryRun: boolean;
  /** Catalogs that did not go where they usually do. */
  readonly moved: readonly MovedCatalog[];
  /** Images that have no tag to be pushed under. */
  readonly withoutTag: number;
  readonly elapsedMs: number;
}

/** What a push did, for people. */
export function pushSummary(report: PushReport, options: PushSummaryOptions): string {
  const { target, isDryRun } = options;
  return [`${isDryRun ? "would push" : "pushed"} to ${target}`, ...pushedLines(report, options)].join("\n");
}

/** The lines below the first; `isAll` says whether it was all there is. */
export function pushedLines(report: PushReport, options: PushSummaryOptions, isAll = true): readonly string[] {
  const { target, plan, isDryRun, moved, withoutTag, elapsedMs } = options;
  const { images, discovery, referrers, blobs, bytes, packages, modules, metadataOnly, leftOut, shard } = report;
  const announced: Readonly<Record<string, readonly string[]>> = { packages, modules };
  const hasCatalog = [...packages, ...modules, ...metadataOnly].length + discovery.written + discovery.present > 0;
  const rows: readonly (readonly [label: string, text: string])[] = [
    ["tags", tagsText(images)],
    ...row("discovery tags", hasCatalog, `${discovery.written} written, ${discovery.present} there already`),
    ...row("referrers", referrers.written + referrers.present + referrers.kept > 0, referrersText(referrers)),
    ["blobs", blobsText(report)],
    ["manifests", `${formatBytes(bytes.manifests)} sent`],
    ...Object.entries(hasCatalog ? announced : {}).map(([name, names]) => {
      const place = names.length > 0 ? moved.find(({ root }) => root === name) : undefined;
      return [
        name,
        `${names.length}${place ? ` at ${place.path === "" ? "the target's root" : place.path}, not ${name}` : ""}`,
      ] as const;
    }),
    ...row("metadata only", metadataOnly.length > 0, `${metadataOnly.length}, not announced`),
    ...row("left out", leftOut !== undefined, leftOut ? sparseNote(leftOut) : ""),
    ...row("not pushed", withoutTag > 0, `${count(withoutTag, "image")} without a tag`),
  ];
  return [
    ...rows.map(([label, text]) => `  ${label.padEnd(15)} ${text}`),
    ...(isDryRun && blobs.mounted > 0 ? ["  a registry may refuse a mount: those bytes are sent then, too"] : []),
    ...(shard ? [shardLine(shard, "part", plan)] : []),
    ...(isAll && isNothing(report) ? [nothingText(report, target)] : []),
    elapsedLine(elapsedMs, isDryRun ? 0 : bytes.uploaded),
  ];
}

/** What a push had done that was stopped, for people. */
export function stoppedSummary(stopped: PushStopped, target: string): string {
  return stoppedLines("push", stopped, target);
}

/** What `job` had done that was stopped, for people. */
export function stoppedLines(job: string, stopped: Omit<PushStopped, "type">, target: string): string {
  const { reason, tags, blobs, bytes, elapsedMs } = stopped;
  const what = reason === "cancelled" ? "cancelled" : "failed";
  return (
    `${job} to ${target} ${what}; what it had done by then: ${count(tags.written, "tag")} written, ` +
    `${count(blobs.written, "blob")} sent (${formatBytes(bytes.uploaded)}), ${blobs.mounted} mounted; run again, it sends the rest\n${elapsedLine(elapsedMs, 0)}`
  );
}

function isNothing({ images, discovery, referrers, blobs }: PushReport): boolean {
  const { written, replaced, kept } = images;
  return written + replaced + kept + discovery.written + referrers.written + blobs.written + blobs.mounted === 0;
}

/** Where there was nothing to bring, the target does not have "all of it". */
function nothingText({ images, discovery, referrers }: PushReport, target: string): string {
  const present = images.present + discovery.present + referrers.present + referrers.kept;
  return present === 0 ? "there was nothing to bring" : `nothing has changed: ${target} has all of it`;
}

function row(label: string, isTold: boolean, text: string): readonly (readonly [string, string])[] {
  return isTold ? [[label, text]] : [];
}

function tagsText({ written, replaced, present, kept }: PushReport["images"]): string {
  return [
    `${written} written`,
    ...(replaced > 0 ? [`${replaced} replaced`] : []),
    `${present} there already`,
    ...(kept > 0 ? [`${kept} left as they are`] : []),
  ].join(", ");
}

function referrersText({ written, present, kept }: PushReport["referrers"]): string {
  return `${written} written, ${present} there already${kept > 0 ? `, ${kept} left out with what they are about` : ""}`;
}

function blobsText({ blobs, bytes }: PushReport): string {
  return (
    `${blobs.written} sent (${formatBytes(bytes.uploaded)}), ${blobs.mounted} mounted (${formatBytes(bytes.mounted)}), ` +
    `${blobs.present} there already (${formatBytes(bytes.present)})`
  );
}
