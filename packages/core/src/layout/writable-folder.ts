import { access, constants } from "node:fs/promises";
import { dirname } from "node:path";
import { local } from "./atomic-file.ts";

/** Makes sure that files can be made in the folder at `path`, or where it does not exist, in the one it would be made in. @throws MirrorError `FILE_FAILED` */
export async function requireWritableFolder(path: string): Promise<void> {
  let folder = path;
  while (!(await isThere(folder)) && dirname(folder) !== folder) folder = dirname(folder);
  await local(folder, () => access(folder, constants.W_OK | constants.X_OK));
}

async function isThere(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ENOENT"; // what is there and cannot be looked at says so itself
  }
}
