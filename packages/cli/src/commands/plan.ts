import { Command } from "commander";
import { readBase, readPlan } from "../base-file.ts";
import { withConfigFlags } from "../config/config-flags.ts";
import type { CliContext, RegistryFlags } from "../context.ts";
import { type FailureFlags, withFailureFlags } from "../flags/failure-flags.ts";
import { type BaseFlags, checkRegistryFlags, withBaseFlag, withSourceAccessFlags } from "../flags/flags.ts";
import { type ComponentFlags, checkComponentFlags, withComponentFlags } from "../flags/reference-flags.ts";
import { openServices, type SelectionFlags, withSelectionFlags } from "../flags/selection-flags.ts";
import { requireSource, type SourceFlag, withSourceFlag } from "../flags/source-flag.ts";
import { requireOutputFile } from "../output-file.ts";
import { explanationTable } from "../print/explanation-table.ts";
import { Sources } from "../sources.ts";
import { UsageError } from "../usage-error.ts";
import { showPlan } from "./show-plan.ts";

interface PlanCommandFlags extends SourceFlag {
  readonly output?: string;
  readonly explain?: boolean;
  readonly diff?: string;
}

/** `tranship plan`: what a pull would transfer, exactly. */
export function planCommand(context: CliContext): Command {
  const command = new Command("plan")
    .description("show what a pull would transfer, without writing a bundle")
    .option("--explain", "say of every tag why a constraint selects it or not, and plan nothing")
    .option("--diff <file>", "show what has changed since this plan or tranship.lock.json")
    .option("-o, --output <file>", "write the plan as JSON to a file, - for standard output");
  const withWhat = withBaseFlag(withFailureFlags(withSelectionFlags(withSourceFlag(command))));
  return withConfigFlags(withSourceAccessFlags(withComponentFlags(withWhat))).action(
    async (flags: RegistryFlags & SelectionFlags & BaseFlags & FailureFlags & ComponentFlags & PlanCommandFlags) => {
      await using sources = new Sources(flags, context);
      if (flags.image.length === 0) requireSource(flags, context.environment);
      checkComponentFlags(flags);
      checkRegistryFlags(flags);
      if (flags.explain && flags.diff !== undefined) throw new UsageError("--explain and --diff exclude each other");
      if (flags.explain && flags.output !== undefined)
        throw new UsageError("--explain makes no plan: there is nothing for --output");
      await requireOutputFile("--output", flags.output);
      const base = await readBase(flags.base);
      const before = flags.diff === undefined ? undefined : await readPlan(flags.diff, "--diff");
      const services = await openServices(sources, flags, context.onEvent);
      if (flags.explain) {
        const names = [];
        for (const service of services)
          for await (const one of service.explain({ signal: context.signal })) names.push(one);
        return context.output.report("explain", { names }, explanationTable(names));
      }
      const { keepGoing, output } = flags;
      await showPlan(services, { base, keepGoing, before: before?.list, output }, context);
    },
  );
}
