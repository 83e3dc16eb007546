import { lstat, mkdir, realpath } from "node:fs/promises";
import { dirname, isAbsolute, join, relative, sep } from "node:path";
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
  const real = await realPlace(path, there);
  if (real === undefined) throw unsafe(path, "a symbolic link above it leads nowhere");
  for (const root of roots) {
    const realRoot = await realPlace(root, await deepestThere(root));
    if (realRoot !== undefined && real !== realRoot && isWithin(real, realRoot)) return;
  }
  throw unsafe(path, "it is not in the folders of the cache, or a symbolic link leads out of them");
}

/** Where a path leads, of which `there` exists; `undefined` behind a link to nowhere. */
async function realPlace(path: string, there: string): Promise<string | undefined> {
  const real = await onDiskIfAny(there, () => realpath(there));
  return real === undefined ? undefined : join(real, relative(there, path));
}

function unsafe(path: string, reason: string): DepsError<"NAME_UNSAFE"> {
  const what = "a place in the cache";
  return new DepsError("NAME_UNSAFE", `cannot write ${path}: ${reason}`, { what, name: path, reason });
}
