import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
//#region items
import { applyDeps, type DepsAccess, DepsCache, type DepsItem, planDeps, verifyItems } from "@tranship/core/deps";

/** Brings items that a program made itself, without any manifest, and reads every byte of them once more. */
export async function bringItems(
  folder: string,
  items: readonly DepsItem[],
  access: DepsAccess,
  signal: AbortSignal,
): Promise<boolean> {
  await using cache = await DepsCache.open(folder, { signal }); // waits for whoever is changing it
  const plan = await planDeps(items, cache, { signal }); // plain data: what is there, what is not
  await applyDeps(plan, cache, access, { signal, concurrency: 8, hostLimits: { "public.ecr.aws": 1 } });
  return (await verifyItems(items, cache, { isDeep: true, signal })).isWhole;
}
//#endregion

// Run as a script, it does so with a file, which goes to a folder, and an image, which goes into a registry.
const { depsPaths, isDepsError } = await import("@tranship/core/deps");
const { createFileClient, createRegistries, digestOf } = await import("@tranship/registry");
const { anImage, startFileServer } = await import("@tranship/registry/testing");
const { onThisMachine } = await import("./support/on-this-machine.ts");

await onThisMachine(async ({ source, target, folder }) => {
  await using server = await startFileServer();
  await using files = createFileClient();
  await using registries = createRegistries();
  const bytes = Buffer.from("the bytes of a tool");
  const digest = digestOf(bytes);
  const image = anImage({ tag: "v1", size: 100_000 });
  source.seed("acme/app", image);
  const paths = depsPaths(join(folder, "cache")); // or any other places: files and folders anywhere below the cache
  const tool: DepsItem = {
    id: "tool",
    version: "1.0",
    source: { type: "http", urls: [`${server.origin}/gone`, server.put("/tool", bytes)] }, // the first that has it
    digest,
    size: bytes.length,
    selectors: {},
    sink: { type: "file", path: paths.content(digest), links: [paths.file("bin/tool")] },
    labels: {},
  };
  const app: DepsItem = {
    id: "app",
    version: "v1",
    source: { type: "image", registry: source.host, repository: "acme/app" },
    digest: image.manifest.descriptor.digest,
    selectors: {},
    sink: { type: "push", registry: target.host, repository: "mirror/app", tags: ["v1"] },
    labels: {},
  };
  const signal = AbortSignal.timeout(30_000);
  assert.ok(await bringItems(paths.root, [tool], { files, registry: registries.of }, signal));
  await bringItems(paths.root, [app], { files, registry: registries.of }, signal);
  assert.equal(
    (await target.registry.repository("mirror/app").resolve("v1"))?.digest,
    image.manifest.descriptor.digest,
  );

  // What was changed behind the cache's back is found, and brought anew.
  await writeFile(paths.content(digest), "the BYTES of a tool");
  assert.ok(await bringItems(paths.root, [tool], { files, registry: registries.of }, signal));

  const elsewhere: DepsItem = { ...tool, sink: { type: "file", path: join(folder, "elsewhere"), links: [] } };
  await assert.rejects(
    bringItems(paths.root, [elsewhere], { files, registry: registries.of }, signal),
    (error) => isDepsError(error), // nothing is written outside of a cache
  );
});
