import { writeFile } from "node:fs/promises";
import { formatDownloadList, plan } from "@tranship/core";
import { Command } from "commander";
import { readBase } from "../base-file.ts";
import type { CliContext, RegistryFlags } from "../context.ts";
import { type BaseFlags, checkRegistryFlags, withBaseFlag, withRegistryFlags } from "../flags.ts";
import { openSource } from "../place.ts";
import { explanationTable } from "../print/explanation-table.ts";
import { planTable } from "../print/plan-table.ts";
import { type SelectionFlags, servicesFor, withSelectionFlags } from "../selection-flags.ts";

/** `tranship plan`: what a pull would transfer, exactly. */
export function planCommand(context: CliContext): Command {
  const command = new Command("plan")
    .description("show what a pull would transfer, without writing a bundle")
    .requiredOption(
      "--source <place>",
      "registry and path, e.g. registry.example.com/deckhouse/fe; or oci:DIR, bundle:DIR",
    )
    .option("--explain", "say of every tag why a constraint selects it or not, and plan nothing")
    .option("-o, --output <file>", "write the plan as JSON to a file, - for standard output");
  return withRegistryFlags(withBaseFlag(withSelectionFlags(command))).action(
    async (
      flags: RegistryFlags &
        SelectionFlags &
        BaseFlags & { readonly source: string; readonly output?: string; readonly explain?: boolean },
    ) => {
      checkRegistryFlags(flags);
      const base = await readBase(flags.base);
      await using source = await openSource(flags.source, flags, context);
      const services = servicesFor(source, flags);
      if (flags.explain) {
        const names = [];
        for (const service of services)
          for await (const one of service.explain({ signal: context.signal })) names.push(one);
        return context.output.report("explain", { names }, explanationTable(names));
      }
      const list = await plan(services, { base, signal: context.signal, onEvent: context.onEvent });
      if (flags.output === "-") return context.output.text(formatDownloadList(list));
      if (flags.output !== undefined) await writeFile(flags.output, formatDownloadList(list));
      context.output.report("plan", { ...list }, planTable(list, flags.output));
    },
  );
}
