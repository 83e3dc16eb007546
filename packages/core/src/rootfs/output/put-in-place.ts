import { rename } from "node:fs/promises";
import { fileError } from "../file-error.ts";

/**
 * Puts the directory `tree` where `target` is, and what was there to `aside`, all on one file system. Renames alone: the
 * destination is the old tree, nothing for a moment, or the new one.
 * @throws RootfsError `FILE_FAILED`
 */
export async function putInPlace(tree: string, target: string, aside: string): Promise<void> {
  const hadOne = await moved(target, aside);
  try {
    await rename(tree, target);
  } catch (error) {
    if (hadOne) await rename(aside, target);
    throw fileError(error, target);
  }
}

async function moved(from: string, to: string): Promise<boolean> {
  try {
    await rename(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw fileError(error, from);
  }
}
