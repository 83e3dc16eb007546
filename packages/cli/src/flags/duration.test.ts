import { expect, test } from "vitest";
import { parseDuration } from "./duration.ts";

test.for([
  ["0", 0],
  ["+0", 0],
  ["4h", 14_400_000],
  ["1h30m", 5_400_000],
  ["1.5s", 1500],
  [".5s", 500],
  ["1.s", 1000],
  ["300ms", 300],
  ["2us", 0.002],
  ["2µs", 0.002],
  ["-1m", -60_000],
] as const)("%s is %d ms", ([text, ms]) => {
  expect(parseDuration(text)).toBeCloseTo(ms, 9);
});

test.for(["", "5", "-", "h", "1 h", "4hours", "1h 30m", "1e3s", "1h30", "١s", `${"1s".repeat(40)}`])(
  "%j is none",
  (text) => {
    expect(parseDuration(text)).toBeUndefined();
  },
);
