import type { Stats } from "node:fs";
import { mkdir, realpath, stat } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { DepsError } from "../errors.ts";
import { fileError } from "../file-error.ts";
import { isMissing } from "./is-missing.ts";

/** The folder of a cache, with symbolic links followed once. */
export interface CacheFolder {
  /** Where it is, without symbolic links. */
  readonly path: string;
  /** How it is called too: as it was given. */
  readonly given: string;
}

/**
 * Finds the folder of a cache; makes it, unless nothing may be written.
 * @throws DepsError `NOT_CACHED`, `FILE_FAILED`, `NO_SPACE`
 */
export async function findCacheFolder(directory: string, isReadOnly: boolean): Promise<CacheFolder> {
  const given = resolve(directory);
  try {
    if (!isReadOnly) await mkdir(given, { recursive: true });
    const found: Stats = await stat(given);
    if (!found.isDirectory()) throw Object.assign(new Error("no folder"), { code: "ENOTDIR" });
    return { given, path: await realpath(given) };
  } catch (error) {
    if (isReadOnly && (error as NodeJS.ErrnoException).code === "ENOENT") {
      const message = `nothing is cached yet: ${given} does not exist`;
      throw new DepsError("NOT_CACHED", message, { path: given }, { cause: error });
    }
    throw fileError(error, given);
  }
}

/** `path` as it is without symbolic links, as far as it exists. @throws DepsError `FILE_FAILED` */
export async function realPathOf(path: string): Promise<string> {
  const full = resolve(path);
  try {
    return await realpath(full);
  } catch (error) {
    if (!isMissing(error) || dirname(full) === full) throw fileError(error, full);
    return join(await realPathOf(dirname(full)), basename(full));
  }
}

/** Where `path` is below `folder`, with `/` between the names; `undefined` when it is not below it. */
export function pathBelow(folder: CacheFolder, path: string): string | undefined {
  const below = [folder.path, folder.given]
    .map((root) => relative(root, path))
    .find((one) => one !== "" && one !== ".." && !one.startsWith(`..${sep}`) && !isAbsolute(one));
  return below?.split(sep).join("/");
}
