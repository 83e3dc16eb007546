import { Bundle, createRoutes, type MirrorEvent, pushBundle } from "@tranship/core";
import { Command } from "commander";
import { withConfigFlags } from "../config/config-flags.ts";
import type { CliContext, RegistryFlags } from "../context.ts";
import { inFlightOf } from "../flags/connection-flags.ts";
import { checkRegistryFlags, repeatable, withRegistryFlags } from "../flags/flags.ts";
import { type TmpDirFlag, warnOfTmpDir, withTmpDirFlag } from "../flags/reference-flags.ts";
import { checkShardTarget, type ShardFlag, shardOfFlag, withShardFlag } from "../flags/shard-flag.ts";
import { type TargetFlags, wantsProbe, withTargetFlags } from "../flags/target-flags.ts";
import { openTarget, requireBundles } from "../place.ts";
import { pushSummary, stoppedSummary } from "../print/push-summary.ts";
import { PushTally } from "../print/push-tally.ts";
import { UsageError } from "../usage-error.ts";

interface PushFlags extends RegistryFlags, TmpDirFlag, TargetFlags, ShardFlag {
  readonly file: readonly string[];
  readonly dryRun?: boolean;
  readonly modulesPathSuffix?: string;
  readonly packagesPathSuffix?: string;
  readonly trustBundle?: boolean;
}

/** `tranship push`: the archives of bundles into a registry. */
export function pushCommand(context: CliContext): Command {
  const command = new Command("push")
    .description("copy bundles into a registry; what is there already is not sent again")
    .usage("[options] [bundle...] [place]")
    .argument(
      "[place...]",
      "folders of bundles, archives or single chunks of them; last where they go: a registry and path, e.g. " +
        "mirror.internal/deckhouse/fe, or oci:DIR, a directory of image layouts. A configuration may name both",
    )
    .addOption(repeatable("--file <archive>", "an archive, or any one of its chunks, to push beside the bundles"))
    .option("--dry-run", "ask the registry what it lacks, send nothing")
    .option("--modules-path-suffix <path>", "where modules go below the target; / is the target itself", "/modules")
    .option("--packages-path-suffix <path>", "where packages go below the target; / is the target itself", "/packages")
    .option("--trust-bundle", "do not hash the bundle before the first write; damage is then found on the way");
  return withConfigFlags(withRegistryFlags(withTmpDirFlag(withTargetFlags(withShardFlag(command, "push"))))).action(
    async (places: readonly string[], flags: PushFlags) => {
      checkRegistryFlags(flags);
      if (places.length === 0)
        throw new UsageError(
          "push takes bundles and then where they go, unless bundle: and target: in tranship.yaml name them",
        );
      warnOfTmpDir(flags, context);
      const { moved } = createRoutes(flags); // before anything is opened: a wrong path is wrong usage
      const shard = shardOfFlag(flags);
      checkShardTarget(flags, places.at(-1) ?? "");
      const sources = sourcesOf(places.slice(0, -1), flags.file); // likewise, so that no target is made for nothing
      await using target = await openTarget(places.at(-1) ?? "", flags, context);
      const tally = new PushTally();
      const startedMs = performance.now();
      const { signal } = context;
      const onEvent = (event: MirrorEvent) => {
        tally.event(event);
        context.onEvent(event);
      };
      const { dryRun: isDryRun = false, modulesPathSuffix, packagesPathSuffix, onConflict } = flags;
      const probe = wantsProbe(flags, context.environment);
      const prove = !flags.trustBundle;
      try {
        await using bundle = await Bundle.open(sources, { signal, onEvent });
        const how = {
          modulesPathSuffix,
          packagesPathSuffix,
          onConflict,
          prove,
          probe,
          shard,
          dryRun: isDryRun,
          inFlight: inFlightOf(flags),
        };
        const report = await pushBundle(bundle, target, { ...how, signal, onEvent });
        const { withoutTag } = tally;
        const elapsedMs = performance.now() - startedMs;
        const summary = pushSummary(report, { target: target.name, isDryRun, moved, withoutTag, elapsedMs });
        context.output.report(
          "push",
          { ...report, dryRun: isDryRun, withoutTag, elapsedMs: Math.round(elapsedMs) },
          summary,
        );
      } catch (error) {
        if (signal.aborted || tally.hasWritten) {
          const stopped = tally.stopped(signal.aborted ? "cancelled" : "failed", performance.now() - startedMs);
          context.output.announce(stopped, stoppedSummary(stopped, target.name));
        }
        throw error;
      }
    },
  );
}

/** What is pushed. @throws UsageError when that is nothing, or not there */
function sourcesOf(bundles: readonly string[], files: readonly string[]): readonly string[] {
  if (bundles.length + files.length === 0)
    throw new UsageError(
      "give a bundle and where it goes: tranship push bundle registry.example.com/path; or --file FILE and where it goes",
    );
  return requireBundles([...bundles, ...files.map((file) => `bundle:${file}`)]);
}
