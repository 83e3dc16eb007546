import * as tools from "../../tools/run-tool.ts";
import { inOwnWords } from "./tool-failure.ts";

/**
 * Runs a program without a shell, to its end.
 * @see {@link tools.runTool}
 * @throws RootfsError `TOOL_MISSING`, `TOOL_UNFIT` (it cannot be started), `TOOL_FAILED` (another exit code, a signal, silence)
 */
export async function runTool(
  tool: string,
  args: readonly string[],
  options: tools.ToolOptions,
): Promise<tools.ToolEnding> {
  return await inOwnWords(() => tools.runTool(tool, args, options));
}
