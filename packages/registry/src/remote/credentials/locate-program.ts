import { accessSync, constants, statSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";

// of what Windows knows to run, that which needs no shell
const ending = process.platform === "win32" ? ".exe" : "";

/**
 * Where a program is: in the absolute folders of `PATH` alone, so that none is run for lying in the folder one happens to be
 * in. `undefined` when it is in none of them.
 */
export function locateProgram(program: string, env: Readonly<Record<string, string | undefined>>): string | undefined {
  if (isAbsolute(program)) return program;
  const [, path = ""] = Object.entries(env).find(([name]) => isPath(name)) ?? [];
  return path
    .split(delimiter)
    .filter((folder) => isAbsolute(folder))
    .map((folder) => join(folder, program + ending))
    .find(isProgram);
}

function isPath(name: string): boolean {
  return process.platform === "win32" ? name.toUpperCase() === "PATH" : name === "PATH";
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
