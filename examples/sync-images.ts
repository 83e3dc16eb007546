//#region sync
import { ImagesService, listPlanner, sync, verify } from "@tranship/core";
import { createRegistries, createRegistry, dockerCredentials } from "@tranship/registry";

/** Brings images of any registries straight into another one, and makes sure that they are there. Nothing is written to disk. */
export async function syncImages(wanted: readonly string[], to: string, signal: AbortSignal): Promise<void> {
  const credentials = dockerCredentials(); // what docker or podman logged in with, host by host
  await using registries = createRegistries({ credentials }); // opened when they are asked for, closed together
  await using target = createRegistry(to, { credentials });
  const from = registries.of;
  const paths = { prefix: "third-party" }; // ghcr.io/org/app becomes third-party/ghcr.io/org/app

  const list = await new ImagesService({ images: wanted, from, paths }).plan({ signal });
  const planners = [listPlanner(list, from)]; // these digests and no others, whatever becomes of the tags meanwhile
  const dry = await sync(planners, { to: target, dryRun: true, signal });
  console.log(`to be sent: ${dry.blobs.written} blobs, ${dry.bytes.uploaded} bytes`);
  const report = await sync(planners, { to: target, keepGoing: true, signal }); // killed? run it again
  for (const { archive, message } of report.failed) console.error(`${archive}: ${message}`);
  const { ok, findings } = await verify(target, list, { signal });
  if (!ok) throw new Error(`the mirror is not whole: ${findings[0]?.message}`);
}
//#endregion

// Run as a script, it does so between registries on this machine.
const { onThisMachine } = await import("./support/on-this-machine.ts");
const { anImage, startTestRegistry } = await import("@tranship/registry/testing");
await onThisMachine(async ({ source, to }) => {
  await using other = await startTestRegistry();
  for (const tag of ["v1.0.0", "v1.0.1", "v1.1.0-rc.1"]) source.seed("org/app", anImage({ tag }));
  other.seed("org/tool", anImage({ tag: "v1" }));
  const wanted = [`${source.host}/org/app@^1 & latest-patch`, `${other.host}/org/tool:v1`];
  await syncImages(wanted, to, AbortSignal.timeout(60_000));
});
console.log("verified");
