import { Command } from "commander";
import { expect, test } from "vitest";
import { UsageError } from "../usage-error.ts";
import { type ChunkFlags, chunkBytesOf, withChunkFlags } from "./chunk-flags.ts";

const parse = (...words: readonly string[]) =>
  chunkBytesOf(withChunkFlags(new Command()).parse(words, { from: "user" }).opts<ChunkFlags>());

test("archives are whole unless a size is asked for, in any unit or in gigabytes", () => {
  expect(parse()).toBeUndefined();
  expect(parse("--chunk-size", "4GiB")).toBe(4 * 1024 ** 3);
  expect(parse("--chunk-size=700MB")).toBe(700_000_000);
  expect(parse("--images-bundle-chunk-size", "4")).toBe(4_000_000_000);
  expect(parse("-c", "4")).toBe(4_000_000_000);
  expect(parse("-c", "0")).toBeUndefined();
});

test.for([
  ["--chunk-size", "511"],
  ["--chunk-size", "much"],
  ["--images-bundle-chunk-size", "-1"],
  ["--images-bundle-chunk-size", "1.5"],
  ["--images-bundle-chunk-size", "4GB"],
  ["--chunk-size", "4GB", "--images-bundle-chunk-size", "4"],
])("%j is a mistake in the command line", (words) => {
  expect(() => parse(...words)).toThrow(UsageError);
});
