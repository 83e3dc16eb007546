import { chmod, lstat, rename } from "node:fs/promises";
import { fileError } from "../file-error.ts";

/**
 * Puts the directory `tree` where `target` is, and what was there to `aside`, all on one file system. Renames alone: the
 * destination is the old tree, nothing for a moment, or the new one.
 * @throws RootfsError `FILE_FAILED`
 */
export async function putInPlace(tree: string, target: string, aside: string): Promise<void> {
  const hadOne = await moved(target, aside);
  try {
    await move(tree, target);
  } catch (error) {
    if (hadOne) await move(aside, target);
    throw fileError(error, target);
  }
}

async function moved(from: string, to: string): Promise<boolean> {
  try {
    await move(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
    throw fileError(error, from);
  }
}

/** A directory that its owner may not write to, as the root of many images is (0555), does not go into another one. */
async function move(from: string, to: string): Promise<void> {
  try {
    await rename(from, to);
  } catch (error) {
    const found = (error as NodeJS.ErrnoException).code === "EACCES" ? await lstat(from) : undefined;
    if (!found?.isDirectory() || (found.mode & 0o200) !== 0) throw error;
    const mode = found.mode & 0o7777;
    await chmod(from, mode | 0o200);
    try {
      await rename(from, to);
    } catch (cause) {
      await chmod(from, mode);
      throw cause;
    }
    await chmod(to, mode);
  }
}
