import assert from "node:assert/strict";

//#region shards
import { readFile } from "node:fs/promises";
import { BundleDirectory, listPlanner, parseDownloadList, pull, type Shard, type ShardShare } from "@tranship/core";
import { createRegistry } from "@tranship/registry";

/** What one of several machines does: its shard of the plan in `file`, into a folder of its own. */
export async function pullShard(
  from: string,
  file: string,
  folder: string,
  shard: Shard,
  signal: AbortSignal,
): Promise<ShardShare | undefined> {
  const list = parseDownloadList(await readFile(file, "utf8"), file);
  await using source = createRegistry(from);
  await using bundle = await BundleDirectory.open(folder);
  const report = await pull([listPlanner(list, source, { shard })], { to: bundle, signal });
  return report.shard; // such as { index: 2, count: 3, items: 4, bytes: …, all: { items: 11, bytes: … } }
}

//#endregion

//#region join
import { Bundle, joinBundles, pushBundle } from "@tranship/core";

/** What is done once all are there: one bundle, refused when it is not just what the plan names. */
export async function joinShards(parts: readonly string[], file: string, folder: string): Promise<void> {
  const plan = parseDownloadList(await readFile(file, "utf8"), file);
  await joinBundles(parts, folder, { plan });
}

/** A shard of a push, beside those that other machines make of the same bundle. */
export async function pushShard(bundle: string, to: string, shard: Shard, signal: AbortSignal): Promise<void> {
  await using whole = await Bundle.open(bundle);
  await using target = createRegistry(to);
  await pushBundle(whole, target, { shard, signal });
}
//#endregion

// Run as a script, three shards are brought at once from a registry on this machine into another.
const { onThisMachine } = await import("./support/on-this-machine.ts");
const { writeFile } = await import("node:fs/promises");
const { formatDownloadList, PackagesService, verify } = await import("@tranship/core");
await onThisMachine(async ({ from, to, folder }) => {
  const signal = AbortSignal.timeout(60_000);
  const file = `${folder}/plan.json`;
  await using source = createRegistry(from);
  const list = await new PackagesService({ source }).plan({ signal });
  await writeFile(file, formatDownloadList(list));

  const shards: readonly Shard[] = [1, 2, 3].map((index) => ({ index, count: 3 }));
  const partOf = ({ index }: Shard) => `${folder}/part-${index}`;
  const shares = await Promise.all(shards.map((shard) => pullShard(from, file, partOf(shard), shard, signal)));
  for (const share of shares)
    console.log(`shard ${share?.index}/${share?.count}: ${share?.items} of ${share?.all?.items} archives`);
  assert.equal(
    shares.reduce((sum, share) => sum + (share?.items ?? 0), 0),
    list.archives.length,
  );
  await joinShards(shards.map(partOf), file, `${folder}/bundle`);
  await Promise.all(shards.map((shard) => pushShard(`${folder}/bundle`, to, shard, signal)));
  await using target = createRegistry(to);
  const { ok, images } = await verify(target, list, { signal });
  assert.ok(ok);
  console.log(`${images} images are there`);
});
