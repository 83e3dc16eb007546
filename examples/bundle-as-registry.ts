import assert from "node:assert/strict";

//#region read
import { Bundle, openImage, readImageFiles } from "@tranship/core";

/** What an image in a bundle is, and a file out of it, without unpacking or pushing anything. */
export async function lookInto(folder: string, path: string, tag: string, file: string): Promise<string | undefined> {
  await using bundle = await Bundle.open(folder); // reads the headers of its archives, once
  for await (const name of bundle.repositories()) console.log(name);

  const repository = bundle.repository(path); // as the repository of any registry: tags, manifests, blobs, referrers
  for await (const one of repository.tags()) console.log(`${path}:${one}`);
  const image = await openImage(repository, tag);
  console.log(`${image.manifest.descriptor.digest}, ${image.manifest.descriptor.mediaType}`);
  const files = await readImageFiles(repository, image.manifest, [file]); // layers from the top, none further than needed
  const bytes = files.get(file);
  return bytes && new TextDecoder().decode(bytes);
}

//#endregion

//#region serve
import { createRegistry } from "@tranship/registry";
import { startServer } from "@tranship/registry/server";

/** The same bundle over HTTP, for everything that pulls images. */
export async function serveBundle(folder: string, use: (host: string) => Promise<void>): Promise<void> {
  await using bundle = await Bundle.open(folder);
  await using server = await startServer(bundle, { host: "127.0.0.1", port: 0 }); // writes are refused: a bundle has none
  await use(server.host);
}
//#endregion

// Run as a script, it does so with a bundle of a product on this machine.
const { BundleDirectory, PackagesService, pull } = await import("@tranship/core");
const { onThisMachine } = await import("./support/on-this-machine.ts");
await onThisMachine(async ({ from, folder }) => {
  await using source = createRegistry(from);
  {
    await using directory = await BundleDirectory.open(folder);
    await pull([new PackagesService({ source, include: ["alb"] })], { to: directory });
  }
  assert.equal(await lookInto(folder, "packages/alb", "v1.1.0", "bin/app"), "v1.1.0");
  await serveBundle(folder, async (host) => {
    await using registry = createRegistry(host);
    assert.ok(await registry.repository("packages/alb").resolve("v1.0.3"));
    console.log(`${host}/packages/alb:v1.0.3 can be pulled`);
  });
});
