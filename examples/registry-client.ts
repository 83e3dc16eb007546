//#region client
import { createWriteStream } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import {
  blobOf,
  createRegistry,
  dockerCredentials,
  isRegistryError,
  MediaType,
  manifestOf,
  openBytes,
  parseManifest,
} from "@tranship/registry";

/** Saves the layers of an image into a folder, and attaches a note to the image. */
export async function saveAndAttach(host: string, folder: string): Promise<void> {
  await using registry = createRegistry(host, { credentials: dockerCredentials() });
  const app = registry.repository("team/app");
  for await (const tag of app.tags()) console.log(`there is ${tag}`);

  const manifest = await app.manifest("v1.0.0"); // the exact bytes, and what they are: { descriptor, bytes }
  const image = parseManifest(manifest);
  if (image.kind === "index") throw new Error("made for several platforms: choose one of image.manifests");
  for (const layer of image.layers) {
    const file = createWriteStream(join(folder, layer.digest.replace(":", "-")));
    await pipeline(Readable.from(app.fetchBlob(layer)), file); // ends only once size and digest have matched
  }

  const encode = (text: string) => new TextEncoder().encode(text);
  const [note, config] = [encode("looks good"), encode("{}")];
  for (const bytes of [note, config]) await app.pushBlob(blobOf(bytes), openBytes(bytes));
  const artifact = {
    schemaVersion: 2,
    mediaType: MediaType.ociManifest,
    artifactType: "application/vnd.example.note",
    config: { mediaType: MediaType.ociEmpty, ...blobOf(config) },
    layers: [{ mediaType: "text/plain", ...blobOf(note) }],
    subject: manifest.descriptor,
  };
  await app.pushManifest(manifestOf(encode(JSON.stringify(artifact)), MediaType.ociManifest));
  for await (const { artifactType, digest } of app.referrers(manifest.descriptor.digest)) {
    console.log(`${artifactType} ${digest}`); // from the referrers API, or from the fallback tag of older registries
  }

  try {
    await app.manifest("v9");
  } catch (error) {
    if (!isRegistryError(error, "NOT_FOUND")) throw error; // 401, 429 and 503 are never taken for it
  }
}
//#endregion

// Run as a script, it does so with a registry on this machine.
const { withImageOnThisMachine } = await import("./support/with-image.ts");
await withImageOnThisMachine(saveAndAttach);
console.log("saved and attached");
