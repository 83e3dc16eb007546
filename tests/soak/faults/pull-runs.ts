import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  Bundle,
  BundleDirectory,
  type BundleDirectoryOptions,
  lockFileName,
  PackagesService,
  type Planner,
  type PullOptions,
  parseDownloadList,
  parseLockFile,
  plan,
  pull,
  pushBundle,
  verify,
} from "@tranship/core";

import { treeDifference, treeOf, unfinishedFaults } from "./bundle-judge.ts";
import { attempt, type FaultRun } from "./fault-run.ts";
import { judgeFailed } from "./judge-failed.ts";
import { calmPatience, ProxiedHome } from "./proxied-home.ts";
import { patienceFor, requireClosed, someChunkBytes, someFaults, sourceHome } from "./run-homes.ts";
import { everything, soakContent } from "./soak-content.ts";
import { isRightButFor, toldRefusals } from "./told-refusals.ts";

/** Pulls into a bundle, often over an older one or twice, and judges what is there after each. */
export async function pullRun(run: FaultRun): Promise<void> {
  await using source = await sourceHome(run, await soakContent(run.seed, run.layerBytes));
  const options = { chunkBytes: someChunkBytes(run) };
  const truth = await calmBundle(source, join(run.folder, "calm"), options);
  const folder = join(run.folder, "bundle");
  const before = run.chance(0.3) ? await olderBundle(run, source, folder) : {};
  const rounds = 1 + run.upTo(2);
  let isDone = false;
  for (let round = 1; round <= rounds && !isDone; round += 1) {
    const faults = someFaults(run, false);
    source.proxy.arm(faults);
    const abortAt = run.chance(0.15) ? source.proxy.requests + 1 + run.upTo(60) : undefined;
    const patience = patienceFor(run, faults);
    const ended = await attempt(
      async (signal) => {
        await using client = source.open(patience);
        return await pullAll(everything(client), folder, options, { signal });
      },
      {
        onStart: (abort) =>
          source.proxy.watch((count) => {
            if (count === abortAt) abort();
          }),
      },
    );
    const fired = { source: run.took(source.proxy) };
    run.trail.push(`round ${round}: ${[...fired.source.keys()].join(", ")}: ${ended.outcome}`);
    if (ended.outcome === "hang") return run.problem("hang", "a pull did not end");
    if (ended.outcome === "failed") {
      run.codes.push(codeOf(ended.error));
      judgeFailed(run, ended, fired, patience);
    }
    const isTold = ended.outcome === "done" && tellsRefusals(folder, join(run.folder, "calm"), fired.source);
    isDone = ended.outcome === "done" && !isTold; // what was refused is asked for again
    if (isDone) judgeFinished(run, folder, truth, "false success");
    else if (!isTold) run.problemsOf("bad remains", unfinishedFaults(folder, before, truth));
    await requireClosed(run, source);
  }
  source.proxy.disarm();
  if (!isDone) await finishPull(run, source, folder, options);
  judgeFinished(run, folder, truth, "loss");
}

/** Whether a finished bundle says that it is without something the source refused. */
function tellsRefusals(folder: string, calm: string, fired: ReadonlyMap<string, number>): boolean {
  const [own, truth] = [folder, calm].map((one) => parseLockFile(readFileSync(join(one, lockFileName), "utf8"), one));
  return own !== undefined && truth !== undefined && toldRefusals(own.missing, truth.missing, fired).length > 0;
}

/** Plans only: the plan is the right one, or there is none. */
export async function planFaultRun(run: FaultRun): Promise<void> {
  await using source = await sourceHome(run, await soakContent(run.seed, run.layerBytes));
  await using calm = source.open(calmPatience);
  const truth = await plan(everything(calm));
  for (let round = 1; round <= 3; round += 1) {
    const faults = someFaults(run, false);
    source.proxy.arm(faults);
    const patience = patienceFor(run, faults);
    const ended = await attempt(async (signal) => {
      await using client = source.open(patience);
      return await plan(everything(client), { signal });
    });
    const fired = { source: run.took(source.proxy) };
    run.trail.push(`round ${round}: ${[...fired.source.keys()].join(", ")}: ${ended.outcome}`);
    if (ended.outcome === "hang") return run.problem("hang", "a plan did not end");
    if (ended.outcome === "done") {
      const told = toldRefusals(ended.value.missing, truth.missing, fired.source);
      if (!isRightButFor(told, ended.value, truth)) run.problem("false success", "another plan");
    }
    if (ended.outcome !== "failed") continue;
    run.codes.push(codeOf(ended.error));
    judgeFailed(run, ended, fired, patience);
  }
  source.proxy.disarm();
  await using client = source.open(calmPatience);
  if (!isRightButFor([], await plan(everything(client)), truth)) run.problem("loss", "another plan afterwards");
}

