import type { Digest } from "@tranship/registry";
import * as z from "zod";
import { MirrorError } from "../errors.ts";
import { compareText } from "../layout/index-file.ts";
import { versionText } from "../version-text.ts";
import type { BlobCount } from "./blob-count.ts";
import { type FailedItem, failedItemSchema } from "./failed-item.ts";
import { jsonText } from "./json-text.ts";
import { countLeftOut, type LeftOutCount } from "./left-out.ts";
import { archiveNameSchema, textSchema } from "./names.ts";
import { type Section, sectionSchema } from "./section.ts";

/** One archive of a plan: what it is for and its sections in the order they are written. */
export interface PlannedArchive {
  /** The archive's file name, such as `package-console.tar`. */
  readonly archive: string;
  /** The component that planned it, such as `packages`. */
  readonly component: string;
  /** The item of the component, such as `console`. */
  readonly item: string;
  readonly sections: readonly Section[];
}

/** An image the selection led to that the source does not have or that cannot be used, and that may be left out. */
export interface MissingReference {
  readonly reference: string;
  /** The reasons it would have been there for, with commas between them. */
  readonly why: string;
  /** The archive it would have been in; a planner need not say, the run does. */
  readonly archive?: string | undefined;
}

/** A {@link MissingReference} with the component that was led to it. */
export interface MissingImage extends MissingReference {
  readonly component: string;
}

/**
 * Everything a pull transfers, as plain data: ordered, deduplicated, every image with its digest, size and reason.
 * What `plan()` returns, `tranship plan -o` writes, and a finished bundle keeps as its lock.
 */
export interface DownloadList {
  readonly version: 1;
  /** Sorted by name. */
  readonly archives: readonly PlannedArchive[];
  /** By component, reference and archive, each once. */
  readonly missing: readonly MissingImage[];
  /** Items that were gone on without, by archive: nothing else is known of what they hold. @defaultValue none */
  readonly failed?: readonly FailedItem[] | undefined;
}

/** Sums over a {@link DownloadList}; sizes in bytes. */
export interface DownloadTotals {
  readonly archives: number;
  /** Distinct references; one in two archives counts once. */
  readonly images: number;
  /** Distinct manifests, configs and layers: each is fetched once. */
  readonly blobs: number;
  /** What a pull into an empty bundle fetches: the sum of the distinct blobs. */
  readonly fetchBytes: number;
  /** What the archives hold: a blob counts once for every repository of every archive. */
  readonly storedBytes: number;
  /** Distinct configs and layers that are left out because the base has them. */
  readonly assumed: BlobCount;
  /** Distinct manifests that indexes list and that are left out on purpose; their own bytes. @defaultValue none */
  readonly leftOut?: LeftOutCount | undefined;
}

/** Schema of one archive of a plan. */
export const plannedArchiveSchema: z.ZodType<PlannedArchive> = z.object({
  archive: archiveNameSchema.describe("The archive's file name."),
  component: textSchema.describe("What planned it, such as packages."),
  item: textSchema.describe("The item of the component, such as the name of a package."),
  sections: z.array(sectionSchema).describe("In the order in which they are written."),
});

const missingNames = { reference: textSchema, why: textSchema };
const missingPlace = { archive: archiveNameSchema.optional().describe("The archive it would have been in.") };

/** Schema of {@link MissingReference}. */
export const missingReferenceSchema: z.ZodType<MissingReference> = z.object({ ...missingNames, ...missingPlace });

const missingImageSchema: z.ZodType<MissingImage> = z.object({
  ...missingNames,
  component: textSchema,
  ...missingPlace,
});

/** Schema of {@link DownloadList}. */
export const downloadListSchema: z.ZodType<DownloadList> = z.object({
  version: z.literal(1),
  archives: z.array(plannedArchiveSchema).describe("Sorted by name."),
  missing: z.array(missingImageSchema).describe("What the source does not have or cannot be used, and is left out."),
  failed: z.array(failedItemSchema).optional().describe("What could not be planned or made, and was gone on without."),
});

/** What an item's steps found to be missing. */
export function missingOf(
  { component }: { readonly component: string },
  steps: readonly { readonly missing: readonly MissingReference[] }[],
): readonly MissingImage[] {
  return steps.flatMap(({ missing }) => missing.map((one) => ({ ...one, component })));
}

