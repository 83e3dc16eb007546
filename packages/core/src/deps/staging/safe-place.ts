import { lstat, mkdir, realpath } from "node:fs/promises";
import { dirname, isAbsolute, relative, sep } from "node:path";
import { flushFolder } from "../../bundle/disk/sync-folder.ts";
import { DepsError } from "../errors.ts";
import { onDisk, onDiskIfAny } from "../file-error.ts";

/**
 * Makes the folders above `path`, which last once this is done.
 * @param roots folders one of which `path` must lie below, also after all symbolic links on the way; none lets it be anywhere
 * @throws DepsError `NAME_UNSAFE`, `FILE_FAILED`
 */
export async function prepareFolders(path: string, roots: readonly string[]): Promise<void> {
  const folder = dirname(path);
  const there = await deepestThere(folder);
  if (roots.length > 0) await requireWithin(path, there, roots);
  if (there === folder) return;
  await onDisk(folder, async () => {
    await mkdir(folder, { recursive: true });
    for (let made = dirname(folder); isWithin(made, there); made = dirname(made)) await flushFolder(made);
  });
}

/** Whether `path` is `folder` or lies below it, by their names. */
export function isWithin(path: string, folder: string): boolean {
  const steps = relative(folder, path);
  return steps !== ".." && !steps.startsWith(`..${sep}`) && !isAbsolute(steps);
}

async function deepestThere(folder: string): Promise<string> {
  let there = folder;
  while ((await onDiskIfAny(there, () => lstat(there))) === undefined && dirname(there) !== there)
    there = dirname(there);
  return there;
}

async function requireWithin(path: string, there: string, roots: readonly string[]): Promise<void> {
  const root = roots.find((one) => isWithin(path, one) && path !== one);
  if (root === undefined) throw unsafe(path, "it is not in the folders of the cache");
  const realRoot = await onDiskIfAny(root, () => realpath(root));
  if (realRoot === undefined) return; // nothing is there yet that could lead anywhere else
  const real = await onDiskIfAny(there, () => realpath(there));
  if (real === undefined) throw unsafe(path, "a symbolic link above it leads nowhere");
  if (isWithin(real, realRoot) || isWithin(realRoot, real)) return;
  throw unsafe(path, `a symbolic link above it leads out of ${root}`);
}

function unsafe(path: string, reason: string): DepsError<"NAME_UNSAFE"> {
  const what = "a place in the cache";
  return new DepsError("NAME_UNSAFE", `cannot write ${path}: ${reason}`, { what, name: path, reason });
}
