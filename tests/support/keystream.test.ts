import fc from "fast-check";
import { expect, test } from "vitest";
import { keystream } from "./keystream.ts";

const all = (pieces: Iterable<Uint8Array>) => Buffer.concat([...pieces].map((piece) => Buffer.from(piece)));

test("a keystream read from an offset is the rest of the whole one", () => {
  const size = 2 * 1024 * 1024 + 77;
  const whole = all(keystream("seed", size));
  expect(whole.byteLength).toBe(size);
  fc.assert(
    fc.property(fc.integer({ min: 0, max: size }), (offset) => {
      expect(all(keystream("seed", size, offset)).equals(whole.subarray(offset))).toBe(true);
    }),
    { numRuns: 20 },
  );
});

test("another seed gives other bytes", () => {
  expect(all(keystream("one", 100)).equals(all(keystream("two", 100)))).toBe(false);
});
