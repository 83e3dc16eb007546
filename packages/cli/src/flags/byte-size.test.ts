import { expect, test } from "vitest";
import { UsageError } from "../usage-error.ts";
import { parseByteSize } from "./byte-size.ts";

test.for([
  ["512", 512],
  ["1 B", 1],
  ["700MB", 700_000_000],
  ["700m", 700_000_000],
  ["4GB", 4_000_000_000],
  ["4gib", 4 * 1024 ** 3],
  ["4Gi", 4 * 1024 ** 3],
  ["1.5KB", 1500],
  ["2TiB", 2 * 1024 ** 4],
] as const)("%s is %i bytes", ([text, bytes]) => {
  expect(parseByteSize(text, "--chunk-size")).toBe(bytes);
});

test.for(["", "GB", "-1", "1e9", "4 G B", "4GBs", "0x10", "1,5GB", "four", "9".repeat(16), "99999999TB", "0"])(
  "%j is refused, and the flag is named",
  (text) => {
    expect(() => parseByteSize(text, "--chunk-size")).toThrow(UsageError);
    expect(() => parseByteSize(text, "--chunk-size")).toThrow(/^--chunk-size /);
  },
);

test("less than the least is refused", () => {
  expect(() => parseByteSize("511", "--chunk-size", 512)).toThrow("less than 512 bytes");
  expect(parseByteSize("512", "--chunk-size", 512)).toBe(512);
});
