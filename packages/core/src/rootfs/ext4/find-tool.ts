import { constants } from "node:fs";
import { access, stat } from "node:fs/promises";
import { delimiter, isAbsolute, join } from "node:path";
import { RootfsError } from "../errors.ts";

/** Variables a program is run with; `PATH` says where it is looked for. */
export type ToolEnvironment = Readonly<Record<string, string | undefined>>;

/** Where Linux systems keep programs that are not on every user's `PATH`. */
const systemFolders = ["/usr/sbin", "/sbin"];

/**
 * Where a program is: the first executable file of that name in the absolute folders of `PATH`.
 * @throws RootfsError `TOOL_MISSING`; the message says so if the program is in a folder that `PATH` lacks
 */
export async function findTool(
  tool: string,
  purpose: string,
  environment: ToolEnvironment = process.env,
): Promise<string> {
  const folders = (environment.PATH ?? "").split(delimiter).filter((folder) => isAbsolute(folder));
  const found = await firstOf(folders, tool);
  if (found !== undefined) return found;
  const elsewhere = await firstOf(systemFolders, tool);
  const hint = elsewhere === undefined ? "" : `; ${elsewhere} is there, in a folder that PATH lacks`;
  throw new RootfsError("TOOL_MISSING", `cannot ${purpose}: no program ${tool} is on PATH${hint}`, { tool, purpose });
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