/** Verifies a registry that is whole: nothing is found, or the verification fails; damage on the way may be found. */
export async function verifyRun(run: FaultRun): Promise<void> {
  await using source = await sourceHome(run, await soakContent(run.seed, run.layerBytes));
  const folder = join(run.folder, "calm");
  await calmBundle(source, folder, {});
  await using target = await ProxiedHome.empty({ isGuarded: run.chance(0.4), server: { maxPageSize: 3 } });
  {
    await using direct = target.openDirect();
    await using bundle = await Bundle.open(folder);
    await pushBundle(bundle, direct);
  }
  const list = parseDownloadList(readFileSync(join(folder, lockFileName), "utf8"), lockFileName);
  for (let round = 1; round <= 3; round += 1) {
    const faults = someFaults(run, false);
    target.proxy.arm(faults);
    const patience = patienceFor(run, faults);
    const ended = await attempt(async (signal) => {
      await using client = target.open(patience);
      return await verify(client, list, { signal });
    });
    const fired = { target: run.took(target.proxy) };
    run.trail.push(`round ${round}: ${[...fired.target.keys()].join(", ")}: ${ended.outcome}`);
    if (ended.outcome === "hang") return run.problem("hang", "a verification did not end");
    if (ended.outcome === "failed") {
      run.codes.push(codeOf(ended.error));
      judgeFailed(run, ended, fired, patience);
    }
    if (ended.outcome !== "done") continue;
    const wrong = ended.value.findings.filter(({ code }) => !code.endsWith("_CORRUPT"));
    run.problemsOf(
      "wrong class",
      wrong.map(({ code, message }) => `round ${round} found ${code}: ${message}`),
    );
  }
  target.proxy.disarm();
  await using client = target.open(calmPatience);
  const { findings } = await verify(client, list);
  run.problemsOf(
    "loss",
    findings.map(({ message }) => message),
  );
}

/** An undisturbed pull through the same proxy: what every other has to be equal to. */
export async function calmBundle(source: ProxiedHome, folder: string, options: BundleDirectoryOptions) {
  await using client = source.open(calmPatience);
  await pullAll(everything(client), folder, options);
  return treeOf(folder);
}

/** Some of the catalog, as it was mirrored once. */
async function olderBundle(run: FaultRun, source: ProxiedHome, folder: string) {
  await using client = source.open(calmPatience);
  const chunkBytes = run.chance(0.4) ? 30_000 : undefined;
  await pullAll([new PackagesService({ source: client })], folder, { chunkBytes });
  return treeOf(folder);
}

/** Repeats a pull without faults. */
export async function finishPull(
  run: FaultRun,
  source: ProxiedHome,
  folder: string,
  options: BundleDirectoryOptions,
): Promise<void> {
  await using client = source.open(calmPatience);
  const ended = await attempt((signal) => pullAll(everything(client), folder, options, { signal }));
  if (ended.outcome === "hang") run.problem("hang", "an undisturbed pull did not end");
  if (ended.outcome === "failed") run.problem("loss", `the same pull without faults fails: ${String(ended.error)}`);
}

/** Pulls into a folder. */
export async function pullAll(
  planners: readonly Planner[],
  folder: string,
  options: BundleDirectoryOptions,
  how: Pick<PullOptions, "signal" | "onEvent"> = {},
): Promise<void> {
  await using bundle = await BundleDirectory.open(folder, options);
  await pull(planners, { to: bundle, retryDelayMs: 1, ...how });
}

/** Holds a bundle that is said to be finished against the truth. */
export function judgeFinished(
  run: FaultRun,
  folder: string,
  truth: ReturnType<typeof treeOf>,
  kind: "false success" | "loss",
): void {
  const now = treeOf(folder);
  const wrong = treeDifference(truth, now);
  const extra = wrong.filter((name) => truth[name] === undefined);
  run.problemsOf("left over", extra);
  run.problemsOf(
    kind,
    wrong.filter((name) => !extra.includes(name)),
  );
}

/** The codes of an error, from the outside in. */
export function codeOf(error: unknown): string {
  const { code, details } = error as { readonly code?: unknown; readonly details?: { readonly code?: unknown } };
  return [code, details?.code].filter((one) => one !== undefined).join(" ");
}
