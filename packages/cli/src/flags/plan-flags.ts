import { listPlanner, type Planner } from "@tranship/core";
import { Command } from "commander";
import { readPlan } from "../base-file.ts";
import type { OnCliEvent } from "../print/cli-event.ts";
import type { Sources } from "../sources.ts";
import { UsageError } from "../usage-error.ts";
import { withBaseFlag } from "./flags.ts";
import { openServices, type SelectionFlags, withSelectionFlags } from "./selection-flags.ts";

/** Flags of a pull that follows a plan. */
export interface PlanFlags {
  readonly plan?: string;
  readonly frozen?: boolean;
}

/** Adds the flags of {@link PlanFlags}. */
export function withPlanFlags(command: Command): Command {
  return command
    .optionsGroup("For all of them:")
    .option(
      "--plan <file>",
      "transfer exactly what this plan or tranship.lock.json names, digest by digest: no tag is asked for",
    )
    .option("--frozen", "plan nothing: refuse to run without --plan");
}

/**
 * What the flags ask for: what a plan names, or what a selection comes to.
 * `onEvent` takes warnings about flags.
 * @throws UsageError; MirrorError `PLAN_INVALID`, `SELECTION_INVALID`
 */
export async function plannersFor(
  sources: Sources,
  flags: PlanFlags & SelectionFlags,
  onEvent?: OnCliEvent,
): Promise<readonly Planner[]> {
  if (flags.plan === undefined) return await openServices(sources, flags, onEvent);
  const { list } = await readPlan(flags.plan);
  return [listPlanner(list, await sources.ofList(list))];
}

/** A plan leaves nothing to select, and says what a base spares. @throws UsageError */
export function checkPlanFlags({ plan, frozen }: PlanFlags, command: Command): void {
  if (frozen && plan === undefined) throw new UsageError("--frozen needs --plan FILE, which says what to transfer");
  if (plan === undefined) return;
  const others = withBaseFlag(withSelectionFlags(new Command())).options;
  const given = others.find((option) => command.getOptionValueSource(option.attributeName()) === "cli");
  if (given) throw new UsageError(`${given.long} and --plan contradict each other: the plan says what to transfer`);
}
