import { join } from "node:path";
import { Bundle, BundleDirectory, pull, pushBundle, sync } from "@tranship/core";
import type { MemoryRegistry, Registry, RegistryReader } from "@tranship/registry";
import { attempt, type FaultRun } from "./fault-run.ts";
import { judgeFailed } from "./judge-failed.ts";
import { calmPatience, ProxiedHome } from "./proxied-home.ts";
import { codeOf } from "./pull-runs.ts";
import { type Held, heldDifference, unfinishedTags } from "./registry-judge.ts";
import { heldBy, oursOptions, patienceFor, requireClosed, someFaults, sourceHome, targetHome } from "./run-homes.ts";
import { everything, soakContent } from "./soak-content.ts";
import { manifestDamage } from "./upload-faults.ts";

/** How a target is filled; `source` is absent where it is a bundle on disk. */
interface Filling {
  readonly source?: ProxiedHome;
  readonly target: ProxiedHome;
  readonly truth: Held;
  /** Fills a target by clients that are as patient as they are told. */
  readonly fill: (
    clients: { readonly source: RegistryReader | undefined; readonly target: Registry },
    signal: AbortSignal,
  ) => Promise<unknown>;
}

/** Pushes a bundle from disk. */
export async function pushRun(run: FaultRun): Promise<void> {
  const folder = join(run.folder, "calm");
  await pullFromMemory(await soakContent(run.seed, run.layerBytes), folder);
  await using bundle = await Bundle.open(folder);
  const options = oursOptions(run);
  const truth = await calmTarget(run, options, (target) => pushBundle(bundle, target));
  await using target = await targetHome(run, "target", options);
  await fillDisturbed(run, {
    target,
    truth,
    fill: ({ target: to }, signal) => pushBundle(bundle, to, { signal }),
  });
}

/** Copies from registry to registry; either of them may do wrong. */
export async function syncRun(run: FaultRun): Promise<void> {
  await using source = await sourceHome(run, await soakContent(run.seed, run.layerBytes));
  const options = oursOptions(run);
  const truth = await calmTarget(run, options, async (to) => {
    await using client = source.open(calmPatience);
    return await sync(everything(client), { to });
  });
  await using target = await targetHome(run, "target", options);
  await fillDisturbed(run, {
    source,
    target,
    truth,
    fill: ({ source: from, target: to }, signal) =>
      sync(everything(from as RegistryReader), { to, signal, retryDelayMs: 1 }),
  });
}

/** Reads a bundle that is served, and serves it well whatever its clients do. */
export async function serveRun(run: FaultRun): Promise<void> {
  const folder = join(run.folder, "calm");
  await pullFromMemory(await soakContent(run.seed, run.layerBytes), folder);
  await using bundle = await Bundle.open(folder);
  await using source = await ProxiedHome.ours(bundle, oursOptions(run));
  const options = oursOptions(run);
  const truth = await calmTarget(run, options, (target) => pushBundle(bundle, target));
  await using target = await targetHome(run, "target", options);
  await fillDisturbed(run, {
    source,
    target,
    truth,
    fill: ({ source: from, target: to }, signal) => pushBundle(from as RegistryReader, to, { signal }),
  });
}

async function fillDisturbed(run: FaultRun, { source, target, truth, fill }: Filling): Promise<void> {
  const rounds = 1 + run.upTo(2);
  let isDone = false;
  for (let round = 1; round <= rounds && !isDone; round += 1) {
    const [fromFaults, toFaults] = [source ? someFaults(run, false) : [], someFaults(run, true)];
    source?.proxy.arm(fromFaults);
    target.proxy.arm(toFaults);
    const patience = patienceFor(run, [...fromFaults, ...toFaults]);
    const abortAt = run.chance(0.15) ? target.proxy.requests + 1 + run.upTo(60) : undefined;
    const ended = await attempt(
      async (signal) => {
        await using from = source?.open(patience);
        await using to = target.open(patience);
        return await fill({ source: from, target: to }, signal);
      },
      {
        onStart: (abort) =>
          target.proxy.watch((count) => {
            if (count === abortAt) abort();
          }),
      },
    );
    const fired = { ...(source ? { source: run.took(source.proxy) } : {}), target: run.took(target.proxy) };
    const names = [...(fired.source?.keys() ?? []), "|", ...fired.target.keys()];
    run.trail.push(`round ${round}: ${names.join(", ")}: ${ended.outcome}`);
    if (ended.outcome === "hang") return run.problem("hang", "it did not end");
    if (ended.outcome === "failed") {
      run.codes.push(codeOf(ended.error));
      judgeFailed(run, ended, fired, patience);
    }
    isDone = ended.outcome === "done";
    const held = await heldBy(run, target);
    if (isDone) run.problemsOf("false success", heldDifference(truth, held));
    else run.problemsOf("bad remains", unfinishedTags(truth, held, run.fired.get(manifestDamage) ?? 0));
    for (const home of [target, ...(source ? [source] : [])]) await requireClosed(run, home);
  }
  source?.proxy.disarm();
  target.proxy.disarm();
  await using from = source?.open(calmPatience);
  await using to = target.open(calmPatience);
  const ended = await attempt((signal) => fill({ source: from, target: to }, signal));
  if (ended.outcome === "hang") run.problem("hang", "without faults it did not end");
  if (ended.outcome === "failed") run.problem("loss", `without faults it fails: ${String(ended.error)}`);
  run.problemsOf("loss", heldDifference(truth, await heldBy(run, target)));
}

/** What an undisturbed run leaves in a target of the same kind. */
export async function calmTarget(
  run: FaultRun,
  options: Parameters<typeof targetHome>[2],
  fill: (target: Registry) => Promise<unknown>,
): Promise<Held> {
  await using home = await targetHome(run, "calm", options);
  await using target = home.openDirect();
  await fill(target);
  return await heldBy(run, home);
}

/** A bundle of everything, without a network. */
export async function pullFromMemory(content: MemoryRegistry, folder: string): Promise<void> {
  await using bundle = await BundleDirectory.open(folder);
  await pull(everything(content), { to: bundle });
}
