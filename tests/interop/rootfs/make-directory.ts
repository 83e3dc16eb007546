import { openSource, prepareSource, Rootfs } from "@tranship/core/rootfs";
import { layoutTag } from "./oci-layout.ts";

/** Writes a layout's image into a directory as a program of its own, and prints where it told what it could not apply. */
const [layout = "", directory = ""] = process.argv.slice(2);
await using opened = await openSource({ kind: "oci", path: layout }, layoutTag);
const platform = { os: "linux", architecture: "amd64" };
await using rootfs = await Rootfs.open(await prepareSource({ ...opened.spec, platform, mode: "native" }));
console.log(JSON.stringify(await rootfs.writeDirectory(directory)));
