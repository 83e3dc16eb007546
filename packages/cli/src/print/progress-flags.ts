import { type Command, Option } from "commander";
import { type ProgressKind, progressKinds } from "./terminal.ts";

/** The flags of {@link withProgressFlags}. */
export interface ProgressFlags {
  readonly progress?: ProgressKind | undefined;
  readonly quiet?: boolean | undefined;
}

/** Adds what a command tells on the way. */
export function withProgressFlags(command: Command): Command {
  return command
    .optionsGroup("Output:")
    .addOption(
      new Option(
        "--progress <kind>",
        "how to tell how far it is: a bar that is redrawn, plain lines, or nothing; auto takes the bar on a terminal, except in CI; nothing with --json",
      )
        .choices(progressKinds)
        .default("auto"),
    )
    .option("--quiet", "on the way, tell of nothing but warnings and failures");
}
