import type { Command } from "commander";

/** The flags of {@link withConfigFlags}. */
export interface ConfigFlags {
  /** `false` for none. */
  readonly config?: string | false;
}

/** Adds `--config` and `--no-config`. */
export function withConfigFlags(command: Command): Command {
  return command
    .optionsGroup("Configuration:")
    .option("--config <file>", "what flags do not say is in this file (default: tranship.yaml, where there is one)")
    .option("--no-config", "read no tranship.yaml");
}
