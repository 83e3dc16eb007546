import fc from "fast-check";
import { expect, test } from "vitest";
import { copyRun } from "./copy-run.ts";
import type { HomeKind } from "./homes.ts";
import { graphPlan } from "./random-graph.ts";

const homes: readonly HomeKind[] = ["memory", "layout", "remote"];
const pairs = homes.flatMap((from) => homes.map((to) => ({ from, to })));

/** Nine pairs of homes: 207 copies. */
const runsOfAPair = 23;

test.for(pairs)(
  "any content copied from $from to $to arrives equal, whatever goes wrong on the way",
  async ({ from, to }) => {
    const run = fc.record({ plan: graphPlan, faults: fc.nat({ max: 5 }), seed: fc.nat() });
    await fc.assert(
      fc.asyncProperty(run, async ({ plan, faults, seed }) => {
        const { expected, actual, failures } = await copyRun({ plan, from, to, faults, seed });
        expect(actual).toEqual(expected);
        expect(failures).toEqual([]);
      }),
      { numRuns: runsOfAPair },
    );
  },
);
