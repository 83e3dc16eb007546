import { writeExt4 } from "../../../packages/core/src/rootfs/ext4/write-ext4.ts";
import { LayerWorkers } from "../../../packages/core/src/rootfs/layers/layer-workers.ts";
import { mergeLayout } from "./our-tree.ts";

/** Makes an ext4 image of a layout's image as a program of its own, and prints its checksum, size and the time it was made at. */
const [layout = "", image = ""] = process.argv.slice(2);
await using workers = new LayerWorkers();
const { sha256, sizeBytes } = await writeExt4(await mergeLayout(layout, workers), image, { workers });
console.log(JSON.stringify({ sha256, sizeBytes, year: new Date().getUTCFullYear() }));
