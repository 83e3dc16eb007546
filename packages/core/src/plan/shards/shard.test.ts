import { expect, test } from "vitest";
import { isMirrorError } from "../../errors.ts";
import { formatShard, maxShards, parseShard } from "./shard.ts";

test.for([
  ["1/1", { index: 1, count: 1 }],
  ["2/3", { index: 2, count: 3 }],
  [`${maxShards}/${maxShards}`, { index: maxShards, count: maxShards }],
] as const)("%s is a shard", ([text, shard]) => {
  expect(parseShard(text)).toEqual(shard);
  expect(formatShard(shard)).toBe(text);
});

test.for([
  ["0/3", "counted from 1: the first is 1/3; add 1"],
  ["4/3", "of 3 shards the last is 3/3"],
  ["1/0", "there can be 1 to 1000 shards"],
  ["1/1001", "there can be 1 to 1000 shards"],
  ["a/b", "write it as i/n, such as 2/3"],
  ["", "write it as i/n"],
  ["2", "write it as i/n"],
  ["/3", "write it as i/n"],
  ["1/", "write it as i/n"],
  ["-1/3", "write it as i/n"],
  ["1.5/3", "write it as i/n"],
  ["1/3/3", "write it as i/n"],
  [" 1/3", "write it as i/n"],
  ["99999999999999999999/3", "write it as i/n"],
] as const)("%s is no shard, and it is said why", ([text, hint]) => {
  const failure = (() => {
    try {
      return parseShard(text);
    } catch (error) {
      return error;
    }
  })();
  if (!isMirrorError(failure, "SELECTION_INVALID")) throw failure;
  expect(failure.details).toMatchObject({ expression: text, hint: expect.stringContaining(hint) });
  expect(failure.message).toContain(hint);
});
