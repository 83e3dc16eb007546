import assert from "node:assert/strict";

//#region diff
import { readFile, writeFile } from "node:fs/promises";
import {
  type DownloadListDiff,
  diffDownloadLists,
  formatDownloadList,
  PackagesService,
  parseDownloadList,
} from "@tranship/core";
import { createRegistry } from "@tranship/registry";

/** What has come out since the plan in `file` was approved; the new plan takes its place once somebody has looked. */
export async function whatIsNew(from: string, file: string, signal: AbortSignal): Promise<DownloadListDiff> {
  await using source = createRegistry(from);
  const now = await new PackagesService({ source }).plan({ signal }); // reads manifests and metadata, no layers
  const approved = parseDownloadList(await readFile(file, "utf8"), file);
  const diff = diffDownloadLists(approved, now);
  for (const { path, added, removed, moved } of diff.repositories) {
    for (const { tag, digest } of added) console.log(`${path}: + ${tag} ${digest}`);
    for (const { tag } of removed) console.log(`${path}: - ${tag}`);
    for (const { tag, to } of moved) console.log(`${path}: ~ ${tag} is now ${to}`);
  }
  console.log(`${diff.new.blobs} new blobs, ${diff.new.bytes} bytes`);
  await writeFile(`${file}.next`, formatDownloadList(now));
  return diff;
}
//#endregion

// Run as a script, it looks at a product before and after a release.
const { onThisMachine } = await import("./support/on-this-machine.ts");
const { anImage } = await import("@tranship/registry/testing");
await onThisMachine(async ({ from, folder, source }) => {
  const signal = AbortSignal.timeout(60_000);
  const file = `${folder}/plan.json`;
  {
    await using registry = createRegistry(from);
    await writeFile(file, formatDownloadList(await new PackagesService({ source: registry }).plan({ signal })));
  }
  assert.deepEqual((await whatIsNew(from, file, signal)).repositories, [], "nothing has come out");

  const version = "v1.47.0";
  const files = { "version.json": JSON.stringify({ version }), "changelog.yaml": "console: faster\n" };
  source.seed("demo/fe/packages/console", anImage({ tag: version }));
  source.seed("demo/fe/packages/console/version", anImage({ tags: [version, "alpha"], files }));
  const { repositories } = await whatIsNew(from, file, signal);
  const ours = repositories.find(({ path }) => path === "packages/console");
  assert.deepEqual(
    ours?.added.map(({ tag }) => tag),
    [version],
  );
});
