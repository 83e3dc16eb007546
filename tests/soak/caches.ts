import { runCache } from "../property/cache-run.ts";

/** What {@link caches} did. */
export interface CachesOutcome {
  readonly runs: number;
  /** For people, and to be kept. */
  readonly text: string;
}

/** Steps of one run. */
const steps = 15;

/**
 * Does random things with caches of random releases: downloads parts of them, harms files, prunes, carries them elsewhere;
 * sets the exit code when something was lost, wrong, noted though it was not there, or fetched without need.
 */
export async function caches({ runs, seed }: { readonly runs: number; readonly seed: number }): Promise<CachesOutcome> {
  const startedMs = performance.now();
  console.log(`caches --runs ${runs} --seed ${seed}`);
  let broken = 0;
  for (let run = 0; run < runs; run += 1) {
    const { problems, trail } = await runCache({ seed: seed + run, steps });
    if (problems.length === 0) continue;
    broken += 1;
    console.error(`caches --runs 1 --seed ${seed + run}: ${problems.join("; ")}\n  ${trail.join("\n  ")}`);
  }
  if (broken > 0) process.exitCode = 1;
  const seconds = Math.round((performance.now() - startedMs) / 1000);
  const text = `${runs} caches with ${steps} random steps each in ${seconds} s: ${broken} that were not whole in the end`;
  console.log(text);
  return { runs, text };
}
