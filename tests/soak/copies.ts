import fc from "fast-check";
import { copyRun } from "../property/copy-run.ts";
import type { HomeKind } from "../property/homes.ts";
import { graphPlan } from "../property/random-graph.ts";
import { seededRandom } from "../support/random.ts";

const homes: readonly HomeKind[] = ["memory", "layout", "remote"];

/** What {@link copies} did. */
export interface CopiesOutcome {
  readonly runs: number;
  /** For people, and to be kept. */
  readonly text: string;
}

/** Copies random content between all pairs of homes, in turn; sets the exit code when something did not arrive equal. */
export async function copies({ runs, seed }: { readonly runs: number; readonly seed: number }): Promise<CopiesOutcome> {
  const startedMs = performance.now();
  console.log(`copies --runs ${runs} --seed ${seed}`);
  const counts = { faults: 0, unequal: 0, failed: 0, manifests: 0, blobs: 0 };
  for (let run = 0; run < runs; run += 1) {
    const runSeed = seed + run;
    const random = seededRandom(runSeed);
    const from = homes[runSeed % 3] ?? "memory";
    const to = homes[Math.floor(runSeed / 3) % 3] ?? "memory";
    const faults = Math.floor(random() * 8);
    const [plan] = fc.sample(graphPlan, { seed: runSeed, numRuns: 1 });
    if (!plan) throw new Error("no content was made");
    const where = `copies --runs 1 --seed ${runSeed} (${from} to ${to}, ${faults} faults)`;
    try {
      const { isEqual, failures, actual, faulty } = await copyRun({ plan, from, to, faults, seed: runSeed });
      counts.manifests += Object.keys(actual.manifests).length;
      counts.blobs += Object.keys(actual.blobs).length;
      counts.faults += faulty;
      if (!isEqual) counts.unequal += 1;
      if (failures.length > 0) counts.failed += 1;
      if (!isEqual || failures.length > 0) console.error(`${where}: ${isEqual ? failures.join("; ") : "NOT EQUAL"}`);
    } catch (error) {
      counts.failed += 1;
      console.error(`${where}:`, error);
    }
    if ((run + 1) % 200 === 0) console.log(`${run + 1} of ${runs} copies`);
  }
  if (counts.unequal + counts.failed > 0) process.exitCode = 1;
  const seconds = Math.round((performance.now() - startedMs) / 1000);
  const text =
    `${runs} copies in ${seconds} s, ${counts.manifests} manifests and ${counts.blobs} blobs compared, ` +
    `${counts.faults} requests made to go wrong: ${counts.unequal} unequal, ${counts.failed} failed`;
  console.log(text);
  return { runs, text };
}
