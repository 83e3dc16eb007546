import { mkdirSync, readdirSync, rmSync, statfsSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { isMirrorError, type MirrorEvent } from "@tranship/core";
import { mountDisk, resizeDisk, unmountDisk } from "../../support/small-disk.ts";
import { unfinishedFaults } from "./bundle-judge.ts";
import { attempt, type FaultRun } from "./fault-run.ts";
import { judgeFailed } from "./judge-failed.ts";
import { calmBundle, codeOf, finishPull, judgeFinished, pullAll } from "./pull-runs.ts";
import { patienceFor, someChunkBytes, someFaults, sourceHome } from "./run-homes.ts";
import { everything, soakContent } from "./soak-content.ts";

/** Room for everything but large layers, in bytes: no catalog is larger. */
const smallBytes = 64 * 1024 * 1024;

/** Repositories and archives with one large layer, at most. */
const mostCopies = 24;

/** When somebody else fills the disk. */
const moments: readonly MirrorEvent["type"][] = [
  "section.planned",
  "blob.started",
  "blob.finished",
  "archive.finished",
];

/** Pulls onto a disk that is too small, or that somebody else fills up, often while the source does wrong too. */
export async function diskRun(run: FaultRun): Promise<void> {
  await using source = await sourceHome(run, await soakContent(run.seed, run.layerBytes));
  const options = { chunkBytes: someChunkBytes(run) };
  const calm = join(run.folder, "calm");
  const truth = await calmBundle(source, calm, options);
  const disk = join(run.folder, "disk");
  const folder = join(disk, "bundle");
  mkdirSync(disk);
  const ampleBytes = smallBytes + mostCopies * (run.layerBytes ?? 0);
  const isFilled = run.chance(0.5);
  mountDisk(disk, isFilled ? ampleBytes : 4096 * (1 + run.upTo(Math.ceil(bytesOf(calm) / 4096))));
  try {
    const faults = run.chance(0.4) ? someFaults(run, false) : [];
    source.proxy.arm(faults);
    const filler = join(disk, "filler");
    const moment = moments[run.upTo(moments.length - 1)];
    let left = run.upTo(2);
    const onEvent = ({ type }: MirrorEvent) => {
      if (!isFilled || type !== moment || left-- !== 0) return;
      const { bavail, bsize } = statfsSync(disk);
      writeFileSync(filler, new Uint8Array(Math.max(0, bavail - run.upTo(20)) * bsize));
    };
    const patience = patienceFor(run, faults);
    const ended = await attempt(async (signal) => {
      await using client = source.open(patience);
      await pullAll(everything(client), folder, options, { signal, onEvent });
    });
    const fired = { source: run.took(source.proxy) };
    run.trail.push(`${isFilled ? `filled at ${moment}` : "small"}: ${ended.outcome}`);
    if (ended.outcome === "hang") return run.problem("hang", "a pull onto a full disk did not end");
    if (ended.outcome === "failed") {
      run.codes.push(codeOf(ended.error));
      if (isMirrorError(ended.error, "NO_SPACE")) run.fired.set("full disk", 1);
      else judgeFailed(run, ended, fired, patience);
    }
    if (ended.outcome === "done") judgeFinished(run, folder, truth, "false success");
    else run.problemsOf("bad remains", unfinishedFaults(folder, {}, truth));
    rmSync(filler, { force: true });
    resizeDisk(disk, ampleBytes);
    source.proxy.disarm();
    await finishPull(run, source, folder, options);
    judgeFinished(run, folder, truth, "loss");
  } finally {
    unmountDisk(disk);
  }
}

function bytesOf(folder: string): number {
  return readdirSync(folder).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
}
