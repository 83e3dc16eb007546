import type { Digest } from "@tranship/registry";
import { checkShard, type Shard, type ShardShare } from "../plan/shards/shard.ts";
import { shardUnitOf } from "../plan/shards/shard-unit.ts";
import { spread } from "../plan/shards/spread.ts";
import type { PushedImage } from "./push-list.ts";

/** The part of a push that is one shard's. */
export interface PushShard {
  readonly share: ShardShare;
  /** Whether what is pushed from the repository at `path` is of this shard. */
  has(path: string): boolean;
}

/**
 * Shares out what a push brings by the size of what each image leads to: all repositories below one name of a catalog
 * together, each other repository by itself.
 * @throws MirrorError `SELECTION_INVALID` when there is no such shard
 */
export function shardOfPush(images: Iterable<Pick<PushedImage, "path" | "graph">>, shard: Shard): PushShard {
  const { index, count } = checkShard(shard);
  const sizes = new Map<string, Map<Digest, number>>();
  for (const { path, graph } of images) {
    const unit = shardUnitOf(path);
    const own = sizes.get(unit) ?? new Map<Digest, number>();
    sizes.set(unit, own);
    for (const { descriptor } of graph.manifests) own.set(descriptor.digest, descriptor.size);
    for (const { digest, size } of graph.blobs) own.set(digest, size);
  }
  const units = [...sizes].map(([name, own]) => ({
    name,
    weight: [...own.values()].reduce((sum, size) => sum + size, 0),
  }));
  const { names, weight, all } = spread(units, { index, count });
  return {
    share: { index, count, items: names.size, bytes: weight, all: { items: all.units, bytes: all.weight } },
    has: (path) => names.has(shardUnitOf(path)),
  };
}
