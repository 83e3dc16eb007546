import { MirrorError } from "../errors.ts";
import type { Item, Planner, RunContext } from "../plan/planner.ts";
import { checkShard, type Shard, type ShardShare } from "../plan/shards/shard.ts";
import { shardOfName } from "../plan/shards/shard-of-name.ts";

/**
 * The part of a planner's items that one of several machines brings, for machines that share no plan: each item's shard
 * follows from the name of its archive alone. So it is in exactly one shard, also when the source changes
 * between two of them; and nothing of other shards is planned. Shards are about equal in their number of items, not in bytes; tags
 * that move meanwhile are seen by some shards and not by others. A plan has neither fault: `listPlanner` with `shard`.
 * @throws MirrorError `SELECTION_INVALID` when there is no such shard, or the planner follows a plan
 */
export function shardPlanner(planner: Planner, shard: Shard): Planner {
  const { index, count } = checkShard(shard);
  if (planner.list) {
    const hint = "give the shard to listPlanner, which shares a plan out by size";
    throw new MirrorError("SELECTION_INVALID", `cannot take a shard of this planner: ${hint}`, {
      expression: "",
      hint,
    });
  }
  const isOwn = (archive: string) => shardOfName(archive, count) === index;
  let share: ShardShare = { index, count, items: 0 };
  return {
    components: planner.components,
    selection: { shard: { index, count }, of: planner.selection },
    hosts: planner.hosts,
    get shard() {
      return share;
    },
    onEvent: planner.onEvent,
    isOfOthers: ({ archive }) => archive !== undefined && !isOwn(archive),
    open: (source) => planner.open(source),
    async *items(run: RunContext): AsyncGenerator<Item> {
      let [own, all] = [0, 0];
      for await (const item of planner.items(run)) {
        all += 1;
        if (!isOwn(item.archive)) continue;
        own += 1;
        yield item;
      }
      share = { index, count, items: own, all: { items: all } };
    },
    next: (item, done, run, read) => planner.next(item, done, run, read),
  };
}
