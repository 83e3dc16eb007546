import {
  type DownloadList,
  diffDownloadLists,
  downloadListText,
  downloadTotals,
  formatDownloadList,
  type Inventory,
  type Planner,
  plan,
} from "@tranship/core";
import type { CliContext } from "../context.ts";
import { writeOutputFile } from "../output-file.ts";
import { diffTable } from "../print/diff-table.ts";
import { planTable } from "../print/plan-table.ts";

/** How {@link showPlan} plans, and what it makes of the plan. */
export interface ShowPlanOptions {
  readonly base?: Inventory | undefined;
  readonly keepGoing?: boolean | undefined;
  /** A plan to compare with. @defaultValue none */
  readonly before?: DownloadList | undefined;
  /** Where the plan goes as JSON, `-` for standard output. @defaultValue nowhere */
  readonly output?: string | undefined;
}

/** Plans and reports what a pull would transfer; ends with 3 when items were left out because they failed. */
export async function showPlan(
  planners: readonly Planner[],
  { base, keepGoing, before, output }: ShowPlanOptions,
  context: CliContext,
): Promise<void> {
  const list = await plan(planners, { base, keepGoing, signal: context.signal, onEvent: context.onEvent });
  if (list.failed !== undefined) context.exitWith(3);
  if (output === "-") return context.output.text(formatDownloadList(list));
  if (output !== undefined) await writeOutputFile("--output", output, downloadListText(list));
  const diff = before && diffDownloadLists(before, list);
  const report = { ...list, totals: downloadTotals(list), ...(diff ? { diff } : {}) };
  context.output.report("plan", report, diff ? diffTable(diff) : planTable(list, output));
}
