import { createContext } from "../../packages/cli/src/context.ts";
import { JsonOutput } from "../../packages/cli/src/print/output.ts";
import { createProgram } from "../../packages/cli/src/program.ts";

/** The command tree of the program, to look at and to parse with: it says nothing. */
export function idleProgram(): ReturnType<typeof createProgram> {
  const context = createContext({
    output: new JsonOutput({ write() {} }, { write() {} }),
    signal: new AbortController().signal,
    input: (async function* () {})(),
    environment: {},
    exitWith() {},
  });
  return createProgram(context, "0.0.0");
}
