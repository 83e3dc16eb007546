import { expect, test } from "vitest";
import { fuzzTargets } from "./targets/all-targets.ts";
import { runTarget } from "./targets/run-target.ts";

test.for(fuzzTargets)(
  "$name: random $what are read right or refused, in little time",
  { timeout: 60_000 },
  async (target) => {
    const report = await runTarget(target, { runs: 1500, seed: 20_261_122, growEvery: 300, growFullyEvery: 1_000_000 });
    expect(report.accepted).toBeGreaterThan(20);
    expect(report.refused).toBeGreaterThan(20);
  },
);
