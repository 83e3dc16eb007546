import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type DockerRegistry, startDockerRegistry } from "../../support/docker-registry.ts";
import { seededRandom } from "../../support/random.ts";
import { noSmallDisk } from "../../support/small-disk.ts";
import { lacking } from "../../support/tools.ts";
import { diskRun } from "./disk-runs.ts";
import { FaultRun, type Problem, type RunKind } from "./fault-run.ts";
import { LoopLag } from "./loop-lag.ts";
import { interruptedRun, killedRun } from "./program-runs.ts";
import { planFaultRun, pullRun, verifyRun } from "./pull-runs.ts";
import { pushRun, serveRun, syncRun } from "./push-runs.ts";
import { togetherPullRun, togetherPushRun } from "./together-runs.ts";

/** Options of {@link runFaults}; the same seed disturbs in the same ways, as far as the order of requests allows. */
export interface RunFaultsOptions {
  readonly runs: number;
  readonly seed: number;
  /** No run is begun after so many. @defaultValue unlimited */
  readonly minutes?: number | undefined;
  /** Runs side by side: most of their time is waiting. @defaultValue 6 */
  readonly lanes?: number | undefined;
  /** Runs of nothing else. @defaultValue all kinds, each so often as it is worth */
  readonly kinds?: readonly RunKind[] | undefined;
  /** Every catalog has a layer of so many bytes. @defaultValue of some hundred thousand at most */
  readonly layerBytes?: number | undefined;
  readonly log?: ((line: string) => void) | undefined;
}

/** What all runs came to. */
export interface FaultsReport {
  readonly runs: Readonly<Partial<Record<RunKind, number>>>;
  /** Runs that ended well in spite of faults. */
  readonly unharmed: number;
  /** Failures that were told, by code. */
  readonly codes: Readonly<Record<string, number>>;
  /** Faults that happened, by name. */
  readonly fired: Readonly<Record<string, number>>;
  readonly kills: number;
  /** Timeouts that only a busy machine explains. */
  readonly slow: number;
  readonly problems: readonly (Problem & { readonly seed: number })[];
  readonly elapsedMs: number;
  /** Of this process, at most, in bytes. */
  readonly memoryBytes: number;
}

/** All that a run can be. */
export const runKinds: readonly RunKind[] = [
  "pull",
  "plan",
  "push",
  "sync",
  "serve",
  "verify",
  "killed program",
  "interrupted program",
  "full disk",
  "two at one bundle",
  "two at one target",
];

interface Kind {
  readonly kind: RunKind;
  /** So many of all the weights. */
  readonly weight: number;
  /** How many of its runs have to do with somebody else's registry. */
  readonly dockerShare: number;
  readonly work: (run: FaultRun) => Promise<void>;
}

const kinds: readonly Kind[] = [
  { kind: "pull", weight: 30, dockerShare: 0.2, work: pullRun },
  { kind: "plan", weight: 5, dockerShare: 0.2, work: planFaultRun },
  { kind: "push", weight: 22, dockerShare: 0.35, work: pushRun },
  { kind: "sync", weight: 22, dockerShare: 0.25, work: syncRun },
  { kind: "serve", weight: 8, dockerShare: 0.2, work: serveRun },
  { kind: "verify", weight: 4, dockerShare: 0, work: verifyRun },
  { kind: "killed program", weight: 8, dockerShare: 0.2, work: killedRun },
  { kind: "interrupted program", weight: 4, dockerShare: 0.2, work: interruptedRun },
  { kind: "full disk", weight: noSmallDisk === undefined ? 4 : 0, dockerShare: 0, work: diskRun },
  { kind: "two at one bundle", weight: 3, dockerShare: 0.2, work: togetherPullRun },
  { kind: "two at one target", weight: 3, dockerShare: 0.4, work: togetherPushRun },
];

/** Somebody else's registry; without it, all runs are with ours. */
const program = "docker-registry";

/** A disk in memory: how long a real one takes to keep bytes is nothing these runs are about. */
const memory = "/dev/shm";

