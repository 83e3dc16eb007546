import { formatShard, type ShardShare } from "@tranship/core";
import type { Digest } from "@tranship/registry";
import { count, formatBytes } from "./size.ts";

/** What a shard was of the whole, for people: `shard 2/3: 4 of 11 archives, 1.2 GiB of 3.5 GiB`. */
export function shardLine(share: ShardShare, noun: "archive" | "part", plan?: Digest): string {
  const { items, bytes, all } = share;
  const amounts = all ? `${items} of ${count(all.items, noun)}` : count(items, noun);
  const sizes =
    bytes === undefined
      ? ""
      : `, ${formatBytes(bytes)}${all?.bytes === undefined ? "" : ` of ${formatBytes(all.bytes)}`}`;
  const nothing = items === 0 ? "; nothing falls to this shard, and nothing has to be done" : "";
  return `shard ${formatShard(share)}: ${amounts}${sizes}${nothing}${plan === undefined ? "" : `\nplan ${plan}`}`;
}
