import { plannedArchiveSchema } from "@tranship/core";
import * as z from "zod";
import { type DepsReportLine, depsReportSchema } from "./deps-report-schema.ts";
import type { FailureLine, ReportLine } from "./output-line.ts";
import { schemaOf } from "./schema-of.ts";
import { amount, blobCount, bytes, digest, milliseconds } from "./values.ts";

const text = z.string();
const listOf = <Item extends z.ZodType>(item: Item) => z.array(item);

function report<const Command extends string, Shape extends z.core.$ZodLooseShape>(command: Command, shape: Shape) {
  return z
    .object({ type: z.literal("report"), command: z.literal(command), ...shape })
    .describe(`The end of \`tranship ${command === "explain" ? "plan --explain" : command}\`.`);
}

const missing = listOf(z.object({ component: text, reference: text, why: text }));
const failed = listOf(z.object({ component: text, item: text, archive: text, code: text, message: text }));
const diff = z.object({
  repositories: listOf(
    z.object({
      path: text,
      added: listOf(z.object({ tag: text, digest })),
      removed: listOf(z.object({ tag: text, digest })),
      moved: listOf(z.object({ tag: text, from: digest, to: digest })),
    }),
  ),
  new: blobCount,
  gone: blobCount,
});
const leftOutCount = z
  .object({ manifests: amount, bytes })
  .describe("What indexes list and was left out on purpose; absent where nothing was.")
  .optional();
const shard = z
  .object({
    index: amount,
    count: amount,
    items: amount,
    bytes: bytes.optional(),
    all: z.object({ items: amount, bytes: bytes.optional() }).optional(),
  })
  .describe("The part of the whole that it was; absent where it was all.")
  .optional();
const followed = digest.optional().describe("The digest of the plan file that was followed.");
const planReport = report("plan", {
  version: z.literal(1),
  archives: listOf(plannedArchiveSchema),
  missing,
  failed: failed.optional(),
  totals: z.object({
    archives: amount,
    images: amount,
    blobs: amount,
    fetchBytes: bytes,
    storedBytes: bytes,
    assumed: blobCount,
    leftOut: leftOutCount,
  }),
  diff: diff.optional(),
});

const explainReport = report("explain", {
  names: listOf(
    z.object({
      name: text.optional().describe("Of a catalog's name; absent for an image."),
      repository: text,
      asked: text,
      verdicts: listOf(
        z.object({
          tag: text,
          isSelected: z.boolean(),
          why: z.enum([
            "exact",
            "newest-patch",
            "bound",
            "newest-prerelease",
            "older-patch",
            "same-version",
            "outside",
            "prerelease",
            "not-a-version",
            "matched",
            "newest",
            "excluded",
            "no-match",
            "older",
            "attached",
          ]),
          instead: text.optional(),
          by: text.optional(),
        }),
      ),
    }),
  ),
});

const pullReport = report("pull", {
  archives: listOf(z.object({ archive: text, bytes, outcome: z.enum(["written", "unchanged"]) })),
  images: amount,
  blobs: amount,
  fetched: blobCount,
  copied: blobCount,
  kept: blobCount,
  assumed: blobCount,
  leftOut: leftOutCount,
  missing,
  failed,
  synced: z.boolean().describe("Whether the archives are on the device. If not, a power cut may take parts of them."),
  shard,
  plan: followed,
  planned: z.object({ images: amount, bytes }),
  components: listOf(
    z.object({
      component: text,
      items: listOf(text),
      emptyItems: amount,
      failedItems: amount,
      isAbsent: z.boolean().describe("The source has no catalog of it, or an empty one."),
    }),
  ),
  elapsedMs: milliseconds,
});

const pushed = {
  images: z.object({ written: amount, present: amount, replaced: amount, kept: amount }),
  discovery: z.object({ written: amount, present: amount }),
  referrers: z.object({ written: amount, present: amount, kept: amount }),
  leftOut: leftOutCount,
  blobs: z.object({ written: amount, mounted: amount, present: amount }),
  bytes: z.object({ uploaded: bytes, mounted: bytes, present: bytes, manifests: bytes }),
  repositories: listOf(z.object({ path: text, uploadedBytes: bytes, mountedBytes: bytes, manifestBytes: bytes })),
  packages: listOf(text),
  modules: listOf(text),
  metadataOnly: listOf(text),
  shard,
  dryRun: z.boolean(),
  elapsedMs: milliseconds,
};

const pushReport = report("push", { ...pushed, withoutTag: amount });
const syncReport = report("sync", { ...pushed, plan: followed, missing, failed });

