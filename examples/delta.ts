//#region delta
import { Bundle, BundleDirectory, PackagesService, pull, pushBundle, takeInventory, verify } from "@tranship/core";
import { createRegistry } from "@tranship/registry";

/** Brings a mirror up to date by a bundle that carries only what the mirror does not have. */
export async function updateMirror(from: string, folder: string, to: string, signal: AbortSignal): Promise<void> {
  await using mirror = createRegistry(to);
  const base = await takeInventory(mirror, { signal }); // or inventoryOf(lock), or parseInventory(text, file)

  await using source = createRegistry(from);
  const packages = new PackagesService({ source });
  const list = await packages.plan({ base, signal }); // the exact dry run, over the same base
  {
    await using directory = await BundleDirectory.open(folder);
    const { fetched, assumed } = await pull([packages], { to: directory, base, signal });
    console.log(`fetched ${fetched.bytes} bytes, left out ${assumed.bytes} that the mirror has`);
  }
  await using bundle = await Bundle.open(folder);
  await pushBundle(bundle, mirror, { signal }); // refused before the first write if the mirror has lost some of it
  const { ok } = await verify(mirror, list, { signal }); // what was left out is read and hashed there, too
  if (!ok) throw new Error("the mirror is not whole");
}
//#endregion

// Run as a script, it does so between two registries on this machine: once with an empty mirror, once with one that has it all.
const { onThisMachine } = await import("./support/on-this-machine.ts");
await onThisMachine(async ({ from, folder, to }) => {
  const signal = AbortSignal.timeout(60_000);
  await updateMirror(from, `${folder}/first`, to, signal);
  await updateMirror(from, `${folder}/second`, to, signal);
});
