import * as z from "zod";
import type { ReportLine } from "./output-line.ts";
import { schemaOf } from "./schema-of.ts";
import { amount, bytes, digest, milliseconds } from "./values.ts";

const text = z.string();
const listOf = <Item extends z.ZodType>(item: Item) => z.array(item);

function report<const Command extends string, Shape extends z.core.$ZodLooseShape>(command: Command, shape: Shape) {
  const cache = text.describe("The folder of the cache.");
  return z
    .object({ type: z.literal("report"), command: z.literal(command), cache, ...shape })
    .describe(`The end of \`tranship ${command}\`.`);
}

const manifests = listOf(
  z.object({
    name: text,
    version: text,
    digest: text.describe("Of its bytes as they were read.").optional(),
    from: text.describe("The file or address it was read from, without secrets.").optional(),
  }),
);
const failure = z.object({ code: text, message: text }).optional();
const presence = z
  .enum(["present", "absent", "differs", "unpinned"])
  .describe("unpinned: it is there, and nothing says what it must be.");
const item = {
  id: text,
  name: text.describe("What people call it."),
  version: text,
  path: text.describe("Where it is, or will be."),
  digest: digest.optional(),
  size: bytes.optional(),
};
const archive = {
  archive: text,
  digest: text.describe("Of the list of what is in it, for --pin archive=DIGEST."),
  items: amount,
  files: amount,
  bytes,
  elapsedMs: milliseconds,
};

const anyReport = z.discriminatedUnion("command", [
  report("deps plan", {
    manifests,
    items: listOf(z.object({ ...item, presence })),
    present: amount,
    missing: amount,
    totalBytes: bytes,
    missingBytes: bytes,
    unknownSizes: amount.describe("How many of what is missing do not say their size."),
  }),
  report("deps download", {
    manifests,
    items: listOf(z.object({ ...item, outcome: z.enum(["cached", "done", "failed"]), failure })),
    cached: amount,
    done: amount,
    failed: amount,
    doneBytes: bytes,
    elapsedMs: milliseconds,
  }),
  report("deps verify", {
    items: listOf(z.object({ ...item, presence, failure })),
    present: amount,
    absent: amount,
    differs: amount,
    isWhole: z.boolean(),
    deep: z.boolean().describe("Whether every byte was read."),
    elapsedMs: milliseconds,
  }),
  report("deps status", {
    needsUpdate: z.boolean(),
    manifests: listOf(
      z.object({
        name: text,
        needsUpdate: z.boolean(),
        cached: text.describe("Absent when none is cached.").optional(),
        latest: text,
      }),
    ),
  }),
  report("deps prune", {
    dryRun: z.boolean().describe("Nothing was removed."),
    removals: listOf(z.object({ path: text, reason: text, bytes })),
    unlisted: listOf(z.object({ layout: text, entries: amount })),
    kept: listOf(z.object({ path: text, reason: text })),
    freedBytes: bytes,
  }),
  report("deps export", archive),
  report("deps import", archive),
  report("deps serve", { requests: amount }),
]);

/** The last line of `tranship deps` that came to its end. */
export type DepsReportLine = Extract<ReportLine, { readonly command: `deps ${string}` }>;

/** Schema of the reports of `tranship deps`. */
export const depsReportSchema: z.ZodType<DepsReportLine> = schemaOf<DepsReportLine>()(anyReport);
