import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
//#region carry
import { DepsCache, type DepsItem, exportCache, importCache, prune, prunePlan } from "@tranship/core/deps";
import type { Digest } from "@tranship/registry";

/** Writes what items need into one archive; gives what tells it from any other. */
export async function packCache(folder: string, items: readonly DepsItem[], archive: string): Promise<Digest> {
  await using cache = await DepsCache.open(folder, { readOnly: true });
  const { pin } = await exportCache(cache, items, archive); // every byte is hashed on its way
  return pin;
}

/** Takes an archive over on the other side: every name and every byte is checked, and nothing lands outside of the cache. */
export async function unpackCache(archive: string, pin: Digest, folder: string): Promise<void> {
  await using cache = await DepsCache.open(folder);
  await importCache(archive, cache, { pin });
}

/** Removes what none of these items needs; gives how many bytes that frees. */
export async function tidyUp(folder: string, keep: readonly DepsItem[]): Promise<number> {
  await using cache = await DepsCache.open(folder);
  const plan = await prunePlan(cache, keep); // plain data: look at it first
  await prune(cache, plan);
  return plan.freedBytes;
}
//#endregion

// Run as a script, it does so with a cache of two files.
const { isDepsError, ManifestDeps, verifyItems } = await import("@tranship/core/deps");
const { digestOf, webFileFetcher } = await import("@tranship/registry");
const { startFileServer } = await import("@tranship/registry/testing");
const { onThisMachine } = await import("./support/on-this-machine.ts");

await onThisMachine(async ({ folder }) => {
  await using server = await startFileServer();
  const fileOf = (id: string, bytes: Buffer) => ({ id, url: server.put(`/${id}`, bytes), digest: digestOf(bytes) });
  const tool = Buffer.alloc(300_000, "tool");
  const value = {
    tranship: "deps/v1",
    name: "tools",
    version: "1",
    items: [fileOf("tool", tool), fileOf("old-tool", Buffer.alloc(200_000, "old"))],
  };
  const access = {
    files: webFileFetcher(),
    registry: (host: string) => Promise.reject(new Error(`${host} is not asked`)),
  };
  const source = { value, digest: digestOf(Buffer.from(JSON.stringify(value))) };
  const [here, there] = [join(folder, "here"), join(folder, "there")];
  const deps = new ManifestDeps({ cacheDir: here, access, source });
  await deps.download();

  const archive = join(folder, "deps.tar");
  const pin = await packCache(here, deps.items, archive);
  await server[Symbol.asyncDispose](); // from here on there is no network
  await unpackCache(archive, pin, there);
  assert.deepEqual(await readFile(join(there, "files/tool/tool")), tool);
  const offline = await new ManifestDeps({ cacheDir: there, access, source }).download({ offline: true });
  assert.equal(offline.report.cached, 2);

  const harmed = await readFile(archive);
  harmed.fill("x", harmed.length - 150_000, harmed.length - 149_000);
  await writeFile(archive, harmed);
  await assert.rejects(unpackCache(archive, pin, join(folder, "third")), (error) =>
    isDepsError(error, "ARCHIVE_INVALID"),
  );

  const [first] = deps.items;
  assert.ok(first);
  assert.ok((await tidyUp(here, [first])) >= 200_000);
  await using cache = await DepsCache.open(here, { readOnly: true });
  const { present, absent } = await verifyItems(deps.items, cache);
  assert.deepEqual([present, absent], [1, 1]);
});