/** Does random things while everything goes wrong, and judges what came of it. */
export async function runFaults(options: RunFaultsOptions): Promise<FaultsReport> {
  const { runs, seed, minutes = Number.POSITIVE_INFINITY, lanes = 6, layerBytes, log } = options;
  const startedMs = performance.now();
  const root = await mkdtemp(join(existsSync(memory) ? memory : tmpdir(), "tranship-faults-"));
  const done: FaultRun[] = [];
  const strays: unknown[] = [];
  const onStray = (reason: unknown) => strays.push(reason);
  process.on("unhandledRejection", onStray);
  using lag = new LoopLag();
  await using docker = lacking(program).length === 0 ? await startDockerRegistry() : undefined;
  let next = 0;
  const lane = async () => {
    while (next < runs && performance.now() - startedMs < minutes * 60_000) {
      const own = seed + next;
      next += 1;
      const run = await oneRun({ seed: own, root, docker, lag, layerBytes }, options.kinds);
      for (const stray of strays.splice(0)) run.problem("broken", `nobody caught ${describe(stray)}`);
      done.push(run);
      tell(run, log);
      if (run.problems.length === 0) await rm(run.folder, { recursive: true, force: true });
      if (done.length % 50 === 0) log?.(`${done.length} of ${runs} runs`);
    }
  };
  try {
    await Promise.all(Array.from({ length: lanes }, lane));
  } finally {
    process.off("unhandledRejection", onStray);
    if (done.every(({ problems }) => problems.length === 0)) await rm(root, { recursive: true, force: true });
  }
  return reportOf(done, performance.now() - startedMs);
}

interface RunPlace {
  readonly seed: number;
  readonly root: string;
  readonly docker: DockerRegistry | undefined;
  readonly lag: LoopLag;
  readonly layerBytes: number | undefined;
}

async function oneRun(
  { seed, root, docker, lag, layerBytes }: RunPlace,
  wanted: readonly RunKind[] | undefined,
): Promise<FaultRun> {
  const random = seededRandom(seed);
  const { kind, dockerShare, work } = kindOf(random(), wanted);
  const hasDocker = random() < dockerShare;
  const folder = join(root, `run-${seed}`);
  const run = new FaultRun({ seed, kind, random, folder, docker: hasDocker ? docker : undefined, lag, layerBytes });
  try {
    await work(run);
  } catch (error) {
    run.problem("broken", describe(error));
  }
  return run;
}

function kindOf(chosen: number, wanted: readonly RunKind[] | undefined): Kind {
  const possible = kinds.filter(({ kind }) => wanted?.includes(kind) ?? true);
  let left = chosen * possible.reduce((sum, { weight }) => sum + weight, 0);
  const found = possible.find(({ weight }) => {
    left -= weight;
    return left < 0;
  });
  if (!found) throw new Error("there are no runs of these kinds");
  return found;
}

function tell({ seed, kind, problems, trail, folder }: FaultRun, log: RunFaultsOptions["log"]): void {
  if (problems.length === 0) return;
  log?.(
    [
      `faults --runs 1 --seed ${seed} (${kind}, kept in ${folder}):`,
      ...problems.map((problem) => `${problem.kind}: ${problem.text}`),
      ...trail,
    ].join("\n  "),
  );
}

function reportOf(done: readonly FaultRun[], elapsedMs: number): FaultsReport {
  const count = (names: Iterable<readonly [string, number]>) => {
    const counts: Record<string, number> = {};
    for (const [name, times] of names) counts[name] = (counts[name] ?? 0) + times;
    return counts;
  };
  return {
    runs: count(done.map(({ kind }) => [kind, 1])),
    unharmed: done.filter(({ codes, fired }) => codes.length === 0 && fired.size > 0).length,
    codes: count(done.flatMap(({ codes }) => codes.map((code) => [code, 1] as const))),
    fired: count(done.flatMap(({ fired }) => [...fired])),
    kills: done.reduce((sum, { kills }) => sum + kills, 0),
    slow: done.reduce((sum, { slow }) => sum + slow, 0),
    problems: done.flatMap(({ seed, problems }) => problems.map((problem) => ({ ...problem, seed }))),
    elapsedMs,
    memoryBytes: process.resourceUsage().maxRSS * 1024,
  };
}

function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
