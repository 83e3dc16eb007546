import { depsFaults } from "./deps-faults.ts";
import { type DepsKillReport, depsKills } from "./deps-kills.ts";
import { depsSizes } from "./deps-sizes.ts";
import { depsTogether } from "./deps-together.ts";
import type { Kept } from "./kept.ts";

/** What the command line says to these runs. */
interface DepsValues {
  readonly kills: string;
  readonly runs?: string | undefined;
  readonly rounds?: string | undefined;
  readonly bytes?: string | undefined;
  readonly "bytes-per-second"?: string | undefined;
}

/** More than 200 items of every sort. */
const world = {
  files: 140,
  images: 48,
  charts: 8,
  seeds: 6,
  localCharts: 4,
  maxFileBytes: 2 * 1024 * 1024,
  gitBytes: 300_000,
} as const;

const mib = 1024 * 1024;
const log = (line: string) => console.log(`  ${line}`);

/** Kills downloads; see {@link depsKills}. */
export async function runDepsKills(values: DepsValues, firstSeed: number): Promise<Kept> {
  const [kills, runs] = [Number(values.kills), Number(values.runs ?? 1)];
  const bytesPerSecond = Number(values["bytes-per-second"] ?? 4_000_000);
  const reports: DepsKillReport[] = [];
  for (let seed = firstSeed; seed < firstSeed + runs; seed += 1) {
    console.log(`deps --kills ${kills} --seed ${seed}`);
    const report = await depsKills({ ...world, kills, seed, bytesPerSecond, log });
    tell(report.faults);
    log(JSON.stringify({ ...report, faults: report.faults.length }));
    reports.push(report);
  }
  const sum = (of: (report: DepsKillReport) => number) => reports.reduce((total, report) => total + of(report), 0);
  const kinds = (["transfer", "start", "step", "commit"] as const).map(
    (kind) => `${sum((one) => one.kills[kind])} ${kind}`,
  );
  const killed = sum((one) => Object.values(one.kills).reduce((total, count) => total + count, 0));
  const most = Math.max(...reports.map(({ mostAgain }) => mostAgain));
  const outcome =
    `${2 * runs} downloads of ${reports[0]?.items} items (${Math.round(sum((one) => one.wholeBytes) / mib)} MiB in all), ` +
    `killed ${killed} times (${kinds.join(", ")}): ${sum((one) => one.faults.length)} faults; after one kill ` +
    `${(100 * most).toFixed(1)}% of the bytes were sent again at the most, ` +
    `${Math.round(sum((one) => one.againBytes) / killed / 1024)} KiB on average`;
  const flags = `deps --kills ${kills} --bytes-per-second ${bytesPerSecond} --seed ${firstSeed} --runs ${runs}`;
  return done("dependencies fetched by processes that are killed", flags, outcome);
}

/** Lets several processes at one cache; see {@link depsTogether}. */
export async function runDepsTogether(values: DepsValues, seed: number): Promise<Kept> {
  const rounds = Number(values.rounds ?? 14);
  const report = await depsTogether({ rounds, seed, log });
  tell(report.faults);
  const stories = Object.entries(report.rounds).map(([story, count]) => `${count} ${story}`);
  const outcome = `${rounds} rounds of two processes (${stories.join("; ")}): ${report.faults.length} faults, ${report.refused} told that they came too early`;
  return done("two processes at one cache", `deps-together --rounds ${rounds} --seed ${seed}`, outcome);
}

/** Fills caches while servers do wrong; see {@link depsFaults}. */
export async function runDepsFaults(values: DepsValues, seed: number): Promise<Kept> {
  const { runs, injected, complete, failed, faults } = await depsFaults({
    runs: Number(values.runs ?? 200),
    seed,
    log,
  });
  tell(faults);
  const codes = Object.entries(failed).map(([code, count]) => `${count} ${code}`);
  const outcome = `${runs} downloads, ${injected} requests made to go wrong: ${complete} complete, the others (${codes.join(", ")}) when they were run again; ${faults.length} faults`;
  return done("dependencies fetched from servers that do wrong", `deps-faults --runs ${runs} --seed ${seed}`, outcome);
}

/** Fetches what is large and what is many; see {@link depsSizes}. */
export async function runDepsSizes(values: DepsValues): Promise<Kept> {
  const fileBytes = Number(values.bytes ?? 3 * 1024 * mib);
  const { peakRssBytes, faults } = await depsSizes({ fileBytes, items: 20_000, log });
  tell(faults);
  const peaks = Object.entries(peakRssBytes).map(([name, bytes]) => `${name}: ${Math.round(bytes / mib)} MiB`);
  const outcome = `${faults.length} faults; peak memory: ${peaks.join("; ")}`;
  return done("large and many dependencies", `deps-sizes --bytes ${fileBytes}`, outcome);
}

function tell(faults: readonly string[]): void {
  for (const fault of faults) console.error(`not good: ${fault}`);
  if (faults.length > 0) process.exitCode = 1;
}

function done(title: string, flags: string, outcome: string): Kept {
  console.log(outcome);
  return { title, flags, outcome };
}
