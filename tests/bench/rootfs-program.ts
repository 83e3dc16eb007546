import { readFileSync } from "node:fs";
import type { LayerFile } from "../../packages/core/src/rootfs/layers/layer-file.ts";
import { createLayerUsage } from "../../packages/core/src/rootfs/layers/layer-usage.ts";
import { LayerWorkers } from "../../packages/core/src/rootfs/layers/layer-workers.ts";
import { defaultRootfsLimits as limits } from "../../packages/core/src/rootfs/limits.ts";
import { MergeTurns } from "../../packages/core/src/rootfs/merge-turns.ts";
import { writeTar } from "../../packages/core/src/rootfs/output/tar/write-tar.ts";
import { writeDirectory } from "../../packages/core/src/rootfs/output/write-directory.ts";
import { TreeMerger } from "../../packages/core/src/rootfs/tree/tree-merger.ts";

/**
 * A program of its own, so that its time and memory can be measured: reads the layers a JSON file tells, and writes a
 * directory, a tar archive where the output's name ends so, or nothing for `-`. Prints what it used.
 */
const [listPath = "", output = ""] = process.argv.slice(2);
const layers = JSON.parse(readFileSync(listPath, "utf8")) as readonly LayerFile[];
const reference = "bench/image";
const heapBefore = globalThis.gc ? heapBytes() : 0;
const startedMs = performance.now();
await using workers = new LayerWorkers();
const merger = new TreeMerger({ reference, layers, limits });
const turns = new MergeTurns(merger, layers.length);
const usage = createLayerUsage();
const read = async (file: LayerFile) => {
  const onEntries = (entries: Parameters<MergeTurns["push"]>[1]) => turns.push(file.layer, entries);
  await workers.scan(file, { reference, limits, usage, onEntries });
  turns.end(file.layer);
};
await Promise.all(layers.map(read));
const tree = { root: merger.finish(), layers };
const mergedMs = performance.now() - startedMs;
const treeBytes = globalThis.gc ? heapBytes() - heapBefore : 0;
const options = { workers, reference };
if (output.endsWith(".tar")) await writeTar(tree, output, options);
else if (output !== "-") await writeDirectory(tree, output, options);
const peak = /^VmHWM:\s*([0-9]+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
const { userCPUTime, systemCPUTime } = process.resourceUsage();
const cpuMs = Math.round((userCPUTime + systemCPUTime) / 1000);
console.log(JSON.stringify({ mergedMs, cpuMs, peakRssBytes: Number(peak) * 1024, treeBytes }));

/** What is alive, in bytes; needs `--expose-gc`. */
function heapBytes(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
}
