import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { seededRandom } from "../support/random.ts";
import { type EndedRun, runToEnd, startTranship } from "../support/start-tranship.ts";
import { judgeCache } from "./deps-judge.ts";
import { DepsSourceProcess } from "./deps-source-process.ts";

/** Options of {@link depsTogether}. */
export interface DepsTogetherOptions {
  readonly rounds: number;
  readonly seed: number;
  readonly log?: ((line: string) => void) | undefined;
}

/** What came of it. */
export interface DepsTogetherReport {
  /** How often each was done. */
  readonly rounds: Readonly<Record<string, number>>;
  /** Runs that were told that the cache is in other hands. */
  readonly refused: number;
  readonly faults: readonly string[];
}

/** A few items of every sort. */
const world = {
  files: 40,
  images: 12,
  charts: 3,
  seeds: 2,
  localCharts: 1,
  maxFileBytes: 512 * 1024,
  gitBytes: 50_000,
  bytesPerSecond: 2_000_000,
} as const;

/** What is done to a cache that is being filled. */
const stories = [
  "download",
  "download, one killed",
  "shared store",
  "shared store, one killed",
  "no wait",
  "prune",
  "verify",
] as const;

/**
 * Lets several processes at one cache, or at two caches that share an image store: they wait for each other or are told
 * so, and in the end all is there.
 */
export async function depsTogether({ rounds, seed, log }: DepsTogetherOptions): Promise<DepsTogetherReport> {
  const random = seededRandom(seed);
  const home = mkdtempSync(join(tmpdir(), "tranship-deps-together-"));
  const done: Record<string, number> = {};
  const faults: string[] = [];
  let refused = 0;
  try {
    await using source = await DepsSourceProcess.start({ ...world, seed, folder: join(home, "local") });
    const preset = ["--preset", "podplane", "--arch", "amd64"];
    const download = (cache: string) => {
      const manifests = ["--base-url", source.baseUrl, "--templates", join(home, "local", "templates.json")];
      return ["deps", "download", ...preset, ...manifests, "--cache", cache, "--json"];
    };
    for (let round = 0; round < rounds; round += 1) {
      await source.publish(1 + (round % 2));
      const story = stories[round % stories.length] ?? "download";
      const place = join(home, `${round}`);
      const caches = [join(place, "one", "deps"), join(place, "two", "deps")] as const;
      mkdirSync(join(place, "one", "registry"), { recursive: true });
      mkdirSync(join(place, "two"), { recursive: true });
      symlinkSync("../one/registry", join(place, "two", "registry"));
      const second = story.startsWith("shared") ? caches[1] : caches[0];
      const waitMs = random() * 1500;
      if (story === "prune" || story === "verify") {
        await runToEnd(download(caches[0])); // so that there is something to keep, and something else to fetch
        await source.publish(2 - (round % 2));
      }
      const first = startTranship(download(caches[0]));
      await delay(waitMs);
      const bad = (what: string, { code, signal, stdout, stderr }: EndedRun) =>
        faults.push(
          `${story}, ${Math.round(waitMs)} ms: ${what} ended with ${signal ?? code}: ${stderr.slice(-500)}${stdout.slice(-500)}`,
        );
      const beside = startTranship(besideOf(story, download(second), ["--cache", second, "--json"]));
      if (story.endsWith("one killed")) {
        await delay(random() * 1500);
        (random() < 0.5 ? first : beside).child.kill("SIGKILL");
      }
      const [one, other] = await Promise.all([first.ended, beside.ended]);
      for (const ended of [one, other]) {
        if (ended.code === 0 || (story.endsWith("killed") && ended.signal === "SIGKILL")) continue;
        const isTold = ["CACHE_LOCKED", "NOT_CACHED"].includes(codeOf(ended));
        if (ended === other && isTold && ["no wait", "prune", "verify"].includes(story)) refused += 1;
        else if (!(ended === other && story === "verify" && ended.code === 3))
          bad(ended === one ? "the first" : "the second", ended);
      }
      for (const home of ["one", "two"])
        faults.push(...judgeCache(join(place, home)).faults.map((fault) => `${story}: ${fault}`));
      for (const cache of new Set([caches[0], second])) {
        const again = await runToEnd(download(cache));
        if (again.code !== 0) bad("the next download", again);
        const verified = await runToEnd(["deps", "verify", ...preset, "--deep", "--cache", cache, "--json"]);
        if (verified.code !== 0) bad("verify", verified);
      }
      const { faults: more, leftovers } = judgeCache(join(place, "one"));
      faults.push(...more, ...leftovers.map((path) => `${story}: left over: ${path}`));
      log?.(`${story}, ${Math.round(waitMs)} ms: ${faults.length} faults so far`);
      done[story] = (done[story] ?? 0) + 1;
      rmSync(place, { recursive: true, force: true });
    }
    return { rounds: done, refused, faults };
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

function besideOf(
  story: (typeof stories)[number],
  download: readonly string[],
  cache: readonly string[],
): readonly string[] {
  if (story === "no wait") return [...download, "--no-wait"];
  if (story === "prune") return ["deps", "prune", "--preset", "podplane", "--yes", ...cache];
  if (story === "verify") return ["deps", "verify", "--preset", "podplane", ...cache];
  return download;
}

/** What a run failed with, as its last line tells. */
function codeOf({ stdout }: EndedRun): string {
  const line = stdout.trim().split("\n").at(-1) ?? "";
  try {
    return String((JSON.parse(line) as { readonly code?: unknown }).code);
  } catch {
    return "";
  }
}
