import { type ListPlannerOptions, listPlanner, type Planner, shardPlanner } from "@tranship/core";
import type { Digest } from "@tranship/registry";
import { Command } from "commander";
import { readPlan } from "../base-file.ts";
import type { OnCliEvent } from "../print/cli-event.ts";
import type { Sources } from "../sources.ts";
import { UsageError } from "../usage-error.ts";
import { withBaseFlag } from "./flags.ts";
import { openServices, type SelectionFlags, withSelectionFlags } from "./selection-flags.ts";
import { type ShardFlag, shardOfFlag, withShardFlag } from "./shard-flag.ts";

/** Flags of a pull that follows a plan, or brings a part of what there is. */
export interface PlanFlags extends ShardFlag {
  readonly plan?: string;
  readonly frozen?: boolean;
}

/** Adds the flags of {@link PlanFlags}. */
export function withPlanFlags(command: Command): Command {
  const withPlan = command
    .optionsGroup("For all of them:")
    .option(
      "--plan <file>",
      "transfer exactly what this plan or tranship.lock.json names, digest by digest: no tag is asked for",
    )
    .option("--frozen", "plan nothing: refuse to run without --plan");
  return withShardFlag(withPlan, "bring");
}

/** What a run brings, and what it goes by. */
export interface PlannedRun {
  readonly planners: readonly Planner[];
  /** The digest of the plan file that is followed. */
  readonly plan?: Digest;
}

/**
 * What the flags ask for: what a plan names, or what a selection comes to, or a shard of that.
 * `onEvent` takes warnings about flags.
 * @throws UsageError; MirrorError `PLAN_INVALID`, `SELECTION_INVALID`
 */
export async function plannersFor(
  sources: Sources,
  flags: PlanFlags & SelectionFlags,
  { onEvent, shardBy }: Pick<ListPlannerOptions, "shardBy"> & { readonly onEvent?: OnCliEvent | undefined } = {},
): Promise<PlannedRun> {
  const shard = shardOfFlag(flags);
  if (flags.plan === undefined) {
    const services = await openServices(sources, flags, onEvent);
    return { planners: shard ? services.map((service) => shardPlanner(service, shard)) : services };
  }
  const { list, digest } = await readPlan(flags.plan);
  return { planners: [listPlanner(list, await sources.ofList(list), { shard, shardBy })], plan: digest };
}

/** A plan leaves nothing to select, and says what a base spares. @throws UsageError */
export function checkPlanFlags({ plan, frozen }: PlanFlags, command: Command): void {
  if (frozen && plan === undefined) throw new UsageError("--frozen needs --plan FILE, which says what to transfer");
  if (plan === undefined) return;
  const others = withBaseFlag(withSelectionFlags(new Command())).options;
  const given = others.find((option) => command.getOptionValueSource(option.attributeName()) === "cli");
  if (given) throw new UsageError(`${given.long} and --plan contradict each other: the plan says what to transfer`);
}
