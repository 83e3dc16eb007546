import fc from "fast-check";
import { planRun, runPlan } from "../property/plan-run.ts";

/** What {@link plans} did. */
export interface PlansOutcome {
  readonly runs: number;
  /** For people, and to be kept. */
  readonly text: string;
}

/**
 * Plans random catalogs by random selections and holds pulls against the plans, every fifth over HTTP while requests go
 * wrong; sets the exit code when one did not keep to its plan.
 */
export async function plans({ runs, seed }: { readonly runs: number; readonly seed: number }): Promise<PlansOutcome> {
  const startedMs = performance.now();
  console.log(`plans --runs ${runs} --seed ${seed}`);
  const counts = { faulty: 0, broken: 0, refused: 0, images: 0, bytes: 0, missing: 0, failed: 0 };
  for (let run = 0; run < runs; run += 1) {
    const runSeed = seed + run;
    const [random] = fc.sample(planRun, { seed: runSeed, numRuns: 1 });
    if (!random) throw new Error("no run was made");
    const faults = runSeed % 5 === 0 ? runSeed % 8 : undefined;
    try {
      const outcome = await runPlan({ ...random, faults });
      counts.faulty += outcome.faulty;
      counts.images += outcome.images;
      counts.bytes += outcome.bytes;
      counts.missing += outcome.missing;
      counts.failed += outcome.failed;
      if (outcome.isRefused) counts.refused += 1;
      if (outcome.problems.length === 0) continue;
      console.error(`plans --runs 1 --seed ${runSeed}: ${outcome.problems.join("; ")}`);
    } catch (error) {
      console.error(`plans --runs 1 --seed ${runSeed}:`, error);
    }
    counts.broken += 1;
  }
  if (counts.broken > 0) process.exitCode = 1;
  const seconds = Math.round((performance.now() - startedMs) / 1000);
  const text =
    `${runs} plans of random catalogs in ${seconds} s, ${counts.images} images with ${counts.bytes} bytes, ` +
    `${counts.missing} missing, ${counts.failed} items gone on without, ${counts.refused} plans refused, ` +
    `${counts.faulty} requests made to go wrong: ${counts.broken} that a pull did not keep to`;
  console.log(text);
  return { runs, text };
}
