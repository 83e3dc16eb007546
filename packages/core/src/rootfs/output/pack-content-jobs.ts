import type { DataExtent } from "../../layer-archive/layer-entry.ts";
import type { RootfsTree } from "../tree/rootfs-tree.ts";
import { type ContentJob, ExtentField, extentFields, FileField, fileFields } from "./content-job.ts";
import { type ContentTarget, layerExtents } from "./content-target.ts";

/** A target and where its bytes are in its layer. */
interface LayerTarget {
  readonly target: ContentTarget;
  /** In the order of all targets. */
  readonly number: number;
  readonly layer: number;
  readonly extents: readonly DataExtent[];
  readonly start: number;
  readonly end: number;
}

/** One job for each layer that has bytes of the targets; the biggest layers come first, so that none is waited for alone. */
export function packContentJobs(
  tree: RootfsTree,
  targets: readonly ContentTarget[],
  reference: string,
): readonly ContentJob[] {
  const byLayer = new Map<number, LayerTarget[]>();
  for (const [number, target] of targets.entries()) {
    const found = inLayer(target, number);
    if (!found) continue;
    const others = byLayer.get(found.layer);
    if (others) others.push(found);
    else byLayer.set(found.layer, [found]);
  }
  const jobs = [...byLayer].flatMap(([number, found]) => {
    const layer = tree.layers[number];
    if (!layer) throw new RangeError(`a file has its bytes in layer ${number}, of ${tree.layers.length}`);
    return passesOver(found).map((pass) => jobOf(pass, layer, reference));
  });
  return jobs.sort((a, b) => b.layer.size - a.layer.size);
}

function inLayer(target: ContentTarget, number: number): LayerTarget | undefined {
  const { content } = target.inode;
  if ("bytes" in content) return undefined;
  const extents = layerExtents(target.inode);
  const [first, last] = [extents[0], extents.at(-1)];
  if (!(first && last)) return undefined;
  return { target, number, layer: content.layer, extents, start: first.offset, end: last.offset + last.length };
}

/** Copies of a file share their bytes in the layer: each copy more is one more pass over it. */
function passesOver(found: readonly LayerTarget[]): readonly (readonly LayerTarget[])[] {
  const passes: LayerTarget[][] = [];
  for (const next of [...found].sort((a, b) => a.start - b.start)) {
    const pass = passes.find((others) => (others.at(-1)?.end ?? 0) <= next.start);
    if (pass) pass.push(next);
    else passes.push([next]);
  }
  return passes;
}

function jobOf(targets: readonly LayerTarget[], layer: ContentJob["layer"], reference: string): ContentJob {
  const files = new Float64Array(targets.length * fileFields);
  const extents = new Float64Array(targets.reduce((sum, target) => sum + target.extents.length, 0) * extentFields);
  let extent = 0;
  for (const [file, { target, number, extents: parts }] of targets.entries()) {
    const { inode, position, attributes } = target;
    const put = (field: number, value: number | undefined) => {
      files[file * fileFields + field] = value ?? Number.NaN;
    };
    put(FileField.target, number);
    put(FileField.size, inode.size);
    put(FileField.position, position);
    put(FileField.extents, parts.length);
    put(FileField.createMode, attributes?.createMode ?? 0o600);
    put(FileField.mode, attributes?.mode);
    put(FileField.uid, attributes?.owner?.uid);
    put(FileField.gid, attributes?.owner?.gid);
    put(FileField.atime, attributes?.times?.atime);
    put(FileField.mtime, attributes?.times?.mtime);
    for (const { at, offset, length } of parts) {
      extents[extent * extentFields + ExtentField.offset] = offset;
      extents[extent * extentFields + ExtentField.at] = at;
      extents[extent * extentFields + ExtentField.length] = length;
      extent += 1;
    }
  }
  return { layer, reference, paths: targets.map(({ target }) => target.path), files, extents };
}
