import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { writeExt4 } from "../../../packages/core/src/rootfs/ext4/write-ext4.ts";
import type { LayerWorkers } from "../../../packages/core/src/rootfs/layers/layer-workers.ts";
import { writeTar } from "../../../packages/core/src/rootfs/output/tar/write-tar.ts";
import { writeDirectory } from "../../../packages/core/src/rootfs/output/write-directory.ts";
import { type Comparison, compareTrees, type Exception, type NamedTree } from "./compare.ts";
import { mergeLayout, unpackLayers } from "./our-tree.ts";
import { readDirectory } from "./read-directory.ts";
import { checkExt4, readExt4, readMountedExt4 } from "./read-ext4.ts";
import { readTree } from "./read-tree.ts";
import { unpackWithUmoci } from "./reference-trees.ts";

/** What an image is held against. */
export interface ProofOptions {
  readonly workers: LayerWorkers;
  /** A folder for everything that is made. */
  readonly folder: string;
  /** What umoci is known to do otherwise. */
  readonly exceptions?: readonly Exception[] | undefined;
  /** The same image with layers packed in ways that umoci does not read. @defaultValue the same layout */
  readonly ourLayout?: string | undefined;
  /** Whether the kernel is asked what an ext4 image has. @defaultValue false */
  readonly mount?: boolean | undefined;
  /** Hears of every comparison as it is made. */
  readonly onComparison?: ((comparison: Comparison) => void) | undefined;
}

/** How exact the times of a directory are that is written without a program for each name, in nanoseconds. */
const directoryToleranceNs = 240;

/** Compares what the SDK makes of the image of a layout, in every form, with what umoci unpacks, by tools that are not ours. */
export async function proveImage(layout: string, options: ProofOptions): Promise<readonly Comparison[]> {
  const { workers, folder, exceptions, ourLayout = layout, mount = false, onComparison } = options;
  mkdirSync(folder, { recursive: true });
  const made: Comparison[] = [];
  const compare = (name: string, records: NamedTree["records"], toleranceNs = 0) => {
    const comparison = compareTrees({ name, records }, theirs, { exceptions, toleranceNs });
    made.push(comparison);
    onComparison?.(comparison);
  };
  const theirs: NamedTree = { name: "umoci", records: readDirectory(unpackWithUmoci(layout, folder)) };
  const tree = await mergeLayout(ourLayout, workers);
  compare("the merged tree", readTree(tree.root, await unpackLayers(ourLayout, folder)));

  const archive = join(folder, "merged.tar");
  await writeTar(tree, archive, { workers });
  compare("the archive that GNU tar unpacked", readDirectory(untar(archive, folder)));

  const directory = join(folder, "directory");
  await writeDirectory(tree, directory, { workers });
  compare("the directory", readDirectory(directory), directoryToleranceNs);

  const image = join(folder, "image.ext4");
  await writeExt4(tree, image, { workers });
  checkExt4(image);
  compare("the ext4 image that debugfs reads", readExt4(image, { workFolder: folder }));
  if (mount) compare("the ext4 image that the kernel reads", readMountedExt4(image, { workFolder: folder }));
  return made;
}

function untar(archive: string, folder: string): string {
  const opened = join(folder, "opened");
  mkdirSync(opened);
  const flags = ["--xattrs", "--xattrs-include=*", "--same-owner", "--numeric-owner", "--same-permissions"];
  execFileSync("tar", [...flags, "-xf", archive, "-C", opened], { stdio: ["ignore", "pipe", "pipe"] });
  return opened;
}
