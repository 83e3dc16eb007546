import { BundleDirectory, type MirrorEvent, pull } from "@tranship/core";
import { Command } from "commander";
import { readBase } from "../base-file.ts";
import { type ChecksumFlags, checksumsOf, withChecksumFlags } from "../checksum-flags.ts";
import { type ChunkFlags, chunkBytesOf, withChunkFlags } from "../chunk-flags.ts";
import type { CliContext, RegistryFlags } from "../context.ts";
import { type FailureFlags, withFailureFlags } from "../failure-flags.ts";
import { type BaseFlags, checkRegistryFlags, withBaseFlag, withRegistryFlags } from "../flags.ts";
import { openSource } from "../place.ts";
import { checkPlanFlags, type PlanFlags, plannersFor, withPlanFlags } from "../plan-flags.ts";
import { PullTally, stoppedPullSummary } from "../print/pull-tally.ts";
import { pullSummary } from "../print/summaries.ts";
import { type SelectionFlags, withSelectionFlags } from "../selection-flags.ts";

interface PullFlags {
  readonly source: string;
  readonly restart?: boolean;
}

/** `tranship pull`: flags in, one core call, a report out. */
export function pullCommand(context: CliContext): Command {
  const command = new Command("pull")
    .description("copy packages and modules from a registry into a bundle; run again, it goes on where it stopped")
    .argument("<bundle>", "the bundle's folder; made if missing")
    .requiredOption(
      "--source <place>",
      "registry and path, e.g. registry.example.com/deckhouse/fe; or oci:DIR, bundle:DIR",
    )
    .option("--restart", "plan anew instead of finishing an interrupted pull; bytes already here are used again");
  const withWhat = withPlanFlags(withBaseFlag(withSelectionFlags(command)));
  return withRegistryFlags(withChecksumFlags(withChunkFlags(withFailureFlags(withWhat)))).action(
    async (
      folder: string,
      flags: RegistryFlags &
        SelectionFlags &
        BaseFlags &
        PlanFlags &
        ChunkFlags &
        ChecksumFlags &
        FailureFlags &
        PullFlags,
    ) => {
      checkRegistryFlags(flags);
      checkPlanFlags(flags, command);
      const [chunkBytes, checksums] = [chunkBytesOf(flags), checksumsOf(flags)];
      const base = await readBase(flags.base);
      await using source = await openSource(flags.source, flags, context);
      const planners = await plannersFor(source, flags, context.onEvent);
      const directory = folder.replace(/^bundle:/, "");
      await using bundle = await BundleDirectory.open(directory, { restart: flags.restart, chunkBytes, checksums });
      const { keepGoing } = flags;
      const { signal } = context;
      const tally = new PullTally();
      const onEvent = (event: MirrorEvent) => {
        tally.event(event);
        context.onEvent(event);
      };
      try {
        const report = await pull(planners, { to: bundle, base, keepGoing, signal, onEvent });
        if (report.failed.length > 0) context.exitWith(3);
        const unplanned = planners.flatMap(({ list }) => list?.failed ?? []).length;
        context.output.report("pull", { ...report }, pullSummary(report, directory, unplanned));
      } catch (error) {
        if (signal.aborted || tally.hasStarted) {
          const stopped = tally.stopped(signal.aborted ? "cancelled" : "failed");
          context.output.announce(stopped, stoppedPullSummary(stopped, directory));
        }
        throw error;
      }
    },
  );
}
