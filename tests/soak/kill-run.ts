import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { differing, fileDigests } from "../support/bundle-files.ts";
import { seededRandom } from "../support/random.ts";
import { startTranship, type TranshipProcess } from "../support/start-tranship.ts";
import { SourceProcess } from "./source-process.ts";

/** What to do in one run; the same options kill at the same bytes. */
export interface KillRunOptions {
  /** What the source holds, about. */
  readonly bytes: number;
  readonly kills: number;
  readonly seed: number;
  /** How fast the source sends on one connection: slow enough that a kill hits a transfer. */
  readonly bytesPerSecond: number;
  readonly log?: (line: string) => void;
}

/** What a run came to; sizes in bytes. */
export interface KillReport {
  readonly kills: number;
  /** What an undisturbed pull made the source send. */
  readonly undisturbedBytes: number;
  /** What the killed and repeated pull made it send, all together. */
  readonly disturbedBytes: number;
  /** Files that differ from the undisturbed pull's, or are missing, or too many. */
  readonly differing: readonly string[];
  readonly files: number;
}

/** Connections of a pull: each may lose what was under way when it is killed. */
const connections = 8;

/**
 * Pulls once undisturbed, then once more with `kills` SIGKILLs at random moments, each followed by a re-run at once,
 * from the same source. Most kills come at a random byte of the transfer, some a random time after the start.
 */
export async function killRun({ bytes, kills, seed, bytesPerSecond, log }: KillRunOptions): Promise<KillReport> {
  const random = seededRandom(seed);
  await using source = await SourceProcess.start({ bytes, seed, bytesPerSecond });
  const folder = mkdtempSync(join(tmpdir(), "tranship-kill-"));
  try {
    const [calm, shaken] = [join(folder, "calm"), join(folder, "shaken")];
    await finish(startPull(calm, source));
    const { bytes: undisturbedBytes } = await source.count();
    log?.(`undisturbed pull: ${undisturbedBytes} bytes sent`);
    const moments = Array.from({ length: kills }, () => random() * 0.95 * undisturbedBytes).sort((a, b) => a - b);
    for (const [index, moment] of moments.entries()) {
      const pull = startPull(shaken, source);
      const isEarly = random() < 0.25;
      await (isEarly ? delay(random() * 600) : source.reached("bytes", undisturbedBytes + Math.round(moment)));
      await kill(pull);
      const sent = (await source.count()).bytes - undisturbedBytes;
      log?.(`kill ${index + 1} of ${kills}${isEarly ? " (soon after the start)" : ""}: ${sent} bytes sent so far`);
    }
    await finish(startPull(shaken, source));
    const disturbedBytes = (await source.count()).bytes - undisturbedBytes;
    const expected = await fileDigests(calm);
    return {
      kills,
      undisturbedBytes,
      disturbedBytes,
      differing: differing(expected, await fileDigests(shaken)),
      files: Object.keys(expected).length,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** What the source is made of, about. */
const layers = 24;

/** Layers of so many bytes are written past the kernel's cache: 1 MiB for each connection may be in memory when it ends. */
const gatheredLayerBytes = 16 * 1024 * 1024;

/** The most that a pull killed so often may make the source send, in bytes. */
export function allowedBytes({ undisturbedBytes, kills }: Pick<KillReport, "undisturbedBytes" | "kills">): number {
  const isGathered = undisturbedBytes / layers >= gatheredLayerBytes;
  return undisturbedBytes * 1.01 + kills * connections * (isGathered ? 2 : 1) * 1024 * 1024;
}

function startPull(folder: string, { place }: SourceProcess): TranshipProcess {
  return startTranship(["pull", folder, "--source", place]);
}

/** Waits for a run that nobody kills. @throws Error when it fails */
export async function finish({ ended }: TranshipProcess): Promise<void> {
  const { code, stderr } = await ended;
  if (code !== 0) throw new Error(`the pull ended with ${code}: ${stderr.slice(-4000)}`);
}

/** Ends a pull without warning. @throws Error when it has ended by itself: the source is too fast for this test */
export async function kill({ child, ended }: TranshipProcess): Promise<void> {
  child.kill("SIGKILL");
  const { code, signal, stderr } = await ended;
  if (signal !== "SIGKILL") throw new Error(`the pull ended before it was killed, with ${code}: ${stderr.slice(-500)}`);
}
