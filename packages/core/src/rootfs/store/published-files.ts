import type { Stats } from "node:fs";
import { lstat, readdir } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";

/** Where the finished files of an artifact are, by generation, in its folder. */
const generationsName = "generations";

const fileName = /^[0-9a-f]{64}\.ext4$/;

/** The folder of one generation of the artifact in folder `store`; numbers below 1 count as 1. */
export function generationFolder(store: string, generation: number): string {
  return join(store, generationsName, String(Math.max(1, Math.trunc(generation) || 1)));
}

/** Where the artifact's newest file is also found, under the name that readers who know of no generations look for. */
export function currentPath(store: string): string {
  return join(store, `${basename(resolve(store))}.ext4`);
}

/** Whether `path` is where a published file of this generation is. */
export function isPublishedIn(path: string, store: string, generation: number): boolean {
  return dirname(resolve(path)) === resolve(generationFolder(store, generation)) && fileName.test(basename(path));
}

/** All published files of an artifact but for the one at `path`, in no order. */
export async function otherPublished(store: string, path: string): Promise<readonly string[]> {
  const found: string[] = [];
  const root = join(store, generationsName);
  for (const generation of await readdir(root).catch(() => [])) {
    const folder = join(root, generation);
    for (const name of await readdir(folder).catch(() => [])) {
      if (fileName.test(name) && join(folder, name) !== path) found.push(join(folder, name));
    }
  }
  return found;
}

/** What is at `path`, a link as itself; `undefined` when nothing is. */
export async function statAt(path: string): Promise<Stats | undefined> {
  try {
    return await lstat(path);
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (["ENOENT", "ENOTDIR"].includes(code)) return undefined;
    throw error;
  }
}
