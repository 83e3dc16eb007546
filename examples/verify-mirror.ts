import assert from "node:assert/strict";

//#region verify
import { Bundle, lockOfBundle, pushBundle, verify } from "@tranship/core";
import { createRegistry } from "@tranship/registry";

/** Proves that a mirror still has all that a bundle brought; what is gone is sent again. For a timer at night. */
export async function keepWhole(mirror: string, folder: string, signal: AbortSignal): Promise<readonly string[]> {
  await using registry = createRegistry(mirror);
  const wanted = lockOfBundle(folder); // every tag and digest the bundle brought
  const { ok, findings } = await verify(registry, wanted, { signal }); // reads and hashes every manifest and every blob
  if (ok) return [];
  await using bundle = await Bundle.open(folder);
  await pushBundle(bundle, registry, { signal }); // sends what is not there, and nothing else
  const again = await verify(registry, wanted, { signal });
  if (!again.ok) throw new Error(`${mirror} is not whole: ${again.findings[0]?.message}`);
  return findings.map(({ code, reference, message }) => `${code} ${reference ?? message}`);
}
//#endregion

// Run as a script, it mends a mirror on this machine that lost a tag.
const { BundleDirectory, PackagesService, pull } = await import("@tranship/core");
const { onThisMachine } = await import("./support/on-this-machine.ts");
await onThisMachine(async ({ from, to, folder, target }) => {
  const signal = AbortSignal.timeout(60_000);
  await using source = createRegistry(from);
  {
    await using directory = await BundleDirectory.open(folder);
    await pull([new PackagesService({ source, include: ["console@=v1.45.2"] })], { to: directory, signal });
  }
  const first = await keepWhole(to, folder, signal);
  console.log(`an empty mirror: ${first.length} findings, all mended`);
  assert.deepEqual(await keepWhole(to, folder, signal), [], "a whole mirror is left alone");

  await target.registry.repository("mirror/fe/packages/console").deleteTag("v1.45.2");
  const lost = await keepWhole(to, folder, signal);
  console.log(`after a tag was lost: ${lost.join(", ")}, mended`);
  assert.equal(lost.length, 1);
});
