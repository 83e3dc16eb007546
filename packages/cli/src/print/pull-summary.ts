import type { BlobCount, ItemVersions, LockedArchive, PullReport, ShardShare } from "@tranship/core";
import type { Digest } from "@tranship/registry";
import type { PullStopped } from "./cli-event.ts";
import { elapsedLine } from "./elapsed.ts";
import type { ComponentFigures, PullFigures } from "./pull-tally.ts";
import { shardLine } from "./shard-line.ts";
import { count, formatBytes, leftOut, sparseNote } from "./size.ts";
import { failedLines } from "./summaries.ts";

/** What a summary of a pull tells beside the report. */
export interface PullSummaryOptions {
  /** The bundle's folder. */
  readonly directory: string;
  /** The digest of the plan that was followed; told where a part of it was. */
  readonly plan?: Digest | undefined;
  readonly elapsedMs: number;
  readonly figures: Pick<PullFigures, "planned" | "removed" | "components">;
  /** How many of the items that failed did so when the plan was made that was followed. */
  readonly unplanned: number;
  /** The bundle's files, as its lock file lists them. */
  readonly files: readonly LockedArchive[];
  /** The versions to name; none are named without. */
  readonly versions?: readonly ItemVersions[] | undefined;
}

/** Names that are told of a component; of more it is told how many. */
const maxNames = 6;

/** What a pull did, for people. */
export function pullSummary(report: PullReport, options: PullSummaryOptions): string {
  const {
    archives,
    images,
    blobs,
    fetched,
    copied,
    kept,
    missing,
    failed,
    assumed,
    leftOut: sparse,
    synced,
    shard,
  } = report;
  const { directory, plan, elapsedMs, figures, unplanned, versions = [] } = options;
  const written = archives.filter(({ outcome }) => outcome === "written").length;
  const found = copied.bytes + kept.bytes;
  const { removed } = figures;
  const isSame =
    written === 0 && removed.length === 0 && fetched.blobs === 0 && failed.length === 0 && archives.length > 0;
  const moved =
    fetched.blobs === 0 && found === 0
      ? "nothing had to be fetched"
      : `${formatBytes(fetched.bytes)} fetched, ${formatBytes(found)} found on this machine`;
  return [
    ...archiveLines(report, options),
    ...removed.map((archive) => row("removed", `${archive}, which nothing asked for this time`)),
    ...toldComponents(figures, shard).flatMap((one) => [componentLine(one), ...versionLines(one, versions)]),
    row(
      "planned",
      `${count(images, "image")}, ${count(blobs, "blob")}, ${formatBytes(figures.planned.bytes)} in the archives`,
    ),
    ...amountRows({ fetched, copied, kept }),
    ...(assumed.blobs > 0 ? [row("left out", leftOut(assumed))] : []),
    ...(sparse ? [row("left out", sparseNote(sparse))] : []),
    ...(missing.length > 0 ? [row("missing", `${count(missing.length, "image")} at the source`)] : []),
    ...missing.map(({ reference, why }) => `  missing at the source: ${reference} (${why})`),
    ...failedLines(failed).map((line) => `  ${line}`),
    ...(shard ? [shardLine(shard, "archive", plan)] : []),
    isSame
      ? `nothing has changed: ${count(archives.length, "archive")} in ${directory} ${archives.length === 1 ? "holds" : "hold"} what was asked for (${count(images, "image")}, ${count(blobs, "blob")})`
      : `pulled ${count(images, "image")} (${count(blobs, "blob")}) into ${directory}: ${count(written, "archive")} written, ` +
        `${archives.length - written} unchanged; ${moved}`,
    ...(synced || isSame ? [] : ["not waited for the device (--no-sync): after a power cut, verify the bundle"]),
    ...(failed.length > unplanned
      ? [`${count(failed.length - unplanned, "item")} failed: run the same command again, it fetches what is left`]
      : []),
    ...(unplanned > 0
      ? [
          `${count(unplanned, "item")} failed when the plan was made: only another plan brings ${unplanned === 1 ? "it" : "them"}`,
        ]
      : []),
    elapsedLine(elapsedMs, fetched.bytes),
  ].join("\n");
}

