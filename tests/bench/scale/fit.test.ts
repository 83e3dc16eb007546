import { expect, test } from "vitest";
import { fittedExponent, largestStep } from "./fit.ts";

const sizes = [100, 1000, 10_000, 100_000];

test.for([0.5, 1, 2])("finds the exponent %f behind a constant", (exponent) => {
  const points = sizes.map((size) => ({ size, cost: 1 + 0.3 * size ** exponent }));
  expect(fittedExponent(points)).toBeCloseTo(exponent, 0);
});

test("finds none in what does not grow", () => {
  expect(fittedExponent(sizes.map((size) => ({ size, cost: 5 + size / 1e6 })))).toBeUndefined();
});

test("tells a step that costs more than ten times the one before from one that does not", () => {
  expect(largestStep(sizes.map((size) => ({ size, cost: 3 * size })))).toBeCloseTo(10);
  expect(largestStep([...sizes.map((size) => ({ size, cost: size })), { size: 1_000_000, cost: 2_000_000 }])).toBe(20);
});
