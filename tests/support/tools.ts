import { accessSync, constants, symlinkSync } from "node:fs";
import { delimiter, join } from "node:path";
import { tempFolder } from "./temp-folder.ts";

/** Which of these programs this machine lacks. */
export function lacking(...programs: readonly string[]): readonly string[] {
  return programs.filter((program) => findProgram(program) === undefined);
}

/** Where this machine has a program. */
export function findProgram(program: string): string | undefined {
  const folders = (process.env.PATH ?? "").split(delimiter);
  return folders.map((folder) => join(folder, program)).find(isExecutable);
}

/** A folder for `PATH` with these programs of this machine, and no others. */
export function pathWith(...programs: readonly string[]): string {
  const folder = tempFolder();
  for (const program of programs) symlinkSync(findProgram(program) ?? "/nowhere", join(folder, program));
  return folder;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
