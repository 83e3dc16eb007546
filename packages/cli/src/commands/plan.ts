import { diffDownloadLists, downloadTotals, formatDownloadList, plan } from "@tranship/core";
import { Command } from "commander";
import { readBase, readPlan } from "../base-file.ts";
import type { CliContext, RegistryFlags } from "../context.ts";
import { type FailureFlags, withFailureFlags } from "../failure-flags.ts";
import { type BaseFlags, checkRegistryFlags, withBaseFlag, withRegistryFlags } from "../flags.ts";
import { requireOutputFile, writeOutputFile } from "../output-file.ts";
import { openSource } from "../place.ts";
import { diffTable } from "../print/diff-table.ts";
import { explanationTable } from "../print/explanation-table.ts";
import { planTable } from "../print/plan-table.ts";
import { type SelectionFlags, servicesFor, withSelectionFlags } from "../selection-flags.ts";
import { UsageError } from "../usage-error.ts";

interface PlanCommandFlags {
  readonly source: string;
  readonly output?: string;
  readonly explain?: boolean;
  readonly diff?: string;
}

/** `tranship plan`: what a pull would transfer, exactly. */
export function planCommand(context: CliContext): Command {
  const command = new Command("plan")
    .description("show what a pull would transfer, without writing a bundle")
    .requiredOption(
      "--source <place>",
      "registry and path, e.g. registry.example.com/deckhouse/fe; or oci:DIR, bundle:DIR",
    )
    .option("--explain", "say of every tag why a constraint selects it or not, and plan nothing")
    .option("--diff <file>", "show what has changed since this plan or tranship.lock.json")
    .option("-o, --output <file>", "write the plan as JSON to a file, - for standard output");
  return withRegistryFlags(withBaseFlag(withFailureFlags(withSelectionFlags(command)))).action(
    async (flags: RegistryFlags & SelectionFlags & BaseFlags & FailureFlags & PlanCommandFlags) => {
      checkRegistryFlags(flags);
      if (flags.explain && flags.diff !== undefined) throw new UsageError("--explain and --diff exclude each other");
      if (flags.explain && flags.output !== undefined)
        throw new UsageError("--explain makes no plan: there is nothing for --output");
      await requireOutputFile("--output", flags.output);
      const base = await readBase(flags.base);
      const before = flags.diff === undefined ? undefined : await readPlan(flags.diff, "--diff");
      await using source = await openSource(flags.source, flags, context);
      const services = servicesFor(source, flags, context.onEvent);
      if (flags.explain) {
        const names = [];
        for (const service of services)
          for await (const one of service.explain({ signal: context.signal })) names.push(one);
        return context.output.report("explain", { names }, explanationTable(names));
      }
      const { keepGoing } = flags;
      const list = await plan(services, { base, keepGoing, signal: context.signal, onEvent: context.onEvent });
      if (list.failed !== undefined) context.exitWith(3);
      if (flags.output === "-") return context.output.text(formatDownloadList(list));
      if (flags.output !== undefined) await writeOutputFile("--output", flags.output, formatDownloadList(list));
      const diff = before && diffDownloadLists(before.list, list);
      const report = { ...list, totals: downloadTotals(list), ...(diff ? { diff } : {}) };
      context.output.report("plan", report, diff ? diffTable(diff) : planTable(list, flags.output));
    },
  );
}
