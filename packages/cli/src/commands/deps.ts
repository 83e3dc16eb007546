import { Argument, Command } from "commander";
import type { CliContext } from "../context.ts";
import { checkDepsFlags, type DepsAction, type DepsFlags, depsActions, withDepsFlags } from "../flags/deps-flags.ts";

/** `tranship deps`: what an installer depends on, as a verified cache on this machine. */
export function depsCommand(context: CliContext): Command {
  const command = new Command("deps")
    .description("keep what an installer depends on in a verified cache: files, images, charts, git repositories")
    .usage("[options] <action> [file]")
    .addArgument(new Argument("[action]", "what to do").choices(depsActions))
    .argument("[file]", "of export and import: the archive")
    .addHelpText("after", help);
  return withDepsFlags(command).action(
    async (action: DepsAction | undefined, file: string | undefined, flags: DepsFlags) => {
      if (action === undefined) return command.outputHelp();
      checkDepsFlags(command, action, flags);
      const { runDeps } = await import("../deps/run-deps.ts"); // what it needs, no other command does
      await runDeps(action, file, flags, context);
    },
  );
}

const help = `
Actions:
  plan      say what is there and what would be fetched, in bytes; write nothing
  download  fetch what is missing; interrupted, it goes on where it stopped
  verify    look whether all is there, unharmed; exit code 3 if it is not
  status    say which versions of the manifests are cached, and which there are
  prune     say what nothing needs any more; with --yes, remove it
  export    write the cache to a file, for another machine
  import    take a cache from such a file
  serve     serve the cache to others: files, and images as a registry

What is depended on is said by --manifest FILE, or by --preset podplane.`;
