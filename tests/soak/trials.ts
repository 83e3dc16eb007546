import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { differing, fileDigests } from "../support/bundle-files.ts";
import { seededRandom } from "../support/random.ts";
import { startTranship } from "../support/start-tranship.ts";
import { allowedBytes, finish, kill } from "./kill-run.ts";
import { SourceProcess } from "./source-process.ts";

/** When a trial's kill strikes. */
export type Moment =
  /** After so many requests, before the first blob has come. */
  | { readonly kind: "planning"; readonly requests: number }
  /** After so many bytes, in the middle of blobs. */
  | { readonly kind: "transfer"; readonly bytes: number }
  /** When so many archives are finished and others are not. */
  | { readonly kind: "between archives"; readonly archives: number }
  /** Right before a file is flushed, renamed or removed. */
  | { readonly kind: "publication"; readonly step: number };

/** Options of {@link killTrials}; the same ones kill at the same moments. */
export interface TrialsOptions {
  readonly trials: number;
  /** What the source holds, about. */
  readonly bytes: number;
  readonly seed: number;
  /** How fast the source sends on one connection: slower than a pull can take it, or much waits in between unread. */
  readonly bytesPerSecond: number;
  /** Every second trial writes archives in chunks of so many bytes. */
  readonly chunkBytes?: number | undefined;
  readonly log?: ((line: string) => void) | undefined;
}

/** What became of one trial; sizes in bytes. */
export interface Trial {
  readonly moment: Moment;
  readonly isChunked: boolean;
  /** Bytes sent again: beyond what an undisturbed pull made the source send. */
  readonly againBytes: number;
  /** What {@link againBytes} may come to. */
  readonly allowedAgainBytes: number;
  readonly differing: readonly string[];
}

/** An undisturbed pull, to hold others against. */
interface Calm {
  readonly chunkBytes: number | undefined;
  readonly digests: Readonly<Record<string, string>>;
  readonly bytes: number;
  readonly steps: number;
}

const archives = 7; // of the source: six packages and their release metadata
const planningRequests = 40; // about what the first items are asked with

/**
 * Kills `trials` pulls, each into a folder of its own, once, and runs each again: its files must be those of a pull that
 * nobody killed, and the source must have sent little twice.
 */
export async function killTrials(options: TrialsOptions): Promise<readonly Trial[]> {
  const { trials, bytes, seed, bytesPerSecond, chunkBytes, log } = options;
  const random = seededRandom(seed);
  const root = mkdtempSync(join(tmpdir(), "tranship-trials-"));
  try {
    await using source = await SourceProcess.start({ bytes, seed, bytesPerSecond });
    const calms = [await calmPull(source, join(root, "calm"), undefined)];
    if (chunkBytes !== undefined) calms.push(await calmPull(source, join(root, "calm-chunked"), chunkBytes));
    const done: Trial[] = [];
    for (let index = 0; index < trials; index += 1) {
      const calm = calms[index % calms.length];
      if (!calm) throw new Error("no pull to hold trials against");
      const startedMs = performance.now();
      const trial = await killOnce(source, join(root, String(index)), calm, momentOf(random, index, options, calm));
      const seconds = ((performance.now() - startedMs) / 1000).toFixed(1);
      log?.(`trial ${index + 1} of ${trials}: ${JSON.stringify(trial)}, ${seconds} s`);
      done.push(trial);
    }
    return done;
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

/** Whether a trial lost nothing and had little sent twice. */
export function isGood({ differing: files, againBytes, allowedAgainBytes }: Trial): boolean {
  return files.length === 0 && againBytes <= allowedAgainBytes;
}

async function calmPull(source: SourceProcess, folder: string, chunkBytes: number | undefined): Promise<Calm> {
  const stepsFile = `${folder}.steps`;
  const before = await source.count();
  await finish(startTranship(pullArguments(folder, source, chunkBytes), { stepsFile }));
  const after = await source.count();
  const digests = await fileDigests(folder);
  rmSync(folder, { recursive: true });
  const steps = Number(readFileSync(stepsFile, "utf8"));
  return { chunkBytes, digests, bytes: after.bytes - before.bytes, steps };
}

/** Seven of ten strike the transfer, spread over all of it; one each the planning, a pause, and a publication. */
function momentOf(
  random: () => number,
  index: number,
  { trials, chunkBytes }: TrialsOptions,
  { bytes, steps }: Calm,
): Moment {
  const upTo = (most: number) => 1 + Math.floor(random() * most);
  const kind = Math.floor(index / (chunkBytes === undefined ? 1 : 2)) % 10; // chunked or not: the same kinds
  if (kind === 1) return { kind: "publication", step: upTo(steps) };
  if (kind === 2) return { kind: "between archives", archives: upTo(archives - 1) };
  if (kind === 5) return { kind: "planning", requests: upTo(planningRequests) };
  return { kind: "transfer", bytes: Math.floor(((index + random()) / trials) * 0.99 * bytes) };
}

async function killOnce(source: SourceProcess, folder: string, calm: Calm, wanted: Moment): Promise<Trial> {
  let moment = wanted;
  let before = await source.count();
  const args = pullArguments(folder, source, calm.chunkBytes);
  if (moment.kind === "publication") {
    for (;;) {
      const { signal, code, stderr } = await startTranship(args, { kill: { step: moment.step } }).ended;
      if (signal === "SIGKILL") break;
      if (code !== 0) throw new Error(`the pull was not killed at its step ${moment.step}: ${stderr}`);
      rmSync(folder, { recursive: true }); // how often a large file goes to the device meanwhile depends on the time it takes
      moment = { kind: "publication", step: Math.max(1, Math.floor(moment.step * 0.9)) };
      before = await source.count();
    }
  } else {
    const heard = Promise.withResolvers<void>();
    let left = moment.kind === "between archives" ? moment.archives : 0;
    const pull = startTranship(args, {
      onStdout(text) {
        left -= text.split('"type":"archive.finished"').length - 1; // a pipe hands over whole lines, up to 64 KiB
        if (left <= 0) heard.resolve();
      },
    });
    if (moment.kind === "planning") await source.reached("requests", before.requests + moment.requests);
    else if (moment.kind === "transfer") await source.reached("bytes", before.bytes + moment.bytes);
    else await heard.promise;
    await kill(pull);
  }
  await finish(startTranship(args));
  const sent = (await source.count()).bytes - before.bytes;
  const files = differing(calm.digests, await fileDigests(folder));
  rmSync(folder, { recursive: true });
  return {
    moment,
    isChunked: calm.chunkBytes !== undefined,
    againBytes: sent - calm.bytes,
    allowedAgainBytes: allowedBytes({ undisturbedBytes: calm.bytes, kills: 1 }) - calm.bytes,
    differing: files,
  };
}

function pullArguments(folder: string, { place }: SourceProcess, chunkBytes: number | undefined): readonly string[] {
  const chunks = chunkBytes === undefined ? [] : ["--chunk-size", String(chunkBytes)];
  return ["pull", folder, "--source", place, "--json", ...chunks];
}
