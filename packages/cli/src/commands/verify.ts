import {
  type Bundle,
  type DownloadList,
  formatShard,
  formatVerifyEvidence,
  shardOf,
  type VerifyReport,
  type VerifySubject,
  verify,
  verifyBundle,
  verifyEvidence,
} from "@tranship/core";
import { Command } from "commander";
import { readPlan } from "../base-file.ts";
import { withConfigFlags } from "../config/config-flags.ts";
import type { CliContext, RegistryFlags } from "../context.ts";
import { checkRegistryFlags, withRegistryFlags } from "../flags/flags.ts";
import { type ShardFlag, shardOfFlag, withShardFlag } from "../flags/shard-flag.ts";
import { requireOutputFile, writeOutputFile } from "../output-file.ts";
import { bundlePaths, openBundle, openReader, parseCliPlaces, perhapsMisspelt } from "../place.ts";
import { verifySummary } from "../print/summaries.ts";
import { UsageError } from "../usage-error.ts";

interface VerifyFlags extends RegistryFlags, ShardFlag {
  readonly plan?: string;
  readonly evidence?: string;
}

/** `tranship verify`: every digest of bundles, or of a registry against a plan. */
export function verifyCommand(context: CliContext): Command {
  const command = new Command("verify")
    .description("read everything and hash it: bundles by themselves, a registry or image layouts against a plan")
    .argument(
      "[place...]",
      "bundle:DIR, archives or chunks of them, several together; or oci:DIR or registry:HOST/PATH; a bare word is an existing path, else a registry. A configuration may name it",
    )
    .option("--plan <file>", "what a registry must hold: a plan file or a bundle's tranship.lock.json")
    .option(
      "--evidence <file>",
      "write what was verified, against what and with what result, as JSON; - for standard output",
    );
  withShardFlag(command, "of the plan, look for");
  return withConfigFlags(withRegistryFlags(command)).action(async (places: readonly string[], flags: VerifyFlags) => {
    checkRegistryFlags(flags);
    await requireOutputFile("--evidence", flags.evidence);
    const shard = shardOfFlag(flags);
    if (shard && flags.plan === undefined)
      throw new UsageError("--shard needs --plan FILE, which says what the whole is");
    const plan = flags.plan === undefined ? undefined : await readPlan(flags.plan);
    const list = plan && (shard ? shardOf(plan.list, shard) : plan.list);
    const where = parseCliPlaces(places);
    const startedMs = performance.now();
    const named = places.join(" ");
    if (where.kind === "bundle") {
      await using bundle = await openBundle(bundlePaths(where), context);
      const report = await verifyBoth(bundle, list, context);
      return await tell(report, { place: bundle.name, plan: plan?.digest, shard, locks: bundle.locks });
    }
    if (!plan || !list)
      throw new UsageError(
        perhapsMisspelt(
          places,
          "a registry is verified against a plan: give --plan FILE, such as the tranship.lock.json of the bundle that was pushed",
        ),
      );
    await using registry = await openReader(where, flags, context);
    const { signal, onEvent } = context;
    await tell(await verify(registry, list, { signal, onEvent }), { place: registry.name, plan: plan.digest, shard });

    async function tell(report: VerifyReport, subject: VerifySubject): Promise<void> {
      if (!report.ok) context.exitWith(3);
      const evidence = formatVerifyEvidence(report, subject);
      if (flags.evidence === "-") return context.output.text(evidence);
      context.output.report(
        "verify",
        { ...verifyEvidence(report, subject) },
        verifySummary(report, shard ? `shard ${formatShard(shard)} of ${named}` : named, performance.now() - startedMs),
      );
      if (flags.evidence !== undefined) await writeOutputFile("--evidence", flags.evidence, evidence);
    }
  });
}

/** A bundle by itself, and against a plan where one is given. */
async function verifyBoth(
  bundle: Bundle,
  list: DownloadList | undefined,
  { signal, onEvent }: CliContext,
): Promise<VerifyReport> {
  const report = await verifyBundle(bundle, { signal, onEvent });
  if (!list) return report;
  const against = await verify(bundle, list, { signal, onEvent });
  return { ...report, ok: report.ok && against.ok, findings: [...report.findings, ...against.findings] };
}
