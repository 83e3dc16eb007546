import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Bundle, pushBundle, type Side, sync } from "@tranship/core";
import { type EndedRun, startTranship } from "../../support/start-tranship.ts";
import { treeOf, unfinishedFaults } from "./bundle-judge.ts";
import { detailFaults, type FiredFaults } from "./failure-judge.ts";
import { faultPlan } from "./fault-plan.ts";
import { type FaultRun, limitMs } from "./fault-run.ts";
import { calmPatience, type ProxiedHome } from "./proxied-home.ts";
import { calmBundle, judgeFinished } from "./pull-runs.ts";
import { calmTarget, pullFromMemory } from "./push-runs.ts";
import { heldDifference, unfinishedTags } from "./registry-judge.ts";
import { heldBy, someChunkBytes, sourceHome, targetHome } from "./run-homes.ts";
import { everything, soakContent } from "./soak-content.ts";
import { manifestDamage } from "./upload-faults.ts";

/** Something that the program is to bring to its end, however often it is stopped. */
interface ProgramJob extends AsyncDisposable {
  readonly args: readonly string[];
  readonly homes: Readonly<Partial<Record<Side, ProxiedHome>>>;
  /** Whether it writes a bundle, so that it can be killed at one of its steps. */
  readonly writesFiles: boolean;
  readonly judgeDone: (kind: "false success" | "loss") => Promise<void>;
  readonly judgeRemains: () => Promise<void>;
}

/** A server without a password: programs would be asked for one. */
const plain = { isGuarded: false, server: { maxPageSize: 3 } };

/** How long a program waits for a byte, in milliseconds. */
const programIdleMs = 1000;

/** Kills the program at any moment, again and again. */
export async function killedRun(run: FaultRun): Promise<void> {
  await stoppedRun(run, "SIGKILL");
}

/** Interrupts the program at any moment: it says so, and what it leaves can be gone on with. */
export async function interruptedRun(run: FaultRun): Promise<void> {
  await stoppedRun(run, "SIGINT");
}

async function stoppedRun(run: FaultRun, signal: "SIGKILL" | "SIGINT"): Promise<void> {
  const make = [pullJob, pushJob, syncJob][run.upTo(2)] ?? pullJob;
  await using job = await make(run);
  const rounds = 1 + run.upTo(2);
  let isDone = false;
  for (let round = 1; round <= rounds && !isDone; round += 1) {
    for (const [side, { proxy }] of Object.entries(job.homes)) {
      proxy.arm(faultPlan({ random: run.random, isWritten: side === "target", most: 2, mostTimes: 3 }));
    }
    const sinceMs = performance.now();
    const ended = await stopped(run, job, signal);
    const fired: FiredFaults = Object.fromEntries(
      Object.entries(job.homes).map(([side, { proxy }]) => [side, run.took(proxy)]),
    );
    run.trail.push(`round ${round}: ${job.args[0]} ended with ${ended?.code} ${ended?.signal ?? ""}`);
    if (!ended) return;
    if (ended.signal !== null)
      run.kills += 1; // an interrupt before it listens, or a second one, ends it as a kill does
    else if (ended.code !== 0) judgeFailure(run, ended, signal, fired, sinceMs);
    isDone = ended.code === 0;
    if (isDone) await job.judgeDone("false success");
    else await job.judgeRemains();
  }
  for (const { proxy } of Object.values(job.homes)) proxy.disarm();
  if (!isDone) {
    const { code, stdout, stderr } = await startTranship(job.args).ended;
    if (code !== 0) run.problem("loss", `without faults it ends with ${code}: ${stderr}${stdout.slice(-500)}`);
  }
  await job.judgeDone("loss");
}

/** Runs the program and stops it somewhere; `undefined` when it did not end. */
async function stopped(run: FaultRun, job: ProgramJob, signal: "SIGKILL" | "SIGINT"): Promise<EndedRun | undefined> {
  const homes = Object.values(job.homes);
  const [home] = homes.slice(run.upTo(homes.length - 1));
  const at = (home?.proxy.requests ?? 0) + 1 + run.upTo(80);
  const atStep = job.writesFiles && signal === "SIGKILL" && run.chance(0.4);
  const kill = atStep
    ? run.chance(0.5)
      ? { step: 1 + run.upTo(30) }
      : { bytes: run.upTo(600_000 + 2 * (run.layerBytes ?? 0)) }
    : undefined;
  const { child, ended } = startTranship([...job.args, "--timeout", `${programIdleMs}ms`], { kill });
  const stop = () => {
    if (!atStep) child.kill(signal);
  };
  home?.proxy.watch((count) => {
    if (count === at) stop();
  });
  const startup = run.chance(0.2) ? setTimeout(stop, run.upTo(1200)) : undefined;
  const again = signal === "SIGINT" && run.chance(0.2) ? setTimeout(stop, run.upTo(2500)) : undefined;
  const late = delay(limitMs, undefined, { ref: false });
  const outcome = await Promise.race([ended, late]);
  clearTimeout(startup);
  clearTimeout(again);
  home?.proxy.watch(() => {});
  if (outcome) return outcome;
  child.kill("SIGKILL");
  run.problem("hang", `${job.args[0]} did not end`);
  return undefined;
}

