import type { Command } from "commander";
import { UsageError } from "../usage-error.ts";

/** The flags of {@link withFailureFlags}. */
export interface FailureFlags {
  readonly keepGoing?: boolean;
  readonly accessTimeout?: string;
}

/** Adds what a run does about what fails: `--keep-going`, and how long a catalog is waited for. */
export function withFailureFlags(command: Command): Command {
  return command
    .optionsGroup("When something goes wrong:")
    .option("--keep-going", "finish everything else when a package or module fails, and end with exit code 3")
    .option("--access-timeout <seconds>", "how long a catalog may give no answer; 0 for ever (default: 15)");
}

/** How long a catalog may give no answer, in milliseconds; `undefined` where no flag says. @throws UsageError */
export function accessTimeoutMsOf({ accessTimeout }: FailureFlags): number | undefined {
  if (accessTimeout === undefined) return undefined;
  if (!/^[0-9]{1,6}(?:\.[0-9]{1,3})?$/.test(accessTimeout)) {
    throw new UsageError(`--access-timeout ${accessTimeout}: write it as a number of seconds, such as 60 or 0.5`);
  }
  return Math.round(Number(accessTimeout) * 1000);
}
