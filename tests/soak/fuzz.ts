import { fuzzRun } from "../fuzz/fuzz-run.ts";

/** What {@link fuzz} did. */
export interface FuzzOutcome {
  readonly runs: number;
  /** For people, and to be kept. */
  readonly text: string;
}

/** Damages bundles and lets all readers of bundles at them; sets the exit code when one did what it must not. */
export async function fuzz({ runs, seed }: { readonly runs: number; readonly seed: number }): Promise<FuzzOutcome> {
  const startedMs = performance.now();
  console.log(`fuzz --runs ${runs} --seed ${seed}`);
  const report = await fuzzRun({
    runs,
    seed,
    wholeEvery: 10,
    gnuTarEvery: 20,
    onFault: (message) => console.error(message),
    onRun: (run) => {
      if (run % 10_000 === 0) console.log(`${run} of ${runs} mutations`);
    },
  });
  if (report.faults > 0) process.exitCode = 1;
  const { parts, bundles, shownToGnuTar, faults, slowest } = report;
  const seconds = Math.round((performance.now() - startedMs) / 1000);
  const text =
    `${runs} mutations in ${seconds} s: of archives, indexes, manifests and locks ${parts.accepted} taken and ` +
    `${parts.refused} refused; of bundles on disk ${bundles.accepted} pushed whole, ${bundles.refused} refused and ` +
    `${bundles["found damaged"]} found damaged by verify; ${shownToGnuTar} archives read the same by GNU tar; ` +
    `${faults} faults; slowest ${Math.round(slowest.ms)} ms (seed ${slowest.seed}); ` +
    `memory at most ${Math.round(process.resourceUsage().maxRSS / 1024)} MiB`;
  console.log(text);
  return { runs, text };
}
