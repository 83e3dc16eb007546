//#region mirror
import { Bundle, BundleDirectory, ImagesService, pushBundle, verify } from "@tranship/core";
import { createRegistries, createRegistry, dockerCredentials } from "@tranship/registry";

/** Brings images of any registries through one folder of files into another registry, and makes sure that they are there. */
export async function mirrorImages(wanted: readonly string[], folder: string, to: string, signal: AbortSignal) {
  const credentials = dockerCredentials(); // what docker or podman logged in with, host by host
  await using registries = createRegistries({ credentials }); // opened when they are asked for, closed together
  const images = new ImagesService({
    images: wanted, // such as "ghcr.io/org/app@^1 & latest-patch" or "quay.io/org/tool:v1"
    exclude: ["*@*-rc*"],
    from: registries.of,
    paths: { prefix: "third-party" }, // ghcr.io/org/app becomes third-party/ghcr.io/org/app
  });
  images.on("archive.finished", ({ archive, bytes }) => console.log(`${archive}: ${bytes} bytes`));

  const list = await images.plan({ signal }); // the exact dry run: every image and blob with its digest and size
  {
    await using directory = await BundleDirectory.open(folder);
    await images.pull({ to: directory, signal });
  }
  for (const { path, tags } of images.stats().repositories) console.log(`${path}: ${tags.join(", ")}`);
  // …here the folder travels to the other side…
  await using target = createRegistry(to, { credentials });
  await using bundle = await Bundle.open(folder);
  await pushBundle(bundle, target, { signal });
  const { ok, findings } = await verify(target, list, { signal });
  if (!ok) throw new Error(`the mirror is not whole: ${findings[0]?.message}`);
}
//#endregion

// Run as a script, it does so between registries on this machine.
const { onThisMachine } = await import("./support/on-this-machine.ts");
const { anImage, startTestRegistry } = await import("@tranship/registry/testing");
await onThisMachine(async ({ source, folder, to }) => {
  await using other = await startTestRegistry();
  for (const tag of ["v1.0.0", "v1.0.1", "v1.1.0-rc.1"]) source.seed("org/app", anImage({ tag }));
  other.seed("org/tool", anImage({ tag: "v1" }));
  const wanted = [`${source.host}/org/app@^1 & latest-patch`, `${other.host}/org/tool:v1`];
  await mirrorImages(wanted, folder, to, AbortSignal.timeout(60_000));
});
console.log("verified");