/** What a pull that ended early has done and how to go on, for people. */
export function stoppedPullSummary(stopped: PullStopped, directory: string): string {
  const { reason, finished, unfinished, planned, fetched, copied, kept, elapsedMs } = stopped;
  return [
    ...finished.map((archive) => `  ${archive.padEnd(32)} complete`),
    ...unfinished.map((archive) => `  ${archive.padEnd(32)} begun, and kept to be continued`),
    row("planned", `${count(planned.images, "image")} by then, ${formatBytes(planned.bytes)} in the archives`),
    ...amountRows({ fetched, copied, kept }),
    `${reason === "cancelled" ? "cancelled" : "not finished"}: ${count(finished.length, "archive")} in ${directory} ` +
      `${finished.length === 1 ? "is" : "are"} complete; run the same command again, it goes on where it stopped`,
    elapsedLine(elapsedMs, fetched.bytes),
  ].join("\n");
}

function archiveLines({ archives }: PullReport, { files }: PullSummaryOptions): readonly string[] {
  if (archives.length === 0) return [];
  const chunksOf = new Map(files.map(({ archive, chunks }) => [archive, chunks?.length ?? 0]));
  const fileCount = archives.reduce((sum, { archive }) => sum + Math.max(1, chunksOf.get(archive) ?? 0), 0);
  const bytes = archives.reduce((sum, archive) => sum + archive.bytes, 0);
  const width = archives.reduce((most, { archive }) => Math.max(most, archive.length), 32);
  const line = (name: string, size: number, rest: string) =>
    `  ${name.padEnd(width)} ${formatBytes(size).padStart(10)}  ${rest}`;
  return [
    ...archives.map(({ archive, bytes: size, outcome }) => {
      const chunks = chunksOf.get(archive) ?? 0;
      return line(archive, size, chunks > 0 ? `${outcome} (${count(chunks, "chunk")})` : outcome);
    }),
    line("total", bytes, `in ${count(fileCount, "file")}`),
  ];
}

/** That nothing of a component falls to a shard says nothing of the component. */
function toldComponents({ components }: PullSummaryOptions["figures"], shard: ShardShare | undefined) {
  return components.filter(
    ({ items, emptyItems, failedItems, isAbsent }) => !shard || isAbsent || items.length + emptyItems + failedItems > 0,
  );
}

function componentLine({ component, items, emptyItems, failedItems, isAbsent }: ComponentFigures): string {
  const names = items.length > maxNames ? "" : `: ${items.join(", ")}`;
  const others = [
    ...(emptyItems > 0 ? [`${emptyItems} without anything to bring`] : []),
    ...(failedItems > 0 ? [`${failedItems} failed`] : []),
  ];
  const what = items.length > 0 ? `${items.length}${names}` : isAbsent ? "none: the source lists none" : "none matched";
  return row(component, [what, ...others].join("; "));
}

function versionLines({ component }: ComponentFigures, versions: readonly ItemVersions[]): readonly string[] {
  return versions
    .filter((one) => one.component === component)
    .map(({ item, versions: tags, attestations }) => {
      const vex = attestations > 0 ? `  (${attestations} VEX)` : "";
      return `    ${item.padEnd(30)}${vex}  ${tags.join(", ")}`;
    });
}

function amountRows({
  fetched,
  copied,
  kept,
}: Readonly<Record<"fetched" | "copied" | "kept", BlobCount>>): readonly string[] {
  const amount = ({ blobs, bytes }: BlobCount) => `${count(blobs, "blob")}, ${formatBytes(bytes)}`;
  return [
    row("fetched", amount(fetched)),
    ...(copied.blobs > 0 ? [row("copied", `${amount(copied)} from other archives on this machine`)] : []),
    ...(kept.bytes > 0 || kept.blobs > 0 ? [row("kept", `${amount(kept)} of what was in place already`)] : []),
  ];
}

function row(label: string, text: string): string {
  return `  ${label.padEnd(17)} ${text}`;
}
