import fc from "fast-check";
import { expect, test } from "vitest";
import { parseByteRange, parseChunkRange } from "./byte-range.ts";

test("a range never leaves the body", () => {
  const bound = fc.oneof(fc.nat(2000).map(String), fc.constant(""));
  fc.assert(
    fc.property(bound, bound, fc.nat(1000), (first, last, size) => {
      const range = parseByteRange(`bytes=${first}-${last}`, size);
      if (range === undefined || range === "unsatisfiable") return;
      expect(range.length).toBeGreaterThan(0);
      expect(range.offset).toBeGreaterThanOrEqual(0);
      expect(range.offset + range.length).toBeLessThanOrEqual(size);
    }),
  );
});

test("what is no range of bytes asks for the whole body", () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      fc.pre(!/^bytes=[0-9]*-[0-9]*$/.test(text));
      expect(parseByteRange(text, 100)).toBeUndefined();
    }),
  );
});

test.for([
  ["0-0", { offset: 0, length: 1 }],
  ["5-9", { offset: 5, length: 5 }],
  ["bytes 5-9/*", { offset: 5, length: 5 }],
  ["bytes=5-9", { offset: 5, length: 5 }],
  ["9-5", undefined],
  ["-5", undefined],
  ["5-", undefined],
  ["", undefined],
] as const)("the chunk range %s is understood", ([header, expected]) => {
  expect(parseChunkRange(header)).toEqual(expected);
});
