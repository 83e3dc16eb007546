import { createRoutes, type MirrorEvent, sync } from "@tranship/core";
import { Command } from "commander";
import { withConfigFlags } from "../config/config-flags.ts";
import type { CliContext } from "../context.ts";
import { inFlightOf } from "../flags/connection-flags.ts";
import { type FailureFlags, withFailureFlags } from "../flags/failure-flags.ts";
import { checkPlanFlags, type PlanFlags, plannersFor, withPlanFlags } from "../flags/plan-flags.ts";
import { type ComponentFlags, checkComponentFlags, withComponentFlags } from "../flags/reference-flags.ts";
import { type SelectionFlags, withSelectionFlags } from "../flags/selection-flags.ts";
import { checkShardTarget } from "../flags/shard-flag.ts";
import { requireSource, withSourceFlag } from "../flags/source-flag.ts";
import {
  routesOf,
  type SyncFlags,
  sourceFlagNames,
  sourceSide,
  targetSide,
  withSyncFlags,
} from "../flags/sync-flags.ts";
import { wantsProbe } from "../flags/target-flags.ts";
import { openTarget } from "../place.ts";
import { PushTally } from "../print/push-tally.ts";
import { stoppedSyncSummary, syncSummary } from "../print/sync-summary.ts";
import { Sources } from "../sources.ts";
import { UsageError } from "../usage-error.ts";

type AllFlags = SyncFlags & SelectionFlags & PlanFlags & FailureFlags & ComponentFlags;

/** `tranship sync`: from registries straight into a registry. */
export function syncCommand(context: CliContext): Command {
  const command = new Command("sync")
    .description(
      "copy packages, modules and images from registries straight into a registry, with nothing on this machine's disk",
    )
    .usage("[options] [source] [target]")
    .argument(
      "[place...]",
      "where from, unless --source says it, and where to: registry and path each. A configuration may name both",
    )
    .option("--dry-run", "ask both sides, and show what would be sent");
  const withWhat = withPlanFlags(withFailureFlags(withSelectionFlags(withSourceFlag(command))));
  return withConfigFlags(withSyncFlags(withComponentFlags(withWhat))).action(
    async (places: readonly string[], given: AllFlags) => {
      const flags = withSource(places, given);
      if (places.length === 0)
        throw new UsageError("sync takes a source and a target, unless source: and target: in tranship.yaml name them");
      const { dryRun: isDryRun = false, keepGoing } = flags;
      const { moved } = createRoutes(routesOf(flags)); // before anything is opened: a wrong path is wrong usage
      const target = targetSide(flags);
      await using sources = new Sources(sourceSide(flags), context, sourceFlagNames);
      if (flags.image.length === 0 && flags.plan === undefined) requireSource(flags, context.environment);
      checkComponentFlags(flags);
      checkPlanFlags(flags, command);
      checkShardTarget(flags, places.at(-1) ?? "");
      if (flags.shard !== undefined && flags.plan === undefined)
        throw new UsageError(
          "--shard needs --plan FILE: shards of a sync write into one registry, and must mean the same by every tag",
        );
      const { planners, plan } = await plannersFor(sources, flags, { onEvent: context.onEvent, shardBy: "repository" });
      await using to = await openTarget(places.at(-1) ?? "", target, context);
      const tally = new PushTally();
      const startedMs = performance.now();
      const { signal } = context;
      const onEvent = (event: MirrorEvent) => {
        tally.event(event);
        context.onEvent(event);
      };
      const probe = wantsProbe(flags, context.environment);
      const how = { ...routesOf(flags), onConflict: flags.onConflict, probe, dryRun: isDryRun, keepGoing };
      try {
        const report = await sync(planners, { ...how, to, inFlight: inFlightOf(flags), signal, onEvent });
        if (report.failed.length > 0) context.exitWith(3);
        const elapsedMs = performance.now() - startedMs;
        const summary = syncSummary(report, { target: to.name, plan, isDryRun, moved, withoutTag: 0, elapsedMs });
        const said = { ...report, ...(plan ? { plan } : {}), dryRun: isDryRun, elapsedMs: Math.round(elapsedMs) };
        context.output.report("sync", said, summary);
      } catch (error) {
        if (signal.aborted || tally.hasWritten) {
          const reason = signal.aborted ? "cancelled" : "failed";
          const stopped = { ...tally.stopped(reason, performance.now() - startedMs), type: "sync.stopped" } as const;
          context.output.announce(stopped, stoppedSyncSummary(stopped, to.name));
        }
        throw error;
      }
    },
  );
}

/** The flags with the source, wherever it was written. @throws UsageError for more than two places, or two sources */
function withSource(places: readonly string[], flags: AllFlags): AllFlags {
  const [source, target, ...others] = places;
  if (source === undefined || target === undefined) return flags;
  if (others.length > 0) throw new UsageError(`sync takes a source and a target, and got ${places.length} places`);
  if (flags.source !== undefined)
    throw new UsageError(`${source} and --source ${flags.source} are two sources: give one of them`);
  return { ...flags, source };
}
