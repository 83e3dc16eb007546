import type { CommanderError } from "commander";
import { UsageError } from "./usage-error.ts";

/**
 * What is wrong with a command line that could not be read, in commander's words; `undefined` where help or a version has been
 * shown in place of an error. The value of a flag that is unknown stays out: a misspelt one may hold a password.
 */
export function commandLineFailure({ code, exitCode, message }: CommanderError): UsageError | undefined {
  if (exitCode === 0 || code === "commander.help") return undefined;
  const told = message.replace(/^error: /, "");
  return new UsageError(code === "commander.unknownOption" ? told.replace(/=.*'(?=\n|$)/s, "'") : told);
}
