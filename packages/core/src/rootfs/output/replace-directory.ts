import { mkdir, stat } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { RootfsError } from "../errors.ts";
import { fileError } from "../file-error.ts";
import { ScratchFolder } from "../scratch-folder.ts";
import type { RootfsTree } from "../tree/rootfs-tree.ts";
import { putInPlace } from "./put-in-place.ts";
import { fillDirectory, type WriteDirectoryOptions, type WrittenDirectory } from "./write-directory.ts";

/**
 * Writes a tree into a directory in place of what is there, if anything is: beside it first, and put there in one step once
 * all is written. Until then, and when anything fails, it stays as it was. A file is not replaced.
 * @throws RootfsError as `writeDirectory` does
 */
export async function replaceDirectory(
  tree: RootfsTree,
  directory: string,
  options: WriteDirectoryOptions,
): Promise<WrittenDirectory> {
  const target = resolve(directory);
  const parent = dirname(target);
  await mkdir(parent, { recursive: true }).catch((error: unknown) => {
    throw fileError(error, parent);
  });
  const { onEvent } = options;
  await using folder = await ScratchFolder.create(parent, { onEvent, replaces: basename(target) });
  await requireDirectory(target, directory);
  const fresh = join(folder.path, "rootfs");
  const { sidecar = `${directory.replace(/(?<=[^/])\/+$/, "")}.metadata.json` } = options;
  const put = () => putInPlace(fresh, target, folder.replaced);
  return await fillDirectory(tree, fresh, { ...options, sidecar, shown: directory }, put);
}

async function requireDirectory(target: string, path: string): Promise<void> {
  const found = await stat(target).catch(() => undefined); // what cannot be looked at cannot be moved either
  if (!found || found.isDirectory()) return;
  throw new RootfsError("OUTPUT_EXISTS", `cannot write into ${path}: it is there and no directory`, { path });
}
