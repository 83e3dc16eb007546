import { appendFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { caches } from "./caches.ts";
import { copies } from "./copies.ts";
import { runFaultsAndTell } from "./faults/tell-faults.ts";
import { fuzz } from "./fuzz.ts";
import { fuzzNamedTargets } from "./fuzz-targets.ts";
import type { Kept } from "./kept.ts";
import { allowedBytes, killRun } from "./kill-run.ts";
import { plans } from "./plans.ts";
import { powerRounds } from "./power.ts";
import { runDepsFaults, runDepsKills, runDepsSizes, runDepsTogether } from "./run-deps.ts";
import { isGood, killTrials } from "./trials.ts";

/** What the command line says, with what holds where it says nothing. */
type Values = ReturnType<typeof readArguments>["values"];

const jobs: Readonly<Record<string, (values: Values, seed: number) => Promise<Kept | undefined>>> = {
  kills: runKills,
  trials: runTrials,
  power: runPower,
  copies: runCopies,
  plans: runPlans,
  fuzz: runFuzz,
  caches: runCaches,
  faults: (values, seed) => runFaultsAndTell(values, seed),
  deps: runDepsKills,
  "deps-together": runDepsTogether,
  "deps-faults": runDepsFaults,
  "deps-sizes": runDepsSizes,
};

/**
 * Long runs that look for loss; what they find sets the exit code. `kills` (what it does unless told) kills one pull many
 * times; `trials` kills many pulls once each, at any moment; `power` also takes away what a power cut may; `copies` copies random content between all homes while
 * requests go wrong; `faults` puts a proxy that does wrong between all there is, stops programs and fills disks; `plans` holds pulls against plans of random catalogs; `fuzz` damages bundles and lets all their readers at them, with `--target` a
 * parser at random input of its own; `deps` kills the filling of
 * caches of dependencies, `deps-together` lets several processes at one, `deps-faults` fills them while servers do wrong, and
 * `deps-sizes` with what is large and what is many.
 *
 *     npx -y pnpm@10 soak [kills] [--kills 20] [--bytes 300000000] [--seed N] [--runs 1] [--bytes-per-second N] [--write]
 *     npx -y pnpm@10 soak trials [--trials 100] [--bytes 1100000000] [--chunk-size BYTES] [--seed N] [--bytes-per-second N] [--write]
 *     npx -y pnpm@10 soak power [--rounds 500] [--chunk-size BYTES] [--seed N] [--write]
 *     npx -y pnpm@10 soak copies [--runs 2000] [--seed N] [--write]
 *     npx -y pnpm@10 soak plans [--runs 2000] [--seed N] [--write]
 *     npx -y pnpm@10 soak faults [--runs 200] [--minutes N] [--kind pull]... [--lanes 6] [--bytes LAYER] [--seed N] [--write]
 *     npx -y pnpm@10 soak fuzz [--runs 200000] [--seed N] [--write]
 *     npx -y pnpm@10 soak fuzz --target NAME[,NAME…]|all [--runs 1000000] [--seed N] [--write]
 *     npx -y pnpm@10 soak caches [--runs 200] [--seed N] [--write]
 *     npx -y pnpm@10 soak deps [--kills 20] [--runs 1] [--seed N] [--bytes-per-second N] [--write]
 *     npx -y pnpm@10 soak deps-together [--rounds 14] [--seed N] [--write]
 *     npx -y pnpm@10 soak deps-faults [--runs 200] [--seed N] [--write]
 *     npx -y pnpm@10 soak deps-sizes [--bytes 3221225472] [--write]
 */
async function main(): Promise<void> {
  const { values, positionals } = readArguments();
  const [name = "kills"] = positionals;
  const job = jobs[name];
  if (!job) throw new Error(`there is no run called ${name}, only ${Object.keys(jobs).join(", ")}`);
  const kept = await job(values, Number(values.seed));
  if (kept && values.write && process.exitCode !== 1) write(kept);
}

function readArguments() {
  return parseArgs({
    allowPositionals: true,
    options: {
      kills: { type: "string", default: "20" },
      rounds: { type: "string" },
      trials: { type: "string", default: "100" },
      bytes: { type: "string" },
      "chunk-size": { type: "string" },
      seed: { type: "string", default: String(Date.now() % 1_000_000) },
      runs: { type: "string" },
      minutes: { type: "string" },
      lanes: { type: "string" },
      kind: { type: "string", multiple: true },
      target: { type: "string" },
      "bytes-per-second": { type: "string" },
      write: { type: "boolean", default: false },
    },
  });
}

async function runCopies({ runs: flag }: Values, seed: number): Promise<Kept> {
  const { runs, text } = await copies({ runs: Number(flag ?? 2000), seed });
  return { title: "random content copied", flags: `copies --runs ${runs} --seed ${seed}`, outcome: text };
}

async function runPlans({ runs: flag }: Values, seed: number): Promise<Kept> {
  const { runs, text } = await plans({ runs: Number(flag ?? 2000), seed });
  return { title: "pulls held against plans", flags: `plans --runs ${runs} --seed ${seed}`, outcome: text };
}

async function runFuzz({ runs: flag, target, write: isKept }: Values, seed: number): Promise<Kept | undefined> {
  if (target !== undefined) {
    await fuzzNamedTargets({ targets: target, runs: Number(flag ?? 1_000_000), seed, write: isKept });
    return undefined;
  }
  const { runs, text } = await fuzz({ runs: Number(flag ?? 200_000), seed });
  return { title: "damaged bundles read", flags: `fuzz --runs ${runs} --seed ${seed}`, outcome: text };
}

async function runCaches({ runs: flag }: Values, seed: number): Promise<Kept> {
  const { runs, text } = await caches({ runs: Number(flag ?? 200), seed });
  return { title: "caches of dependencies", flags: `caches --runs ${runs} --seed ${seed}`, outcome: text };
}

async function runTrials(values: Values, seed: number): Promise<Kept> {
  const [trials, bytes] = [Number(values.trials), Number(values.bytes ?? 1_100_000_000)];
  const chunkBytes = values["chunk-size"] === undefined ? undefined : Number(values["chunk-size"]);
  // Slower than a pull can take it: else megabytes wait between the two, sent and never read.
  const bytesPerSecond = Number(values["bytes-per-second"] ?? 20_000_000);
  const startedMs = performance.now();
  const chunks = chunkBytes === undefined ? "" : ` --chunk-size ${chunkBytes}`;
  const flags = `trials --trials ${trials} --bytes ${bytes}${chunks} --bytes-per-second ${bytesPerSecond} --seed ${seed}`;
  console.log(flags);
  const done = await killTrials({ trials, bytes, seed, bytesPerSecond, chunkBytes, log: console.log });
  const bad = done.filter((trial) => !isGood(trial));
  for (const trial of bad) console.error(`not good: ${JSON.stringify(trial)}`);
  if (bad.length > 0) process.exitCode = 1;
  const kinds = Object.entries(Object.groupBy(done, ({ moment }) => moment.kind))
    .map(([kind, ofKind]) => `${ofKind?.length ?? 0} ${kind}`)
    .join(", ");
  const again = done.map(({ againBytes }) => againBytes).sort((a, b) => a - b);
  const mebi = (size: number | undefined) => `${((size ?? 0) / 1024 / 1024).toFixed(1)} MiB`;
  const outcome =
    `${done.length} pulls of ${bytes} bytes, each killed once (${kinds}; ` +
    `${done.filter(({ isChunked }) => isChunked).length} in chunks) and run again: ` +
    `${done.filter(({ differing }) => differing.length > 0).length} with a file that differs, ` +
    `${done.filter(({ againBytes, allowedAgainBytes }) => againBytes > allowedAgainBytes).length} over what may be sent again; sent again ${mebi(again[Math.floor(again.length / 2)])} in the middle, ${mebi(again.at(-1))} at the ` +
    `most, of ${mebi(done[0]?.allowedAgainBytes)} allowed; ${Math.round((performance.now() - startedMs) / 60_000)} minutes`;
  console.log(outcome);
  return { title: "killed once at any moment", flags, outcome };
}

async function runPower(values: Values, seed: number): Promise<Kept> {
  const [rounds, chunkBytes] = [Number(values.rounds ?? 500), Number(values["chunk-size"] ?? 100_000)];
  const flags = `power --rounds ${rounds} --chunk-size ${chunkBytes} --seed ${seed}`;
  console.log(flags);
  const done = await powerRounds({ rounds, seed, chunkBytes, log: console.log });
  const bad = done.filter(({ differing, failure }) => differing.length > 0 || failure !== undefined);
  if (bad.length > 0) process.exitCode = 1;
  const cuts = done.flatMap((round) => round.cuts);
  const outcome =
    `${done.length} pulls, killed in the middle of a write and damaged ${cuts.length} times, then run again: ` +
    `${bad.length} with a file that differs or a failure`;
  console.log(outcome);
  return { title: "power lost in the middle of a pull", flags, outcome };
}

async function runKills(values: Values, firstSeed: number): Promise<Kept | undefined> {
  const numbers = [values.kills, values.bytes ?? "300000000", values["bytes-per-second"] ?? "8000000"].map(Number);
  const [kills, bytes, bytesPerSecond] = numbers;
  if (!kills || !bytes || !bytesPerSecond)
    throw new Error("--kills, --bytes and --bytes-per-second are numbers above 0");
  const runs = Number(values.runs ?? 1);
  const outcomes: string[] = [];
  for (let seed = firstSeed; seed < firstSeed + runs; seed += 1) {
    console.log(`--seed ${seed} --kills ${kills} --bytes ${bytes}`);
    const report = await killRun({ kills, bytes, seed, bytesPerSecond, log: (line) => console.log(`  ${line}`) });
    const again = report.disturbedBytes - report.undisturbedBytes;
    const isWithin = report.disturbedBytes <= allowedBytes(report);
    const outcome =
      `${report.files} files, ${report.differing.length} differing; ${again} bytes sent again ` +
      `(${((100 * again) / report.undisturbedBytes).toFixed(2)}%, ${Math.round(again / kills / 1024)} KiB a kill)`;
    console.log(`  ${outcome}`);
    outcomes.push(outcome);
    if (report.differing.length > 0) console.error(`  differing: ${report.differing.join(", ")}`);
    if (!isWithin) console.error(`  over the limit of ${allowedBytes(report)} bytes`);
    if (report.differing.length > 0 || !isWithin) process.exitCode = 1;
  }
  const flags = `--kills ${kills} --bytes ${bytes} --bytes-per-second ${bytesPerSecond} --seed ${firstSeed} --runs ${runs}`;
  return { title: "killed and run again", flags, outcome: outcomes.join("; ") };
}

function write({ title, flags, outcome }: Kept): void {
  const date = new Date().toISOString().slice(0, 10);
  const text = `\n### ${date}: ${title}\n\n\`npx -y pnpm@10 soak ${flags}\`: ${outcome}.\n`;
  appendFileSync(fileURLToPath(new URL("../../docs/benchmarks.md", import.meta.url)), text);
}

await main();
