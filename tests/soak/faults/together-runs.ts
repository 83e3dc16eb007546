import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Bundle, isMirrorError, pushBundle } from "@tranship/core";
import { isRegistryError } from "@tranship/registry";
import { unfinishedFaults } from "./bundle-judge.ts";
import { attempt, type FaultRun } from "./fault-run.ts";
import { judgeFailed } from "./judge-failed.ts";
import { calmPatience } from "./proxied-home.ts";
import { calmBundle, codeOf, finishPull, judgeFinished, pullAll } from "./pull-runs.ts";
import { calmTarget, pullFromMemory } from "./push-runs.ts";
import { heldDifference, unfinishedTags } from "./registry-judge.ts";
import { heldBy, oursOptions, patienceFor, someFaults, sourceHome, targetHome } from "./run-homes.ts";
import { everything, soakContent } from "./soak-content.ts";
import { manifestDamage } from "./upload-faults.ts";

/** Several pulls into one folder at once: one of them works, the others are told so or come when it is over. */
export async function togetherPullRun(run: FaultRun): Promise<void> {
  await using source = await sourceHome(run, await soakContent(run.seed, run.layerBytes));
  const truth = await calmBundle(source, join(run.folder, "calm"), {});
  const folder = join(run.folder, "bundle");
  const faults = run.chance(0.5) ? someFaults(run, false) : [];
  source.proxy.arm(faults);
  const patience = patienceFor(run, faults);
  const pauses = Array.from({ length: 2 + run.upTo(2) }, () => run.upTo(60));
  const all = await Promise.all(
    pauses.map(async (pauseMs) => {
      await delay(pauseMs);
      return await attempt(async (signal) => {
        await using client = source.open(patience);
        await pullAll(everything(client), folder, {}, { signal });
      });
    }),
  );
  const fired = { source: run.took(source.proxy) };
  run.trail.push(all.map(({ outcome }) => outcome).join(", "));
  for (const ended of all) {
    if (ended.outcome === "hang") return run.problem("hang", "one of several pulls did not end");
    if (ended.outcome !== "failed") continue;
    run.codes.push(codeOf(ended.error));
    if (!isMirrorError(ended.error, "BUNDLE_LOCKED")) judgeFailed(run, ended, fired, patience);
  }
  const locked = all.filter((ended) => ended.outcome === "failed" && isMirrorError(ended.error, "BUNDLE_LOCKED"));
  if (locked.length === all.length) run.problem("wrong class", "all of them were told that another one is at work");
  if (all.some(({ outcome }) => outcome === "done")) judgeFinished(run, folder, truth, "false success");
  else run.problemsOf("bad remains", unfinishedFaults(folder, {}, truth));
  source.proxy.disarm();
  await finishPull(run, source, folder, {});
  judgeFinished(run, folder, truth, "loss");
}

/** The same bundle pushed to one place by two at once. */
export async function togetherPushRun(run: FaultRun): Promise<void> {
  const folder = join(run.folder, "calm");
  await pullFromMemory(await soakContent(run.seed, run.layerBytes), folder);
  await using bundle = await Bundle.open(folder);
  const options = oursOptions(run);
  const truth = await calmTarget(run, options, (target) => pushBundle(bundle, target));
  await using target = await targetHome(run, "target", options);
  const faults = run.chance(0.5) ? someFaults(run, true) : [];
  target.proxy.arm(faults);
  const patience = patienceFor(run, faults);
  const pauses = [0, run.upTo(100)];
  const all = await Promise.all(
    pauses.map(async (pauseMs) => {
      await delay(pauseMs);
      return await attempt(async (signal) => {
        await using own = await Bundle.open(folder);
        await using to = target.open(patience);
        return await pushBundle(own, to, { signal });
      });
    }),
  );
  const fired = { target: run.took(target.proxy) };
  run.trail.push(all.map(({ outcome }) => outcome).join(", "));
  for (const ended of all) {
    if (ended.outcome === "hang") return run.problem("hang", "one of two pushes did not end");
    if (ended.outcome !== "failed") continue;
    run.codes.push(codeOf(ended.error));
    if (!run.docker || !isRaceOfWriters(ended.error)) judgeFailed(run, ended, fired, patience);
  }
  const held = await heldBy(run, target);
  if (all.every(({ outcome }) => outcome === "done")) run.problemsOf("false success", heldDifference(truth, held));
  else run.problemsOf("bad remains", unfinishedTags(truth, held, run.fired.get(manifestDamage) ?? 0));
  target.proxy.disarm();
  await using to = target.open(calmPatience);
  await pushBundle(bundle, to);
  run.problemsOf("loss", heldDifference(truth, await heldBy(run, target)));
}

/**
 * `docker-registry` writes the links of a repository's blobs and manifests in place: one who puts a manifest while another
 * puts the same may be told that what it refers to has no valid digest.
 */
function isRaceOfWriters(error: unknown): boolean {
  if (!isMirrorError(error, "TRANSFER_FAILED")) return false;
  const { cause } = error;
  if (!isRegistryError(cause, "UNEXPECTED_STATUS") || cause.details.status !== 400) return false;
  return cause.details.errors?.some(({ code }) => code === "DIGEST_INVALID") ?? false;
}
