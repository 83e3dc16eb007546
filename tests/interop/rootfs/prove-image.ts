import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { openSource, prepareSource, Rootfs } from "@tranship/core/rootfs";
import type { LayerWorkers } from "../../../packages/core/src/rootfs/layers/layer-workers.ts";
import { type Comparison, compareTrees, type Exception, type NamedTree } from "./compare.ts";
import { layoutTag } from "./oci-layout.ts";
import { mergeLayout, unpackLayers } from "./our-tree.ts";
import { readDirectory } from "./read-directory.ts";
import { checkExt4, readExt4, readMountedExt4 } from "./read-ext4.ts";
import { readTree } from "./read-tree.ts";
import { unpackWithUmoci } from "./reference-trees.ts";
import { readUnprivileged } from "./unprivileged.ts";

/** What an image is held against. */
export interface ProofOptions {
  readonly workers: LayerWorkers;
  /** A folder for everything that is made. */
  readonly folder: string;
  /** What umoci is known to do otherwise. */
  readonly exceptions?: readonly Exception[] | undefined;
  /** The same image with layers packed in ways that umoci does not read. @defaultValue the same layout */
  readonly ourLayout?: string | undefined;
  /** A folder others can come to, for what another user writes. @defaultValue none: only root writes */
  readonly openFolder?: string | undefined;
  /** Whether the kernel is asked what an ext4 image has. @defaultValue false */
  readonly mount?: boolean | undefined;
  /** Hears of every comparison as it is made. */
  readonly onComparison?: ((comparison: Comparison) => void) | undefined;
}

/** How exact the times of a directory are that is written without a program for each name, in nanoseconds. */
export const directoryToleranceNs = 240;

/** Compares what the SDK makes of the image of a layout, in every form, with what umoci unpacks, by tools that are not ours. */
export async function proveImage(layout: string, options: ProofOptions): Promise<readonly Comparison[]> {
  const { workers, folder, exceptions, ourLayout = layout, openFolder, mount = false, onComparison } = options;
  mkdirSync(folder, { recursive: true });
  const made: Comparison[] = [];
  const compare = (name: string, records: NamedTree["records"], toleranceNs = 0) => {
    const comparison = compareTrees({ name, records }, theirs, { exceptions, toleranceNs });
    made.push(comparison);
    onComparison?.(comparison);
  };
  const theirs: NamedTree = { name: "umoci", records: readDirectory(unpackWithUmoci(layout, folder)) };
  const { root } = await mergeLayout(ourLayout, workers);
  compare("the merged tree", readTree(root, await unpackLayers(ourLayout, folder)));
  await using opened = await openSource({ kind: "oci", path: ourLayout }, layoutTag);
  const platform = { os: "linux", architecture: "amd64" };
  await using rootfs = await Rootfs.open(await prepareSource({ ...opened.spec, platform, mode: "native" }));

  const archive = join(folder, "merged.tar");
  await rootfs.writeTar(archive);
  compare("the archive that GNU tar unpacked", readDirectory(untar(archive, folder)));

  const directory = join(folder, "directory");
  await rootfs.writeDirectory(directory);
  compare("the directory", readDirectory(directory), directoryToleranceNs);

  if (openFolder !== undefined) {
    const { completed } = readUnprivileged(ourLayout, openFolder);
    compare("the directory another user wrote, with the file beside it", completed, directoryToleranceNs);
  }

  const image = join(folder, "image.ext4");
  await rootfs.writeExt4(image);
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
