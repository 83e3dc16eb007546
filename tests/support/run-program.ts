import { createContext } from "../../packages/cli/src/context.ts";
import { exitCodeOf } from "../../packages/cli/src/exit-codes.ts";
import { HumanOutput, JsonOutput } from "../../packages/cli/src/print/output.ts";
import { createProgram } from "../../packages/cli/src/program.ts";
import type { TranshipRun } from "./run-tranship.ts";

/**
 * Runs the program inside this process, for tests with many short runs: a process of its own takes most of a second. What
 * the argument parser itself refuses it still says on the real standard error.
 */
export async function runProgram(...args: readonly string[]): Promise<TranshipRun> {
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
    write(text: string) {
      said[name] += text;
      return true;
    },
  });
  const output = new (args.includes("--json") ? JsonOutput : HumanOutput)(streamTo("stdout"), streamTo("stderr"));
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
  try {
    await createProgram(context, "0.0.0").parseAsync(args, { from: "user" });
  } catch (error) {
    output.failure(error);
    code = exitCodeOf(error);
  }
  return { code, ...said };
}
