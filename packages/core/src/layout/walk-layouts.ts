import type { Dirent } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { isRepositoryPath, joinPath } from "@tranship/registry";
import { localIfAny } from "./atomic-file.ts";
import { compareText } from "./index-file.ts";

/** Names that a layout's own files have. */
export const layoutNames: ReadonlySet<string> = new Set(["blobs", "index.json", "oci-layout"]);

/** Whether `path` is a repository path that can be a folder in a tree of layouts: no layout's own file lies in its way. */
export function isLayoutPath(path: string): boolean {
  return path === "" || (isRepositoryPath(path) && !path.split("/").some((name) => layoutNames.has(name)));
}

/** Options of {@link walkLayouts}. */
export interface WalkOptions {
  readonly signal?: AbortSignal | undefined;
  /** Whether there may be layouts in a folder of this path, and below it. @defaultValue those a registry can have */
  readonly isWanted?: ((path: string) => boolean) | undefined;
}

/** Paths of the image layouts in and below a folder, sorted bytewise, found as they are asked for. Follows no links. */
export async function* walkLayouts(root: string, options: WalkOptions = {}): AsyncGenerator<string> {
  const { signal, isWanted = isLayoutPath } = options;
  const walk: Walk = { root, signal, isWanted };
  const folder = await readFolder(walk, "");
  if (!folder) return;
  if (folder.isLayout) yield "";
  yield* walkChildren(walk, "", folder.children);
}

interface Walk {
  readonly root: string;
  readonly signal: AbortSignal | undefined;
  readonly isWanted: (path: string) => boolean;
}

interface Folder {
  readonly isLayout: boolean;
  /** Names of the folders in it that may be, or lead to, repositories. */
  readonly children: readonly string[];
}

/**
 * The order of whole paths is not that of folders: `a-b` comes before `a/b`. So each folder takes two places in the
 * order of its parent: `a` for itself and `a/` for what is below.
 */
async function* walkChildren(walk: Walk, parent: string, names: readonly string[]): AsyncGenerator<string> {
  const below = new Map<string, readonly string[]>();
  for (const place of names.flatMap((name) => [name, `${name}/`]).sort(compareText)) {
    walk.signal?.throwIfAborted();
    const path = joinPath(parent, place);
    if (place.endsWith("/")) {
      const children = below.get(path);
      below.delete(path);
      if (children) yield* walkChildren(walk, path, children);
      continue;
    }
    const folder = await readFolder(walk, path);
    if (folder?.isLayout) yield path;
    if (folder && folder.children.length > 0) below.set(path, folder.children);
  }
}

/** `undefined` for a folder that is gone by now. */
async function readFolder({ root, isWanted }: Walk, path: string): Promise<Folder | undefined> {
  const folder = join(root, path);
  const entries: readonly Dirent[] | undefined = await localIfAny(folder, () =>
    readdir(folder, { withFileTypes: true }),
  );
  if (!entries) return undefined;
  return {
    isLayout: entries.some((entry) => entry.name === "oci-layout" && entry.isFile()),
    children: entries
      .filter((entry) => entry.isDirectory() && isWanted(joinPath(path, entry.name)))
      .map(({ name }) => name),
  };
}
