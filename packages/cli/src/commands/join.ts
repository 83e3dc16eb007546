import { joinBundles } from "@tranship/core";
import { Command } from "commander";
import { readPlan } from "../base-file.ts";
import type { CliContext } from "../context.ts";
import { requireBundles } from "../place.ts";
import { joinSummary } from "../print/upkeep-summaries.ts";
import { UsageError } from "../usage-error.ts";

/** `tranship join`: the bundles of shards to one. */
export function joinCommand(context: CliContext): Command {
  return new Command("join")
    .description("make one bundle of several, such as those that shards of a pull made; they stay as they are")
    .usage("[options] <bundle...> <folder>")
    .argument("<place...>", "folders of bundles; last the folder of the new one, made if missing")
    .option("--plan <file>", "refuse to unless they hold together exactly the archives of this plan")
    .action(async (places: readonly string[], { plan: file }: { readonly plan?: string }) => {
      const [given, directory = ""] = [places.slice(0, -1), places.at(-1)?.replace(/^bundle:/, "")];
      if (given.length === 0) throw new UsageError("join takes bundles and then the folder of the one they make");
      const bundles = requireBundles(given);
      const plan = file === undefined ? undefined : (await readPlan(file)).list;
      const report = await joinBundles(bundles, directory, { plan, signal: context.signal });
      context.output.report("join", report, joinSummary(report, bundles.length, directory));
    });
}
