import fc from "fast-check";
import { expect, test } from "vitest";
import { planRun, runPlan } from "./plan-run.ts";

test("a plan is what a pull brings, reference for reference and byte for byte, and a pull of the plan makes the same files", {
  timeout: 90_000,
}, async () => {
  let images = 0;
  const property = fc.asyncProperty(planRun, async (run) => {
    const outcome = await runPlan(run);
    images += outcome.images;
    expect(outcome.problems).toEqual([]);
  });
  await fc.assert(property, { numRuns: 85 });
  expect(images).toBeGreaterThan(0);
});

test("a plan is what a pull brings while requests go wrong", { timeout: 90_000 }, async () => {
  const run = fc.record({ run: planRun, faults: fc.nat({ max: 6 }) });
  await fc.assert(
    fc.asyncProperty(run, async ({ run, faults }) => {
      expect((await runPlan({ ...run, faults })).problems).toEqual([]);
    }),
    { numRuns: 15 },
  );
});
