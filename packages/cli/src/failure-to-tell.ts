import { CommanderError } from "commander";
import { UsageError } from "./usage-error.ts";

/**
 * What to tell of the error a run ended with: of a command line that could not be read, what is wrong with it in commander's
 * words; `undefined` where help or a version has been shown in place of an error; else the error. The value of a flag that is
 * unknown stays out: a misspelt one may hold a password.
 */
export function failureToTell(error: unknown): unknown {
  if (!(error instanceof CommanderError)) return error;
  const { code, exitCode, message } = error;
  if (exitCode === 0 || code === "commander.help") return undefined;
  const told = message.replace(/^error: /, "");
  return new UsageError(code === "commander.unknownOption" ? told.replace(/=.*'(?=\n|$)/s, "'") : told);
}
