import { openSource, prepareSource, Rootfs } from "@tranship/core/rootfs";
import { layoutTag } from "./oci-layout.ts";

/** Makes an ext4 image of a layout's image as a program of its own, and prints its checksum, its size and the year it was made in. */
const [layout = "", image = ""] = process.argv.slice(2);
await using opened = await openSource({ kind: "oci", path: layout }, layoutTag);
const platform = { os: "linux", architecture: "amd64" };
await using rootfs = await Rootfs.open(await prepareSource({ ...opened.spec, platform, mode: "native" }));
const { sha256, sizeBytes } = await rootfs.writeExt4(image);
console.log(JSON.stringify({ sha256, sizeBytes, year: new Date().getUTCFullYear() }));
