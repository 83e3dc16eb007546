import * as tools from "../../tools/find-tool.ts";
import { inOwnWords } from "./tool-failure.ts";

export type { ToolEnvironment } from "../../tools/find-tool.ts";

/**
 * Where a program is.
 * @see {@link tools.findTool}
 * @throws RootfsError `TOOL_MISSING`
 */
export async function findTool(
  tool: string,
  purpose: string,
  environment: tools.ToolEnvironment = process.env,
): Promise<string> {
  return await inOwnWords(() => tools.findTool(tool, purpose, environment));
}
