import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { basename, delimiter, dirname, isAbsolute, join } from "node:path";
import { ToolError } from "./tool-error.ts";

/** Variables a program is run with; `PATH` says where it is looked for. */
export type ToolEnvironment = Readonly<Record<string, string | undefined>>;

/**
 * Where a program is: the first executable file of that name in the absolute folders of `PATH`, else in the `sbin` beside a
 * `bin` of them, which is where Linux systems keep the programs for file systems and is not on every user's `PATH`.
 * @throws ToolError `TOOL_MISSING`
 */
export async function findTool(
  tool: string,
  purpose: string,
  environment: ToolEnvironment = process.env,
): Promise<string> {
  const folders = (environment.PATH ?? "").split(delimiter).filter((folder) => isAbsolute(folder));
  const beside = folders.filter((folder) => basename(folder) === "bin").map((folder) => join(dirname(folder), "sbin"));
  const found = (await firstOf(folders, tool)) ?? (await firstOf(beside, tool));
  if (found !== undefined) return found;
  throw new ToolError("TOOL_MISSING", `cannot ${purpose}: no program ${tool} is on PATH`, { tool, purpose });
}

async function firstOf(folders: readonly string[], tool: string): Promise<string | undefined> {
  for (const folder of folders) {
    const path = join(folder, tool);
    if (await isProgram(path)) return path;
  }
  return undefined;
}

async function isProgram(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return (await stat(path)).isFile();
  } catch {
    return false;
  }
}
