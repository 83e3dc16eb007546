import { cleanBundle } from "@tranship/core";
import { Command } from "commander";
import type { CliContext } from "../context.ts";
import { cleanSummary } from "../print/upkeep-summaries.ts";

/** `tranship clean`: gives up an unfinished pull and removes what it left. */
export function cleanCommand(context: CliContext): Command {
  return new Command("clean")
    .description("give up a bundle's unfinished pull and remove what it left; finished archives stay")
    .argument("<bundle>", "the bundle's folder")
    .option("--dry-run", "list what would be removed, change nothing")
    .action(async (folder: string, { dryRun }: { readonly dryRun?: boolean }) => {
      const directory = folder.replace(/^bundle:/, "");
      const report = await cleanBundle(directory, { dryRun });
      context.output.report("clean", { ...report }, cleanSummary(report, directory));
    });
}
