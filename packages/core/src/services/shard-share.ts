import type { Planner } from "../plan/planner.ts";
import type { ShardShare } from "../plan/shards/shard.ts";
import type { PlannedItem } from "./run-items.ts";

/**
 * What the shards of all planners of a run come to, or `undefined` without any. A run that goes on with items that were
 * listed before does not know how many there were in all.
 */
export function shareOfRun(planners: readonly Planner[], items: readonly PlannedItem[]): ShardShare | undefined {
  const shares = planners.flatMap((planner) => {
    if (!planner.shard) return [];
    const listed = items.filter((item) => item.planner === planner).length;
    return [planner.list ? planner.shard : { ...planner.shard, items: listed }];
  });
  const [first] = shares;
  if (!first) return undefined;
  const { index, count } = first;
  const alls = shares.flatMap(({ all }) => all ?? []);
  const isOneList = shares.length === 1;
  return {
    index,
    count,
    items: sum(shares.map((one) => one.items)),
    ...(isOneList && first.bytes !== undefined ? { bytes: first.bytes } : {}),
    ...(alls.length < shares.length
      ? {}
      : { all: isOneList ? first.all : { items: sum(alls.map((one) => one.items)) } }),
  };
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}
