import { Command } from "commander";
import { cleanCommand } from "./commands/clean.ts";
import { completionCommand } from "./commands/completion.ts";
import { depsCommand } from "./commands/deps.ts";
import { doctorCommand } from "./commands/doctor.ts";
import { initCommand } from "./commands/init.ts";
import { inspectCommand } from "./commands/inspect.ts";
import { inventoryCommand } from "./commands/inventory.ts";
import { joinCommand } from "./commands/join.ts";
import { planCommand } from "./commands/plan.ts";
import { pullCommand } from "./commands/pull.ts";
import { pushCommand } from "./commands/push.ts";
import { repairCommand } from "./commands/repair.ts";
import { rootfsCommand } from "./commands/rootfs.ts";
import { serveCommand } from "./commands/serve.ts";
import { syncCommand } from "./commands/sync.ts";
import { verifyCommand } from "./commands/verify.ts";
import { useConfig } from "./config/use-config.ts";
import type { CliContext } from "./context.ts";
import { exitCodesHelp } from "./exit-codes.ts";
import { withHyphens } from "./flags/flag-spelling.ts";
import { withProgressFlags } from "./print/progress-flags.ts";
import { warnOfVisibleSecret } from "./visible-secret.ts";

/** What commander says of a wrong command line; it throws the same, to be told as any other failure. */
const outputError = (): void => {};

/** The command tree. `--json` is read before, to choose the output; it is declared here for `--help`. */
export function createProgram(context: CliContext, version: string): Command {
  const program = new Command("tranship")
    .description(
      "Moves OCI packages and images from one registry, through bundle files, into another, and proves nothing was lost.",
    )
    .version(version)
    .addHelpText(
      "after",
      `${exitCodesHelp}\nWith --json, JSON lines on standard output: events, then a report or a failure.`,
    );
  const commands = [
    initCommand,
    planCommand,
    pullCommand,
    pushCommand,
    syncCommand,
    verifyCommand,
    serveCommand,
    inspectCommand,
    inventoryCommand,
    joinCommand,
    rootfsCommand,
    depsCommand,
    cleanCommand,
    repairCommand,
    completionCommand,
    doctorCommand,
  ];
  for (const command of commands.map((make) => make(context))) {
    const parse = command.parseOptions.bind(command);
    command.parseOptions = (words) => parse(withHyphens(command, words));
    program.addCommand(
      withProgressFlags(command)
        .option("--json", "events and the report as JSON lines on standard output")
        .addHelpText("after", exitCodesHelp)
        .hook("preAction", async (_program, action) => {
          context.output.begin(action.name(), action.opts());
          warnOfVisibleSecret(action, context.output);
          await useConfig(action, context);
        })
        .exitOverride()
        .configureOutput({ outputError }),
    );
  }
  return program.exitOverride().configureOutput({ outputError });
}
