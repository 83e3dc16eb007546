import { formatDownloadList, PackagesService, plan } from "@tranship/core";
import { Command } from "commander";
import { readBase } from "../base-file.ts";
import type { CliContext, RegistryFlags } from "../context.ts";
import {
  type BaseFlags,
  checkRegistryFlags,
  packagesOptions,
  type SelectionFlags,
  withBaseFlag,
  withRegistryFlags,
  withSelectionFlags,
} from "../flags.ts";
import { requireOutputFile, writeOutputFile } from "../output-file.ts";
import { openSource } from "../place.ts";
import { planTable } from "../print/plan-table.ts";

/** `tranship plan`: what a pull would transfer, exactly. */
export function planCommand(context: CliContext): Command {
  const command = new Command("plan")
    .description("show what a pull would transfer, without writing a bundle")
    .requiredOption(
      "--source <place>",
      "registry and path, e.g. registry.example.com/deckhouse/fe; or oci:DIR, bundle:DIR",
    )
    .option("-o, --output <file>", "write the plan as JSON to a file, - for standard output");
  return withRegistryFlags(withBaseFlag(withSelectionFlags(command))).action(
    async (
      flags: RegistryFlags & SelectionFlags & BaseFlags & { readonly source: string; readonly output?: string },
    ) => {
      checkRegistryFlags(flags);
      await requireOutputFile("--output", flags.output);
      const base = await readBase(flags.base);
      await using source = await openSource(flags.source, flags, context);
      const packages = new PackagesService(packagesOptions(source, flags));
      const list = await plan([packages], { base, signal: context.signal, onEvent: context.onEvent });
      if (flags.output === "-") return context.output.text(formatDownloadList(list));
      if (flags.output !== undefined) await writeOutputFile("--output", flags.output, formatDownloadList(list));
      context.output.report("plan", { ...list }, planTable(list, flags.output));
    },
  );
}
