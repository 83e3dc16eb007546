import assert from "node:assert/strict";

//#region resume
import { BundleDirectory, type OnEvent, PackagesService, type PullReport, pull } from "@tranship/core";
import { createRegistry } from "@tranship/registry";

/** What may be stopped at any moment, by its signal, by a kill or by a power cut: called again, it goes on. */
export async function pullSome(
  from: string,
  folder: string,
  signal: AbortSignal,
  onEvent?: OnEvent,
): Promise<PullReport | undefined> {
  await using source = createRegistry(from);
  await using directory = await BundleDirectory.open(folder); // one at a time: a second one is told BUNDLE_LOCKED
  try {
    return await pull([new PackagesService({ source })], { to: directory, signal, onEvent });
  } catch (error) {
    if (error !== signal.reason) throw error; // a failure, not our own wish
    return undefined; // what had arrived stays, half a blob included, under names no reader takes for a bundle
  }
}
//#endregion

// Run as a script, it stops a pull in the middle of a layer and goes on.
const { onThisMachine } = await import("./support/on-this-machine.ts");
await onThisMachine(async ({ from, folder, source }) => {
  const stop = new AbortController();
  let arrived = 0;
  const stopped = await pullSome(from, folder, stop.signal, (event) => {
    if (event.type === "blob.progress") arrived += event.bytes;
    if (arrived > 3_000_000) stop.abort();
  });
  assert.equal(stopped, undefined);
  const before = source.bytesSent();
  const report = await pullSome(from, folder, AbortSignal.timeout(60_000));
  assert.ok(report);
  console.log(`stopped after ${arrived} bytes; then kept ${report.kept.bytes}, fetched ${report.fetched.bytes} more`);
  assert.ok(source.bytesSent() - before < 4_000_000, "what was there is not asked for again");
});
