import { createContext } from "../../packages/cli/src/context.ts";
import { exitCodeOf } from "../../packages/cli/src/exit-codes.ts";
import { failureToTell } from "../../packages/cli/src/failure-to-tell.ts";
import type { Clock } from "../../packages/cli/src/print/clock.ts";
import { HumanOutput, JsonOutput } from "../../packages/cli/src/print/output.ts";
import { createProgram } from "../../packages/cli/src/program.ts";
import { runTranship, type TranshipRun } from "./run-tranship.ts";

/** On a busy machine a run takes long enough to tell of its progress, which would be among what it says. */
const stillClock: Clock = { now: () => 0, every: () => () => {} };

/**
 * Runs the program inside this process, for tests with many short runs: a process of its own takes most of a second. Where
 * `TRANSHIP_MAIN` names another program, that one is run.
 */
export async function runProgram(...args: readonly string[]): Promise<TranshipRun> {
  if (process.env.TRANSHIP_MAIN !== undefined) return await runTranship(...args);
  return await runProgramIn({}, ...args);
}

/** The same with these variables in its environment. */
export async function runProgramIn(
  environment: Readonly<Record<string, string>>,
  ...args: readonly string[]
): Promise<TranshipRun> {
  const said = { stdout: "", stderr: "" };
  const streamTo = (name: keyof typeof said) => ({
    isTTY: false,
    write(chunk: string | Uint8Array) {
      said[name] += typeof chunk === "string" ? chunk : Buffer.from(chunk).toString("latin1");
      return true;
    },
  });
  const Made = args.includes("--json") ? JsonOutput : HumanOutput;
  const output = new Made(streamTo("stdout"), streamTo("stderr"), { clock: stillClock });
  let code = 0;
  const context = createContext({
    output,
    signal: new AbortController().signal,
    input: (async function* () {})(),
    environment,
    exitWith(given) {
      code = given;
    },
  });
  const program = createProgram(context, "0.0.0");
  const writes = { writeOut: streamTo("stdout").write, writeErr: streamTo("stderr").write };
  for (const command of [program, ...program.commands]) command.configureOutput(writes);
  try {
    await program.parseAsync(args, { from: "user" });
  } catch (error) {
    const failure = failureToTell(error);
    if (failure !== undefined) output.failure(failure);
    code = exitCodeOf(error);
  }
  return { code, ...said };
}
