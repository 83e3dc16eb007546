import { randomUUID } from "node:crypto";
import type { Stats } from "node:fs";
import { lstat, readdir, rm, rmdir } from "node:fs/promises";
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

/** A name in `folder` that is no other's, for a file on its way to its own. */
export function partialPath(folder: string): string {
  return join(folder, `.${randomUUID()}.partial`);
}

const partialName = /^\.[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.partial$/;

/**
 * Takes away what publishing that was killed left in the artifact's folder: hold the artifact's marker. What cannot be taken
 * away stays.
 */
export async function removePartials(store: string): Promise<void> {
  const root = join(store, generationsName);
  const generations = (await readdir(root).catch(() => [])).map((generation) => join(root, generation));
  for (const folder of [store, ...generations]) {
    for (const name of await readdir(folder).catch(() => [])) {
      if (partialName.test(name)) await rm(join(folder, name), { force: true }).catch(() => {});
    }
    if (folder !== store) await rmdir(folder).catch(() => {}); // it has something in it, unless it was made for that
  }
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
