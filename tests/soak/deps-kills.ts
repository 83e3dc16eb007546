import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { differing } from "../support/bundle-files.ts";
import { seededRandom } from "../support/random.ts";
import { type EndedRun, runToEnd, startTranship } from "../support/start-tranship.ts";
import { judgeCache, manifestVersions } from "./deps-judge.ts";
import { DepsSourceProcess } from "./deps-source-process.ts";
import type { DepsWorldOptions } from "./deps-world.ts";

/** Options of {@link depsKills}; the same ones kill at the same moments. */
export interface DepsKillOptions extends Omit<DepsWorldOptions, "folder"> {
  /** In each of two generations, besides those in the commit. */
  readonly kills: number;
  readonly log?: ((line: string) => void) | undefined;
}

/** What came of it; sizes in bytes. */
export interface DepsKillReport {
  /** Runs that were ended by a SIGKILL, by what they were at. */
  readonly kills: Readonly<Record<KillKind, number>>;
  readonly items: number;
  /** What the undisturbed downloads of both generations made the servers send. */
  readonly wholeBytes: number;
  /** Sent again over all kills, and after a single one at most, as a share of what its generation takes. */
  readonly againBytes: number;
  readonly mostAgain: number;
  /** What must not be; empty when all is well. */
  readonly faults: readonly string[];
}

/** What a run is at when it is killed: at a random byte, soon after its start, before a random step on disk, at its commit. */
export type KillKind = "transfer" | "start" | "step" | "commit";

/** More runs than a commit has steps. */
const maxCommitSteps = 60;

/**
 * Fills a cache twice, with one generation of manifests and then with the next, by a process that is killed again and
 * again and run anew, and reads all of the cache strictly after each kill. In the end it is held against one that nobody
 * disturbed, and nothing is asked for any more.
 */
