import { existsSync, statSync } from "node:fs";
import { BundleDirectory, itemVersions, type MirrorEvent, pull } from "@tranship/core";
import { Command } from "commander";
import { readBase } from "../base-file.ts";
import { withConfigFlags } from "../config/config-flags.ts";
import type { CliContext, RegistryFlags } from "../context.ts";
import { type ChecksumFlags, checksumsOf, withChecksumFlags } from "../flags/checksum-flags.ts";
import { type ChunkFlags, chunkBytesOf, withChunkFlags } from "../flags/chunk-flags.ts";
import { inFlightOf } from "../flags/connection-flags.ts";
import { type FailureFlags, withFailureFlags } from "../flags/failure-flags.ts";
import { type BaseFlags, checkRegistryFlags, withBaseFlag, withSourceAccessFlags } from "../flags/flags.ts";
import { checkPlanFlags, type PlanFlags, plannersFor, withPlanFlags } from "../flags/plan-flags.ts";
import {
  checkComponentFlags,
  type ReferenceFlags,
  swallowedBundle,
  warnOfTmpDir,
  withReferenceFlags,
} from "../flags/reference-flags.ts";
import { type SelectionFlags, withSelectionFlags } from "../flags/selection-flags.ts";
import { requireSource, type SourceFlag, withSourceFlag } from "../flags/source-flag.ts";
import { pullSummary, stoppedPullSummary } from "../print/pull-summary.ts";
import { PullTally } from "../print/pull-tally.ts";
import { Sources } from "../sources.ts";
import { UsageError } from "../usage-error.ts";
import { showPlan } from "./show-plan.ts";

interface PullFlags extends ReferenceFlags, SourceFlag {
  readonly restart?: boolean;
  readonly dryRun?: boolean;
  readonly verboseSummary?: boolean;
  readonly sync: boolean;
}

/** `tranship pull`: flags in, one core call, a report out. */
export function pullCommand(context: CliContext): Command {
  const command = new Command("pull")
    .description(
      "copy packages, modules and images from registries into a bundle; run again, it goes on where it stopped",
    )
    .usage("[options] [bundle]")
    .argument("[bundle...]", "the bundle's folder; made if missing. A configuration may name it")
    .option("--restart", "plan anew instead of finishing an interrupted pull; bytes already here are used again")
    .option("--dry-run", "show what would be transferred and write nothing: the same as tranship plan")
    .option(
      "--no-sync",
      "do not wait until archives are on the device: faster, and after a power cut the bundle has to be verified",
    )
    .option("--verbose-summary", "name every version in the summary");
  const withWhat = withPlanFlags(withBaseFlag(withSelectionFlags(withSourceFlag(command))));
  const withHow = withReferenceFlags(withChecksumFlags(withChunkFlags(withFailureFlags(withWhat))));
  return withConfigFlags(withSourceAccessFlags(withHow)).action(
    async (
      folders: readonly string[],
      flags: RegistryFlags &
        SelectionFlags &
        BaseFlags &
        PlanFlags &
        ChunkFlags &
        ChecksumFlags &
        FailureFlags &
        PullFlags,
    ) => {
      await using sources = new Sources(flags, context);
      if (flags.image.length === 0 && flags.plan === undefined) requireSource(flags, context.environment);
      checkComponentFlags(flags);
      checkRegistryFlags(flags);
      checkPlanFlags(flags, command);
      const directory = bundleFolder(folders, flags);
      const [chunkBytes, checksums] = [chunkBytesOf(flags), checksumsOf(flags)];
      const base = await readBase(flags.base);
      const { planners, plan } = await plannersFor(sources, flags, { onEvent: context.onEvent });
      const { keepGoing, force, sync } = flags;
      if (flags.dryRun) return await showPlan(planners, { base, keepGoing }, context);
      warnOfTmpDir(flags, context);
      const restart = flags.restart || !flags.pullResume;
      await using bundle = await BundleDirectory.open(directory, { restart, chunkBytes, checksums, force, sync });
      const { signal } = context;
      const startedMs = performance.now();
      const tally = new PullTally(planners.flatMap(({ components }) => components));
      const onEvent = (event: MirrorEvent) => {
        tally.event(event);
        context.onEvent(event);
      };
      try {
        const report = await pull(planners, {
          to: bundle,
          base,
          keepGoing,
          signal,
          onEvent,
          inFlight: inFlightOf(flags),
        });
        if (report.failed.length > 0) context.exitWith(3);
        const unplanned = planners.flatMap(({ list }) => list?.failed ?? []).length;
        const { figures } = tally;
        const elapsedMs = performance.now() - startedMs;
        const versions = flags.verboseSummary && bundle.lockFile ? itemVersions(bundle.lockFile) : undefined;
        const files = bundle.lockFile?.files ?? [];
        const summary = pullSummary(report, { directory, plan, elapsedMs, figures, unplanned, files, versions });
        const { planned, components } = figures;
        const said = { ...report, ...(plan ? { plan } : {}), planned, components, elapsedMs: Math.round(elapsedMs) };
        context.output.report("pull", said, summary);
      } catch (error) {
        if (signal.aborted || tally.hasStarted) {
          const stopped = tally.stopped(signal.aborted ? "cancelled" : "failed", performance.now() - startedMs);
          context.output.announce(stopped, stoppedPullSummary(stopped, directory));
        }
        throw error;
      }
    },
  );
}

/**
 * The one folder that is given; a dry run needs none.
 * @throws UsageError when there is not one, and what may have become of it
 */
function bundleFolder(
  folders: readonly string[],
  { dryRun, includePackage, excludePackage, includeModule, excludeModule }: SelectionFlags & PullFlags,
): string {
  const [folder, ...others] = folders;
  if (others.length > 0)
    throw new UsageError(`pull takes exactly 1 argument, the bundle's folder, and got ${folders.length}`);
  if (folder === undefined) {
    if (dryRun) return "";
    const given = {
      "--include-package": includePackage,
      "--exclude-package": excludePackage,
      "--include-module": includeModule,
      "--exclude-module": excludeModule,
    };
    throw new UsageError(
      swallowedBundle(given) ??
        "pull takes exactly 1 argument, the bundle's folder, unless bundle: in tranship.yaml names it",
    );
  }
  const directory = folder.replace(/^bundle:/, "");
  if (directory === "") throw new UsageError(`${folder}: nothing follows bundle:`);
  if (existsSync(directory) && !statSync(directory).isDirectory())
    throw new UsageError(`${directory} is not a directory: a bundle is a folder`);
  return directory;
}
