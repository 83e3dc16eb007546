//#region mirror
import { Bundle, BundleDirectory, PackagesService, pull, pushBundle, verify } from "@tranship/core";
import { createRegistry } from "@tranship/registry";

/** Brings two packages from one registry through a folder of files into another, and makes sure that they are there. */
export async function mirrorPackages(from: string, folder: string, to: string, signal: AbortSignal): Promise<void> {
  await using source = createRegistry(from); // { credentials: { username, password } } where it needs them
  const packages = new PackagesService({ source, include: ["console", "alb@=v1.0.3"] });
  packages.on("archive.finished", ({ archive, bytes }) => console.log(`${archive}: ${bytes} bytes`));

  const list = await packages.plan({ signal }); // the exact dry run: every image and blob with its digest and size
  {
    await using directory = await BundleDirectory.open(folder);
    const report = await pull([packages], { to: directory, signal }); // killed? run it again: it goes on where it stopped
    console.log(`pulled ${report.images} images, fetched ${report.fetched.bytes} bytes`);
  }
  // …here the folder travels to the other side…
  await using target = createRegistry(to);
  await using bundle = await Bundle.open(folder);
  await pushBundle(bundle, target, { signal }); // what is there is not sent again

  const { ok, findings } = await verify(target, list, { signal }); // reads and hashes every manifest and every blob
  if (!ok) throw new Error(`the mirror is not whole: ${findings[0]?.message}`);
}
//#endregion

// Run as a script, it does so between two registries on this machine.
const { onThisMachine } = await import("./support/on-this-machine.ts");
await onThisMachine(({ from, folder, to }) => mirrorPackages(from, folder, to, AbortSignal.timeout(60_000)));
console.log("verified");