export async function depsKills(options: DepsKillOptions): Promise<DepsKillReport> {
  const home = mkdtempSync(join(tmpdir(), "tranship-deps-kill-"));
  try {
    const folder = join(home, "local");
    await using source = await DepsSourceProcess.start({ ...options, folder });
    return await new KilledDownloads(options, source, home).run();
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}

class KilledDownloads {
  readonly #options: DepsKillOptions;
  readonly #source: DepsSourceProcess;
  readonly #home: string;
  readonly #random: () => number;
  readonly #kills: Record<KillKind, number> = { transfer: 0, start: 0, step: 0, commit: 0 };
  readonly #faults: string[] = [];
  #generation = 0;
  #wholeBytes = 0;
  #againBytes = 0;
  #mostAgain = 0;
  #items = 0;

  constructor(options: DepsKillOptions, source: DepsSourceProcess, home: string) {
    this.#options = options;
    this.#source = source;
    this.#home = home;
    this.#random = seededRandom(options.seed);
  }

  async run(): Promise<DepsKillReport> {
    for (const generation of [1, 2]) {
      this.#generation = generation;
      await this.#source.publish(generation);
      const whole = await this.#undisturbed();
      await this.#source.publish(generation);
      await this.#disturbed(whole);
      await this.#compare();
      await this.#askNothing();
    }
    return {
      kills: this.#kills,
      items: this.#items,
      wholeBytes: this.#wholeBytes,
      againBytes: this.#againBytes,
      mostAgain: this.#mostAgain,
      faults: this.#faults,
    };
  }

  async #undisturbed(): Promise<number> {
    const report = reportOf(await this.#finish("calm"));
    this.#items = Number(report.done) + Number(report.cached);
    const { bytes, againBytes } = await this.#source.count();
    if (againBytes > 0) this.#faults.push(`${againBytes} bytes were sent twice to a download that nobody disturbed`);
    this.#wholeBytes += bytes;
    this.#options.log?.(`generation ${this.#generation}: ${this.#items} items, ${bytes} bytes`);
    return bytes;
  }

  async #disturbed(whole: number): Promise<void> {
    const { kills } = this.#options;
    const moments = Array.from({ length: kills }, () => this.#random() * 0.95 * whole).sort((a, b) => a - b);
    let before = 0;
    await this.#source.withhold(true, this.#generation); // so that none of these is the last
    for (const moment of moments) {
      const kind = this.#kind();
      await this.#killed(kind, Math.round(moment));
      before = await this.#weigh(before, whole);
    }
    const { code } = await runToEnd([...this.#download("shaken"), "--keep-going"]);
    if (code !== 3) this.#faults.push(`without one file a download ended with ${code}`);
    await this.#source.withhold(false, this.#generation);
    before = await this.#weigh(before, whole);
    // Now that file and the commit, killed before each of their steps.
    for (let step = 1; await this.#killedInCommit(step); step += 1) before = await this.#weigh(before, whole);
  }

  #kind(): KillKind {
    const share = this.#random();
    return share < 0.65 ? "transfer" : share < 0.8 ? "start" : "step";
  }

  async #killed(kind: KillKind, moment: number): Promise<void> {
    const kill = kind === "step" ? { step: 1 + Math.floor(this.#random() * 50) } : undefined;
    const waitMs = this.#random() * 1000;
    const run = startTranship([...this.#download("shaken"), "--keep-going"], { kill });
    const struck = kind === "step" ? run.ended : kind === "start" ? delay(waitMs) : this.#source.reached(moment);
    await Promise.race([struck, run.ended]);
    run.child.kill("SIGKILL");
    const ended = await run.ended;
    const what = kill === undefined ? kind : `${kind} ${kill.step}`;
    this.#judge(kind, ended, kind === "start" ? `${what} ${Math.round(waitMs)} ms` : what);
  }

  /** Gives whether the run was killed. */
  async #killedInCommit(step: number): Promise<boolean> {
    if (step > maxCommitSteps) throw new Error(`a commit has more than ${maxCommitSteps} steps`);
    const ended = await runToEnd(this.#download("shaken"), { kill: { step } });
    this.#judge("commit", ended, `commit ${step}`);
    return ended.signal === "SIGKILL";
  }

  #judge(kind: KillKind, { signal, code, stderr }: EndedRun, what: string): void {
    if (signal === "SIGKILL") this.#kills[kind] += 1;
    else if (code !== 0 && (code !== 3 || kind === "commit"))
      this.#faults.push(`${what}: ended with ${code}: ${stderr.slice(-1000)}`);
    const home = join(this.#home, "shaken");
    const { faults } = judgeCache(home);
    const versions = new Set(manifestVersions(home));
    this.#faults.push(...faults.map((fault) => `after ${what}: ${fault}`));
    this.#options.log?.(
      `${what}: ${signal ?? `code ${code}`}; manifests ${[...versions].join()}; ${faults.length} faults`,
    );
  }

  async #weigh(before: number, whole: number): Promise<number> {
    const { againBytes } = await this.#source.count();
    const more = againBytes - before;
    this.#againBytes += more;
    this.#mostAgain = Math.max(this.#mostAgain, more / whole);
    if (more > 0.05 * whole) this.#faults.push(`${more} bytes of ${whole} were sent again after one kill`);
    return againBytes;
  }

  async #compare(): Promise<void> {
    const [calm, shaken] = [judgeCache(join(this.#home, "calm")), judgeCache(join(this.#home, "shaken"))];
    const lines = (of: readonly string[]) => Object.fromEntries(of.map((line) => [line, ""]));
    this.#faults.push(...differing(lines(calm.lines), lines(shaken.lines)).map((line) => `differs: ${line}`));
    this.#faults.push(...shaken.leftovers.map((path) => `left over: ${path}`));
    const { code, stderr } = await runToEnd([
      "deps",
      "verify",
      "--preset",
      "podplane",
      "--cache",
      this.#cache("shaken"),
      "--deep",
    ]);
    if (code !== 0) this.#faults.push(`verify ended with ${code}: ${stderr.slice(-1000)}`);
  }

  async #askNothing(): Promise<void> {
    const before = await this.#source.count();
    await this.#finish("shaken");
    const online = await this.#source.count();
    if (online.contentRequests !== before.contentRequests)
      this.#faults.push(`${online.contentRequests - before.contentRequests} requests for content that was there`);
    await this.#finish("shaken", "--offline");
    const { requests } = await this.#source.count();
    if (requests !== online.requests) this.#faults.push(`${requests - online.requests} requests while offline`);
  }

  async #finish(name: string, ...flags: readonly string[]): Promise<EndedRun> {
    const ended = await runToEnd([...this.#download(name), ...flags]);
    if (ended.code !== 0) throw new Error(`the download ended with ${ended.code}: ${ended.stderr.slice(-4000)}`);
    return ended;
  }

  #cache(name: string): string {
    return join(this.#home, name, "deps");
  }

  #download(name: string): readonly string[] {
    const preset = ["--preset", "podplane", "--arch", "amd64", "--base-url", this.#source.baseUrl];
    const templates = join(this.#home, "local", "templates.json");
    return ["deps", "download", ...preset, "--templates", templates, "--cache", this.#cache(name), "--json"];
  }
}

function reportOf({ stdout }: EndedRun): Readonly<Record<string, unknown>> {
  return JSON.parse(stdout.trim().split("\n").at(-1) ?? "") as Readonly<Record<string, unknown>>;
}
