import fc from "fast-check";
import { expect, test } from "vitest";
import { type Box, squarify } from "./squarify.js";

const box: Box = { x: 10, y: 20, width: 640, height: 400 };

/** The largest first, as a map gives them. */
const sizes = fc
  .array(fc.integer({ min: 1, max: 1_000_000_000 }), { minLength: 1, maxLength: 60 })
  .map((all) => all.sort((a, b) => b - a));

test("areas are proportional, and together they are the box", () => {
  fc.assert(
    fc.property(sizes, (all) => {
      const total = all.reduce((sum, size) => sum + size, 0);
      const boxes = squarify(all, box);
      expect(boxes).toHaveLength(all.length);
      for (const [at, { width, height }] of boxes.entries()) {
        expect(width * height).toBeCloseTo(((all[at] ?? 0) * box.width * box.height) / total, 3);
      }
    }),
    { numRuns: 60 },
  );
});

test("tiles stay inside the box, and none overlaps another", () => {
  const slack = 1e-6;
  fc.assert(
    fc.property(sizes, (all) => {
      const boxes = squarify(all, box);
      for (const [at, one] of boxes.entries()) {
        expect(one.x).toBeGreaterThanOrEqual(box.x - slack);
        expect(one.y).toBeGreaterThanOrEqual(box.y - slack);
        expect(one.x + one.width).toBeLessThanOrEqual(box.x + box.width + slack);
        expect(one.y + one.height).toBeLessThanOrEqual(box.y + box.height + slack);
        for (const other of boxes.slice(at + 1)) {
          const across = Math.min(one.x + one.width, other.x + other.width) - Math.max(one.x, other.x);
          const down = Math.min(one.y + one.height, other.y + other.height) - Math.max(one.y, other.y);
          expect(Math.min(across, down)).toBeLessThanOrEqual(slack);
        }
      }
    }),
    { numRuns: 60 },
  );
});

test("equal sizes become tiles that are nearly squares", () => {
  const boxes = squarify(
    Array.from({ length: 24 }, () => 5),
    { x: 0, y: 0, width: 600, height: 400 },
  );
  for (const { width, height } of boxes) expect(Math.max(width / height, height / width)).toBeLessThan(1.6);
});

test.for([
  { name: "nothing", given: [], expected: 0 },
  { name: "what has no bytes", given: [0, 0], expected: 0 },
  { name: "a box without an area", given: [3, 2], in: { x: 0, y: 0, width: 0, height: 100 }, expected: 0 },
])("$name takes no area", ({ given, expected, ...rest }) => {
  const boxes = squarify(given, (rest as { in?: Box }).in ?? box);
  expect(boxes).toHaveLength(given.length);
  expect(boxes.reduce((sum, { width, height }) => sum + width * height, 0)).toBe(expected);
});
