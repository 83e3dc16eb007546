import type { ToolEnvironment } from "./find-tool.ts";
import { runTool } from "./run-tool.ts";

/** How an image is checked. */
export interface CheckOptions {
  /** The folder it runs in. @defaultValue the current one */
  readonly cwd?: string | undefined;
  readonly environment: ToolEnvironment;
  readonly signal?: AbortSignal | undefined;
}

/** Exit codes of `e2fsck` that leave a sound file system: nothing to do, errors corrected, and corrected with a restart asked for. */
const repaired = [0, 1, 2];

/**
 * Gives large directories of an image their index, and corrects what is to be corrected.
 * @throws RootfsError `TOOL_MISSING`, `TOOL_FAILED` (errors are left)
 */
export async function indexDirectories(path: string, { cwd, environment, signal }: CheckOptions): Promise<void> {
  const step = "index the directories of the image";
  await runTool("e2fsck", ["-fyD", path], { step, cwd, environment, signal, accept: repaired });
}

/**
 * Reads all of an image's structure and changes nothing.
 * @throws RootfsError `TOOL_MISSING`, `TOOL_FAILED` (it is not without any fault)
 */
export async function checkImage(path: string, { cwd, environment, signal }: CheckOptions): Promise<void> {
  await runTool("e2fsck", ["-fn", path], { step: "check the image", cwd, environment, signal });
}