const verifyReport = report("verify", {
  version: z.literal(1),
  kind: z.literal("verification"),
  place: text,
  plan: digest.optional(),
  shard: z.object({ index: amount, count: amount }).describe("The part of the plan that was looked for.").optional(),
  locks: listOf(z.object({ directory: text, digest })).optional(),
  ok: z.boolean(),
  archives: amount,
  images: amount,
  blobs: amount,
  bytes,
  assumed: blobCount,
  leftOut: leftOutCount,
  repositories: listOf(z.object({ path: text, images: amount, blobs: amount, bytes })),
  findings: listOf(
    z.object({
      code: text,
      message: text,
      archive: text.optional(),
      entry: text.optional(),
      files: listOf(text).optional(),
      reference: text.optional(),
    }),
  ),
});

const inventoryReport = report("inventory", {
  version: z.literal(1),
  kind: z.literal("inventory"),
  place: text,
  repositories: listOf(z.object({ path: text, blobs: listOf(z.object({ digest, size: bytes })) })),
});

const initReport = report("init", { file: text });

const cleanReport = report("clean", {
  dryRun: z.boolean(),
  abandoned: z.boolean(),
  removed: listOf(z.object({ name: text, bytes })),
  lock: z.enum(["kept", "restored", "written", "none"]),
  archives: listOf(text),
  unlisted: listOf(text),
  foreign: listOf(text),
});

const joinReport = report("join", {
  archives: listOf(z.object({ archive: text, bytes })),
  failed: amount.describe("Items that had failed in the bundles, and are in none of them."),
});

const repairReport = report("repair", {
  archives: listOf(z.object({ archive: text, bytes, outcome: z.enum(["repaired", "whole"]) })),
  checksums: listOf(text),
  fetched: blobCount,
  copied: blobCount,
  kept: blobCount,
});

/** What is in them is for the page that `--html` writes, and grows with it. */
const open = z.looseObject({});

const inspectReport = report("inspect", {
  version: z.literal(1),
  kind: z.literal("inspection"),
  place: text,
  sources: listOf(text),
  totals: open,
  repositories: listOf(open),
  blobs: listOf(open),
  archives: listOf(open),
  assumed: listOf(open),
  leftOut: listOf(open).optional(),
  lacking: listOf(open),
  unreadable: listOf(open),
  missing,
  failed,
  changes: diff.optional(),
});

const doctorReport = report("doctor", {
  registry: text,
  status: z.enum(["ok", "warning", "failed"]),
  checks: listOf(
    z.object({
      id: text,
      title: text,
      status: z.enum(["ok", "warning", "failed", "not-asked"]),
      reason: text,
      advice: text.optional(),
      details: open.optional(),
      code: text.optional(),
      elapsedMs: milliseconds,
    }),
  ),
  left: listOf(text),
});

const rootfsReport = report("rootfs", {
  dryRun: z.boolean(),
  reference: text.describe("As it was asked for."),
  digest: text.describe("Name and digest of the image's manifest."),
  manifestDigest: digest.optional(),
  indexDigest: digest.describe("Of the index it was chosen from.").optional(),
  platform: text.optional(),
  mode: z.enum(["native", "dockerless", "docker"]),
  layers: amount.optional(),
  compressedBytes: bytes.describe("Of all layers as they are stored; 0 when that is not known."),
  config: z
    .object({
      entrypoint: listOf(text).nullable(),
      cmd: listOf(text).nullable(),
      env: listOf(text).nullable(),
      workingDir: text,
      user: text,
    })
    .describe("How the image wants to be run."),
  output: text,
  format: z.enum(["dir", "tar", "ext4"]),
  hooks: amount.describe("Hooks that edit the files."),
  inodes: amount.describe("Files, directories and all else. It and what follows is absent after a dry run.").optional(),
  fileBytes: bytes.describe("Of all files, holes included.").optional(),
  sizeBytes: bytes.describe("Of the file that was written.").optional(),
  sha256: text.optional(),
  unapplied: amount.describe("Entries of a directory that lack an owner, a device or an attribute.").optional(),
  sidecar: text.describe("Where it is written what they lack.").optional(),
  elapsedMs: milliseconds,
});

const anyReport = z.discriminatedUnion("command", [
  planReport,
  explainReport,
  pullReport,
  pushReport,
  syncReport,
  verifyReport,
  report("serve", { requests: amount }),
  inventoryReport,
  initReport,
  cleanReport,
  joinReport,
  repairReport,
  inspectReport,
  doctorReport,
  rootfsReport,
]);

/** Schema of every report. */
export const reportSchema: z.ZodType<ReportLine> = z.union([
  schemaOf<Exclude<ReportLine, DepsReportLine>>()(anyReport),
  depsReportSchema,
]);

const failure = z
  .object({
    type: z.literal("failure"),
    code: text.describe("The stable code of the error."),
    class: text.describe("What kind of failure it is, finer than its code."),
    category: text.optional().describe("What went wrong in a few words."),
    message: text,
    chain: listOf(text).describe("The error and what it came from, outermost first."),
    causes: listOf(z.object({ cause: text, advice: listOf(text) })),
    details: z.unknown().optional(),
  })
  .describe("The end of a command that failed.");

/** Schema of a failure. */
export const failureSchema: z.ZodType<FailureLine> = schemaOf<FailureLine>()(failure);
