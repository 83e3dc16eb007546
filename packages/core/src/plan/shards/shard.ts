import { MirrorError } from "../../errors.ts";

/** One of the equal parts that work is split into. */
export interface Shard {
  /** Which of them, counted from 1. */
  readonly index: number;
  /** How many there are, at most 1000. */
  readonly count: number;
}

/** What a shard comes to; sizes in bytes. */
export interface ShardShare extends Shard {
  /** How many items are its own: archives of a pull; of a push names of catalogs, and repositories outside them. */
  readonly items: number;
  /** What these sum up to, where it was shared out by size. */
  readonly bytes?: number | undefined;
  /** The same of all shards together, where that was looked at. */
  readonly all?: { readonly items: number; readonly bytes?: number | undefined } | undefined;
}

/** The most shards there can be. */
export const maxShards = 1000;

/**
 * Reads `2/3`, the second of three shards.
 * @throws MirrorError `SELECTION_INVALID` with a hint how to write it
 */
export function parseShard(text: string): Shard {
  const [, index = "", count = ""] = /^(\d{1,9})\/(\d{1,9})$/.exec(text) ?? [];
  if (count === "") throw invalid(text, "write it as i/n, such as 2/3, the second of three");
  return checkShard({ index: Number(index), count: Number(count) });
}

/** The form that {@link parseShard} reads. */
export function formatShard({ index, count }: Shard): string {
  return `${index}/${count}`;
}

/**
 * `shard` as it is, when there is such a one.
 * @throws MirrorError `SELECTION_INVALID` with a hint
 */
export function checkShard(shard: Shard): Shard {
  const { index, count } = shard;
  const text = formatShard(shard);
  if (!Number.isSafeInteger(count) || count < 1 || count > maxShards)
    throw invalid(text, `there can be 1 to ${maxShards} shards`);
  if (index === 0)
    throw invalid(text, `shards are counted from 1: the first is 1/${count}; add 1 to a number that begins with 0`);
  if (!Number.isSafeInteger(index) || index < 1 || index > count)
    throw invalid(text, `of ${count} shards the last is ${count}/${count}`);
  return shard;
}

function invalid(expression: string, hint: string): MirrorError<"SELECTION_INVALID"> {
  return new MirrorError("SELECTION_INVALID", `there is no shard ${expression}: ${hint}`, { expression, hint });
}
