import { mkdir } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileError } from "../file-error.ts";
import { ScratchFolder } from "../scratch-folder.ts";
import type { RootfsTree } from "../tree/rootfs-tree.ts";
import { putInPlace } from "./put-in-place.ts";
import { fillDirectory, type WriteDirectoryOptions, type WrittenDirectory } from "./write-directory.ts";

/**
 * Writes a tree into a directory in place of what is there, if anything is: beside it first, and put there in one step once
 * all is written. Until then, and when anything fails, it stays as it was.
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
  await using folder = await ScratchFolder.create(parent, options.onEvent);
  const fresh = join(folder.path, "rootfs");
  const { sidecar = `${directory.replace(/(?<=[^/])\/+$/, "")}.metadata.json` } = options;
  const put = () => putInPlace(fresh, target, join(folder.path, "replaced"));
  return await fillDirectory(tree, fresh, { ...options, sidecar, shown: directory }, put);
}
