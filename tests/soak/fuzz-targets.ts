import { fuzzTargets } from "../fuzz/targets/all-targets.ts";
import { runTarget, type TargetReport } from "../fuzz/targets/run-target.ts";
import type { FuzzTarget } from "../fuzz/targets/target.ts";
import { writeRandomInput } from "./fuzz-chapter.ts";

/** Options of {@link fuzzNamedTargets}. */
export interface FuzzTargetsOptions {
  /** A target's name, several with commas between, or `all`. */
  readonly targets: string;
  readonly runs: number;
  readonly seed: number;
  /** Whether targets without a fault are noted in `docs/reliability.md`. */
  readonly write: boolean;
}

/** Gives parsers random input, one target after another; sets the exit code when one did what it must not. */
export async function fuzzNamedTargets({ targets, runs, seed, write }: FuzzTargetsOptions): Promise<void> {
  for (const target of targetsCalled(targets)) {
    const startedMs = performance.now();
    const onFault = (message: string) => console.error(`${message}\n`);
    const report = await runTarget(target, { runs, seed, onFault });
    const seconds = Math.round((performance.now() - startedMs) / 1000);
    console.log(lineOf(report, seconds));
    if (report.faults > 0) process.exitCode = 1;
    else if (write) writeRandomInput(target, report, { seed, seconds });
  }
}

function targetsCalled(names: string): readonly FuzzTarget[] {
  if (names === "all") return fuzzTargets;
  return names.split(",").map((name) => {
    const target = fuzzTargets.find((one) => one.name === name);
    if (target) return target;
    throw new Error(`there is no target called ${name}, only ${fuzzTargets.map((one) => one.name).join(", ")} and all`);
  });
}

function lineOf({ target, runs, accepted, refused, grown, longest, faults, slowestMs }: TargetReport, seconds: number) {
  return (
    `${target}: ${runs} inputs in ${seconds} s: ${accepted} accepted, ${refused} refused, ${grown} grown up to ` +
    `${longest} characters, ${faults} faults; slowest ${slowestMs.toFixed(1)} ms; memory at most ` +
    `${Math.round(process.resourceUsage().maxRSS / 1024)} MiB`
  );
}