/** What is missing in its one order: by component, reference and archive, each once with all its reasons. */
export function sortedMissing(missing: readonly MissingImage[]): readonly MissingImage[] {
  const byName = Map.groupBy(missing, ({ component, reference, archive }) =>
    JSON.stringify([component, reference, archive]),
  );
  return [...byName.values()]
    .flatMap(([first, ...others]) => {
      if (!first) return [];
      const { component, reference, why, archive } = first;
      const reasons = new Set([why, ...others.map((other) => other.why)].flatMap((text) => text.split(", ")));
      const all = [...reasons].sort(compareText).join(", ");
      return { reference, why: all, component, ...(archive === undefined ? {} : { archive }) };
    })
    .sort(
      (a, b) =>
        compareText(a.component, b.component) ||
        compareText(a.reference, b.reference) ||
        compareText(a.archive ?? "", b.archive ?? ""),
    );
}

/** Sums up a plan. */
export function downloadTotals(list: DownloadList): DownloadTotals {
  const distinct = new Map<Digest, number>();
  const assumedSizes = new Map<Digest, number>();
  const references = new Set<string>();
  let storedBytes = 0;
  for (const { blobs, assumed = [], images: here } of list.archives.flatMap(({ sections }) =>
    sections.flatMap((s) => s.repositories),
  )) {
    for (const { reference } of here) references.add(reference);
    for (const blob of blobs) {
      distinct.set(blob.digest, blob.size);
      storedBytes += blob.size;
    }
    for (const { digest, size } of assumed) assumedSizes.set(digest, size);
  }
  const leftOut = countLeftOut(list);
  return {
    archives: list.archives.length,
    images: references.size,
    blobs: distinct.size,
    fetchBytes: sumOf(distinct),
    storedBytes,
    assumed: { blobs: assumedSizes.size, bytes: sumOf(assumedSizes) },
    ...(leftOut ? { leftOut } : {}),
  };
}

function sumOf(sizes: ReadonlyMap<Digest, number>): number {
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}

/** The text of a plan file: JSON with two spaces and a final newline, equal for equal plans. */
export function formatDownloadList(list: DownloadList): string {
  return [...downloadListText(list)].join("");
}

/** The text of a plan file in pieces, for a list that is long. */
export function downloadListText(list: DownloadList): Generator<string> {
  return jsonText(list);
}

/**
 * `list` as it is, when it has the shape of one: names that stay where they belong, sizes and digests that are some.
 * `file` names it in errors.
 * @throws MirrorError `PLAN_INVALID`
 */
export function checkDownloadList(list: unknown, file: string): DownloadList {
  return checkPlan(downloadListSchema, list, file);
}

/**
 * Reads a plan file. `file` names it in errors. A lock file of a bundle is a plan file too. A text that is long is best given
 * as a function: then it is not kept in memory beside what it says.
 * @throws MirrorError `PLAN_INVALID`
 */
export function parseDownloadList(text: string | (() => string), file: string): DownloadList {
  return parsePlan(downloadListSchema, text, file);
}

/** Reads any file of the plan's family: JSON of the version this program knows, and of the schema's shape. */
export function parsePlan<Plan>(schema: z.ZodType<Plan>, text: string | (() => string), file: string): Plan {
  const json = parseJson(text, file);
  const version = (json as { readonly version?: unknown } | null)?.version;
  if (version !== 1) throw invalidPlan(file, `its version is ${versionText(version)}, this program knows 1`);
  return checkPlan(schema, json, file);
}

function parseJson(text: string | (() => string), file: string): unknown {
  const whole = typeof text === "string" ? text : text();
  try {
    return JSON.parse(whole);
  } catch (cause) {
    throw invalidPlan(file, "it is not JSON", cause);
  }
}

function checkPlan<Plan>(schema: z.ZodType<Plan>, value: unknown, file: string): Plan {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  throw invalidPlan(file, issue ? `${issue.path.join(".")}: ${issue.message}` : "it has the wrong shape", result.error);
}

function invalidPlan(file: string, reason: string, cause?: unknown): MirrorError<"PLAN_INVALID"> {
  return new MirrorError("PLAN_INVALID", `cannot read plan ${file}: ${reason}`, { file, reason }, { cause });
}
