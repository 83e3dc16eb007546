import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { LayerWorkers } from "../../../packages/core/src/rootfs/layers/layer-workers.ts";
import { writeTar } from "../../../packages/core/src/rootfs/output/tar/write-tar.ts";
import { type Comparison, compareTrees, type Exception, type NamedTree } from "./compare.ts";
import { mergeLayout, unpackLayers } from "./our-tree.ts";
import { readDirectory } from "./read-directory.ts";
import { readTree } from "./read-tree.ts";
import { unpackWithUmoci } from "./reference-trees.ts";

/** What an image is held against. */
export interface ProofOptions {
  readonly workers: LayerWorkers;
  /** An empty folder for everything that is made. */
  readonly folder: string;
  readonly exceptions?: readonly Exception[] | undefined;
  /** An image of the same tree for us, where umoci cannot read how layers are packed. @defaultValue the same layout */
  readonly ourLayout?: string | undefined;
}

/** Compares what the SDK makes of the image of a layout, in every form, with what umoci unpacks. */
export async function proveImage(
  layout: string,
  { workers, folder, exceptions, ourLayout = layout }: ProofOptions,
): Promise<readonly Comparison[]> {
  mkdirSync(folder, { recursive: true });
  const theirs: NamedTree = { name: "umoci", records: readDirectory(unpackWithUmoci(layout, folder)) };
  const tree = await mergeLayout(ourLayout, workers);
  const archives = await unpackLayers(ourLayout, folder);
  const merged: NamedTree = { name: "the merged tree", records: readTree(tree.root, archives) };
  const archive = join(folder, "merged.tar");
  await writeTar(tree, archive, { workers });
  const opened: NamedTree = {
    name: "the archive, unpacked by GNU tar",
    records: readDirectory(untar(archive, folder)),
  };
  return [compareTrees(merged, theirs, exceptions), compareTrees(merged, opened)];
}

function untar(archive: string, folder: string): string {
  const opened = join(folder, "opened");
  mkdirSync(opened);
  const flags = ["--xattrs", "--xattrs-include=*", "--same-owner", "--numeric-owner", "--same-permissions"];
  execFileSync("tar", [...flags, "-xf", archive, "-C", opened], { stdio: ["ignore", "pipe", "pipe"] });
  return opened;
}
