import { accessSync, constants } from "node:fs";
import { delimiter, join } from "node:path";

/** Which of these programs this machine lacks. */
export function lacking(...programs: readonly string[]): readonly string[] {
  return programs.filter((program) => findProgram(program) === undefined);
}

/** Where this machine has a program. */
export function findProgram(program: string): string | undefined {
  const folders = (process.env.PATH ?? "").split(delimiter);
  return folders.map((folder) => join(folder, program)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
