import fc from "fast-check";
import { expect, test } from "vitest";
import { lacking } from "../support/tools.ts";
import { copyRun } from "./copy-run.ts";
import type { HomeKind } from "./homes.ts";
import { graphPlan } from "./random-graph.ts";

const homes: readonly HomeKind[] = ["memory", "layout", "remote"];
const pairs = homes.flatMap((from) => homes.map((to) => ({ from, to })));

/** Nine pairs of homes: 18 copies; `test:random` makes 200, which take longer, and `soak copies` thousands. */
const runsOfAPair = 2;

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

const docker = "docker-registry";

if (lacking(docker).length > 0) console.warn("property/copy: skipped with docker-registry, which is not installed");

test.skipIf(lacking(docker).length > 0)(
  "any content copied to docker-registry and back arrives equal, referrers by the fallback tag included",
  async () => {
    const sha256Only = graphPlan.map((plan) => ({
      ...plan,
      images: plan.images.map((image) => ({ ...image, sha512: false })),
    }));
    await fc.assert(
      fc.asyncProperty(sha256Only, async (plan) => {
        const to = await copyRun({ plan, from: "memory", to: docker, faults: 0, seed: 0 });
        expect(to.actual).toEqual(to.expected);
        const from = await copyRun({ plan, from: docker, to: "memory", faults: 0, seed: 0 });
        expect(from.actual).toEqual(from.expected);
      }),
      { numRuns: 3 },
    );
  },
);