interface FailureLine {
  readonly type?: string;
  readonly code?: string;
  readonly message?: string;
  readonly details?: {
    readonly side?: Side;
    readonly reference?: string;
    readonly failure?: string;
    readonly code?: string;
  };
}

function judgeFailure(
  run: FaultRun,
  { code, stdout, stderr }: EndedRun,
  signal: string,
  fired: FiredFaults,
  sinceMs: number,
): void {
  const line = lastLine(stdout);
  const shown = `${code}: ${stderr.slice(-400)} ${JSON.stringify(line)?.slice(0, 400)}`;
  if (code === 130 && signal === "SIGINT") {
    run.codes.push("interrupted");
    if (line?.type !== "failure") run.problem("wrong class", `an interrupted run told no failure: ${shown}`);
    return;
  }
  if (line?.type !== "failure" || line.code !== "TRANSFER_FAILED") {
    run.problem("wrong class", shown);
    return;
  }
  const { side, reference = "", failure = "", code: inner } = line.details ?? {};
  run.codes.push(`${line.code} ${inner ?? ""}`.trim());
  if (side === undefined) run.problem("wrong class", `no side: ${shown}`);
  else {
    const problems = detailFaults({ side, reference, failure, code: inner }, fired, shown);
    run.judgeFailure(problems, inner, sinceMs, programIdleMs);
  }
}

function lastLine(stdout: string): FailureLine | undefined {
  try {
    return JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as FailureLine;
  } catch {
    return undefined;
  }
}

async function pullJob(run: FaultRun): Promise<ProgramJob> {
  const source = await sourceHome(run, await soakContent(run.seed, run.layerBytes), plain);
  const chunkBytes = someChunkBytes(run);
  const truth = await calmBundle(source, join(run.folder, "calm"), { chunkBytes });
  const folder = join(run.folder, "bundle");
  const chunks = chunkBytes === undefined ? [] : ["--chunk-size", String(chunkBytes)];
  return {
    args: ["pull", folder, "--source", source.address, "--json", ...chunks],
    homes: { source },
    writesFiles: true,
    judgeDone: async (kind) => judgeFinished(run, folder, truth, kind),
    judgeRemains: async () => run.problemsOf("bad remains", unfinishedFaults(folder, {}, truth)),
    [Symbol.asyncDispose]: async () => await source[Symbol.asyncDispose](),
  };
}

async function pushJob(run: FaultRun): Promise<ProgramJob> {
  const folder = join(run.folder, "calm");
  await pullFromMemory(await soakContent(run.seed, run.layerBytes), folder);
  const before = treeOf(folder);
  const truth = await calmTarget(run, plain, async (target) => {
    await using bundle = await Bundle.open(folder);
    return await pushBundle(bundle, target);
  });
  const target = await targetHome(run, "target", plain);
  return {
    ...writing(run, { target }, truth),
    args: ["push", folder, `registry:${target.address}`, "--json"],
    judgeDone: async (kind) => {
      run.problemsOf(kind, heldDifference(truth, await heldBy(run, target)));
      judgeFinished(run, folder, before, kind); // the bundle itself is only read
    },
  };
}

async function syncJob(run: FaultRun): Promise<ProgramJob> {
  const source = await sourceHome(run, await soakContent(run.seed, run.layerBytes), plain);
  const truth = await calmTarget(run, plain, async (to) => {
    await using client = source.open(calmPatience);
    return await sync(everything(client), { to });
  });
  const target = await targetHome(run, "target", plain);
  return {
    ...writing(run, { source, target }, truth),
    args: ["sync", source.address, `registry:${target.address}`, "--json"],
    judgeDone: async (kind) => run.problemsOf(kind, heldDifference(truth, await heldBy(run, target))),
  };
}

function writing(
  run: FaultRun,
  homes: { readonly source?: ProxiedHome; readonly target: ProxiedHome },
  truth: Awaited<ReturnType<typeof heldBy>>,
) {
  return {
    homes,
    writesFiles: false,
    judgeRemains: async () => {
      const damaged = run.fired.get(manifestDamage) ?? 0; // in this round, or in one before
      run.problemsOf("bad remains", unfinishedTags(truth, await heldBy(run, homes.target), damaged));
    },
    [Symbol.asyncDispose]: async () => {
      for (const home of Object.values(homes)) await home[Symbol.asyncDispose]();
    },
  };
}
