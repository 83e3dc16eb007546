import { writeFile } from "node:fs/promises";
import { join, sep } from "node:path";
import { byteStringOf } from "../../layer-archive/byte-string.ts";
import { fileError } from "../file-error.ts";
import type { LayerWorkers } from "../layers/layer-workers.ts";
import type { ContentTarget } from "../output/content-target.ts";
import { writeContents } from "../output/write-contents.ts";
import type { Inode } from "../tree/inode.ts";
import type { RootfsTree } from "../tree/rootfs-tree.ts";
import { rootInode } from "./ext4-geometry.ts";
import { ext4Xattrs } from "./ext4-xattrs.ts";
import { contentFile, xattrFile } from "./image-commands.ts";
import { plannedDirectories } from "./planned-directories.ts";

/** How contents are laid out. */
export interface StageOptions {
  readonly workers: LayerWorkers;
  readonly reference: string | undefined;
  readonly signal: AbortSignal | undefined;
  readonly onBytes: (bytes: number) => void;
}

/**
 * Writes what `debugfs` will read into a private folder: contents and attributes, named by number. Nothing in it has a name,
 * an owner or a mode of the image, and so nothing depends on what this machine's file systems can keep.
 * @throws RootfsError as `writeContents` does
 */
export async function stageTree(tree: RootfsTree, folder: string, options: StageOptions): Promise<void> {
  const targets: ContentTarget[] = [];
  const prefix = byteStringOf(`${folder}${sep}`);
  await stageXattrs(folder, tree.root, rootInode);
  for (const { names } of plannedDirectories(tree.root)) {
    for (const { inode, number, isFirst } of names) {
      if (!isFirst) continue;
      if (inode.xattrs !== undefined) await stageXattrs(folder, inode, number);
      if (inode.type === "file" && inode.size > 0) targets.push({ inode, path: prefix + contentFile(number) });
    }
  }
  await writeContents(tree, targets, options);
}

async function stageXattrs(folder: string, inode: Inode, number: number): Promise<void> {
  let index = 0;
  for (const value of ext4Xattrs(inode)?.values() ?? []) {
    const path = join(folder, xattrFile(number, index++));
    try {
      await writeFile(path, value, { mode: 0o600, flag: "wx" });
    } catch (error) {
      throw fileError(error, path);
    }
  }
}
