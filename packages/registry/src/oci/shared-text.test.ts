import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { sharedText } from "./shared-text.ts";

describe("a shared text", () => {
  test("is the same text, whatever it is", () => {
    const odd = fc.constantFrom(
      "",
      "0",
      "-1",
      "4294967295",
      "__proto__",
      "constructor",
      "toString",
      "\u0000",
      "\ud800",
    );
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary" }), odd), (text) => {
        expect(sharedText(text)).toBe(text);
      }),
    );
  });

  test("is in memory once, however often it was read", () => {
    const json = JSON.stringify("a".repeat(1000));
    const take = (use: (text: string) => string) => {
      const before = liveBytes();
      const all = Array.from({ length: 20_000 }, () => use(JSON.parse(json) as string));
      const bytes = liveBytes() - before;
      expect(all.at(-1)).toBe(JSON.parse(json));
      return bytes;
    };
    expect(take((text) => text)).toBeGreaterThan(14_000_000); // of 20 million; others in this process come and go
    expect(take(sharedText)).toBeLessThan(6_000_000);
  });
});

function liveBytes(): number {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  collect();
  collect(); // what the first one only finalized
  return process.memoryUsage().heapUsed;
}
