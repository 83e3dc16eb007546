import { parseShard, type Shard } from "@tranship/core";
import type { Command } from "commander";
import { UsageError } from "../usage-error.ts";

/** The flag of {@link withShardFlag}. */
export interface ShardFlag {
  readonly shard?: string;
}

/** Adds `--shard`; `does` is what the command does to the part it names. */
export function withShardFlag(command: Command, does: string): Command {
  return command.option("--shard <i/n>", `${does} only the i-th of n parts, counted from 1; the others do the rest`);
}

/** The shard that the flag names; `undefined` for all there is. @throws MirrorError `SELECTION_INVALID` */
export function shardOfFlag({ shard }: ShardFlag): Shard | undefined {
  return shard === undefined ? undefined : parseShard(shard);
}

/** Shards write at the same time, which only a registry takes. @throws UsageError */
export function checkShardTarget({ shard }: ShardFlag, target: string): void {
  if (shard !== undefined && target.startsWith("oci:"))
    throw new UsageError(`--shard needs a registry: ${target} is a folder, which one program writes at a time`);
}
