import { Argument, Command } from "commander";
import { bashScript } from "../completion/bash-script.ts";
import { type CompletedCommand, commandWords } from "../completion/command-words.ts";
import { fishScript } from "../completion/fish-script.ts";
import { zshScript } from "../completion/zsh-script.ts";
import type { CliContext } from "../context.ts";

const scripts = { bash: bashScript, zsh: zshScript, fish: fishScript } satisfies Record<
  string,
  (commands: readonly CompletedCommand[]) => string
>;

/** `tranship completion`: a script by which a shell completes our command lines without starting us. */
export function completionCommand(context: CliContext): Command {
  const command = new Command("completion")
    .description("print a script that makes a shell complete commands, flags and their values")
    .addArgument(new Argument("<shell>", "the shell").choices(Object.keys(scripts)))
    .addHelpText(
      "after",
      "\nbash: source <(tranship completion bash)\n" +
        "zsh:  source <(tranship completion zsh), after compinit\n" +
        "fish: tranship completion fish | source",
    );
  return command.action((shell: keyof typeof scripts) => {
    const { parent: program } = command;
    if (program) context.output.text(scripts[shell](commandWords(program)));
  });
}
