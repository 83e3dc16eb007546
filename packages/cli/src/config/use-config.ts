import type { Command } from "commander";
import type { CliContext } from "../context.ts";
import { applyConfig } from "./apply-config.ts";
import { locateConfig } from "./locate-config.ts";

/**
 * Gives a command that takes one its configuration, and tells which. The code that reads it is loaded only where there is
 * one. @throws ConfigError, UsageError
 */
export async function useConfig(command: Command, { output }: Pick<CliContext, "output">): Promise<void> {
  if (!command.options.some(({ long }) => long === "--config")) return;
  const file = locateConfig(command.opts());
  if (file === undefined) return;
  const { readConfig } = await import("./read-config.ts");
  applyConfig(command, await readConfig(file), file);
  output.event({ type: "config.used", file });
}
