import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
//#region offline
import { openSource, parsePlatform, prepareSource, Rootfs } from "@tranship/core/rootfs";
import addAgent from "./hooks/add-agent.ts";

/** Makes a file system of an image in a bundle, with files of ours in it. Nothing but the bundle is read. */
export async function makeOffline(bundle: string, name: string, output: string, signal: AbortSignal): Promise<void> {
  await using place = await openSource({ kind: "bundle", path: bundle }, name, { signal });
  const platform = parsePlatform("linux/amd64"); // this machine's unless told
  const source = await prepareSource({ ...place.spec, platform }, { signal }); // found, checked, pinned by digest
  console.log(`${source.digest}: ${source.image?.layers.length} layers, ${source.compressedSizeBytes} bytes`);

  await using rootfs = await Rootfs.open(source, { signal }); // layers merged in memory, as names and metadata
  await addAgent(rootfs.files, source); // edits what is in memory; nothing on this machine can be reached from there
  console.log(`${rootfs.totals().inodes} inodes, ${rootfs.totals().fileBytes} bytes in files`);

  if (output.endsWith(".tar")) await rootfs.writeTar(output, { signal });
  else await rootfs.writeExt4(output, { signal }); // an ext4 image, as small as holds the files
}
//#endregion

// Run as a script, it does so with a bundle that was pulled before, twice: the same image and edits are the same bytes.
const { BundleDirectory, ImagesService, pull } = await import("@tranship/core");
const { findExt4Tools, isRootfsError } = await import("@tranship/core/rootfs");
const { createRegistry } = await import("@tranship/registry");
const { aLayer, anImage, anIndex } = await import("@tranship/registry/testing");
const { onThisMachine } = await import("./support/on-this-machine.ts");

await onThisMachine(async ({ source, folder }) => {
  const base = aLayer({ files: { "etc/os-release": "NAME=example\n", "bin/sh": "a shell" }, size: 1_000_000 });
  const images = ["amd64", "arm64"].map((architecture) =>
    anImage({
      layers: [base, aLayer({ files: { "bin/app": architecture } })],
      platform: { os: "linux", architecture },
    }),
  );
  source.seed("team/app", anIndex({ images, tag: "v1" }));
  const bundle = join(folder, "bundle");
  {
    await using registry = createRegistry(source.host);
    await using directory = await BundleDirectory.open(bundle);
    const wanted = new ImagesService({
      images: [`${source.host}/team/app:v1`],
      from: () => registry,
      paths: { host: "strip" },
    });
    await pull([wanted], { to: directory });
  }
  await source[Symbol.asyncDispose](); // from here on there is no registry any more

  const isMissing = (error: unknown) => isRootfsError(error, "TOOL_MISSING");
  const kind = await findExt4Tools().then(
    () => "ext4",
    (error: unknown) => (isMissing(error) ? "tar" : Promise.reject(error)),
  );
  const digests = new Set<string>();
  for (const name of ["first", "second"]) {
    const output = join(folder, `${name}.${kind}`);
    await makeOffline(bundle, "team/app:v1", output, AbortSignal.timeout(60_000));
    digests.add(
      createHash("sha256")
        .update(await readFile(output))
        .digest("hex"),
    );
  }
  assert.equal(digests.size, 1);
  console.log(`${kind} ${[...digests][0]}, both times`);
});
