import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { cpus, release, tmpdir, totalmem } from "node:os";
import { basename, join } from "node:path";
import { createRegistry } from "@tranship/registry";
import { startDockerRegistry } from "../../support/docker-registry.ts";
import { lacking } from "../../support/tools.ts";
import { type BenchCase, entrantsOf } from "./cases.ts";
import { type Corpus, pushCorpus } from "./corpus.ts";
import { command, type Entrant, type Place } from "./entrant.ts";
import type { CaseFigures, EntrantFigures } from "./figures.ts";
import { type Measured, measured } from "./measured.ts";
import type { FoundPeers } from "./peer-programs.ts";
import { startTlsFront } from "./tls-front.ts";

/** Options of {@link runCase}. */
export interface RunCaseOptions {
  readonly rounds: number;
  /** Below 1, layers are smaller. */
  readonly scale: number;
  /** Only entrants whose names match. */
  readonly only: RegExp;
  readonly peers: FoundPeers;
  /** Where the entry of our program lies. */
  readonly program: string;
  /** Whether a turn begins with nothing left to write to the disk. @defaultValue true */
  readonly sync?: boolean;
  /** Is told of every turn, in words. */
  onTurn?(line: string): void;
}

type Growing = EntrantFigures & { readonly rounds: Measured[]; first?: Measured[] };

/**
 * Has everybody do the same, in turns, so that a slow spell of the machine hits all; each round begins with another one.
 * Every turn begins with an empty folder, an empty target, what it reads in the page cache and nothing left to write;
 * after it, it is looked at whether all of the corpus arrived. A peer that fails leaves, and is told of.
 * @throws Error when our own program fails
 */
export async function runCase(bench: BenchCase, options: RunCaseOptions): Promise<CaseFigures> {
  const { rounds, scale, only, peers, program, sync = true, onTurn } = options;
  const absent = lacking("docker-registry", "curl", "bash", "time");
  if (absent.length > 0) throw new Error(`this needs ${absent.join(", ")}`);
  const folder = mkdtempSync(join(tmpdir(), "tranship-peers-"));
  try {
    await using registry = await startDockerRegistry();
    const corpus = await pushCorpus(bench.corpus, registry.host, scale);
    await using front = bench.isTls ? await startTlsFront(registry.directory, folder) : undefined;
    const source = { program, corpus, source: front?.host ?? registry.host, ...(front && { caFile: front.caFile }) };
    const missing = [...peers.missing];
    const settle = async (kept: readonly string[]) => {
      const files = command("find", registry.directory, ...kept, "-type", "f", "-exec", "cat", "{}", "+");
      await measured(`${files} >/dev/null\n${sync ? "sync" : ""}`);
    };
    const entrants = entrantsOf(bench, peers.programs).filter(({ name }) => only.test(name));
    const figures = new Map(entrants.map((entrant) => [entrant, emptyFigures(entrant)]));
    for (let round = 0; round < rounds; round += 1) {
      for (const entrant of rotated(entrants, round)) {
        const own = figures.get(entrant);
        if (own === undefined) continue; // it failed before
        const kept = join(folder, `kept-${entrants.indexOf(entrant)}`);
        try {
          const place = { ...source, out: join(folder, "out"), kept };
          await takeTurn({ bench, entrant, place, figures: own, settle });
        } catch (error) {
          if (entrant.kind === "own") throw error;
          figures.delete(entrant);
          missing.push(`${entrant.name} failed: ${reasonOf(error)}`);
        }
        const wallS = own.rounds.at(-1)?.wallS.toFixed(2) ?? "failed";
        onTurn?.(`${bench.name} ${round + 1}/${rounds} ${entrant.name}: ${wallS} s`);
      }
    }
    return { ...describeRun(bench, options, corpus), entrants: [...figures.values()], missing };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

interface Turn {
  readonly bench: BenchCase;
  readonly entrant: Entrant;
  readonly place: Place;
  readonly figures: Growing;
  /** Brings what the source has, and what lies in these folders, into the page cache, and what is not written yet onto the disk. */
  settle(kept: readonly string[]): Promise<void>;
}

async function takeTurn({ bench, entrant, place, figures, settle }: Turn): Promise<void> {
  rmSync(place.out, { recursive: true, force: true });
  mkdirSync(place.out);
  await using target = bench.kind === "pull" ? undefined : await startDockerRegistry();
  const full: Place = { ...place, ...(target && { target: target.host }) };
  if (entrant.prepare && mkdirSync(place.kept, { recursive: true }) !== undefined)
    await measured(entrant.prepare(full));
  const once = async (into: Measured[]) => {
    const script = entrant.script(full);
    await settle(entrant.prepare ? [place.kept] : []);
    into.push(await measured(script));
    await check(bench, full, figures);
  };
  if (bench.isRepeated) {
    figures.first ??= [];
    await once(figures.first);
  }
  await once(figures.rounds);
}

/** Makes sure that everything arrived. @throws Error when it did not */
async function check({ kind }: BenchCase, { corpus, out, target }: Place, figures: EntrantFigures): Promise<void> {
  if (kind === "pull") {
    const wanted = sizeOf(corpus);
    figures.leftBytes = bytesIn(out);
    if (figures.leftBytes < wanted) throw new Error(`${figures.leftBytes} bytes arrived of ${wanted}`);
    const names = namesIn(out);
    const lost = [...corpus.blobs.keys()].find((digest) => !names.has(digest.slice("sha256:".length)));
    if (lost !== undefined) throw new Error(`${lost} did not arrive`);
    return;
  }
  await using registry = createRegistry(target ?? "");
  for (const [image, digest] of corpus.images) {
    const [repository = "", tag = ""] = image.split(":");
    const found = await registry.repository(repository).resolve(tag);
    if (found?.digest !== digest)
      throw new Error(`${image} is ${found?.digest ?? "missing"} at the target, not ${digest}`);
  }
}

function describeRun(bench: BenchCase, { rounds, scale }: RunCaseOptions, corpus: Corpus) {
  return {
    case: bench.name,
    date: new Date().toISOString().slice(0, 10),
    command: `npx -y pnpm@10 bench peers ${bench.name} --rounds ${rounds}${scale === 1 ? "" : ` --scale ${scale}`} --write`,
    machine: {
      cores: cpus().length,
      processor: cpus()[0]?.model ?? "unknown",
      memoryBytes: totalmem(),
      kernel: `Linux ${release().replace(/^(\d+\.\d+).*/, "$1")}`,
      node: process.version,
      registry: `docker-registry ${registryVersion()}`,
    },
    corpus: {
      name: corpus.name,
      title: corpus.title,
      images: corpus.images.size,
      blobs: corpus.blobs.size,
      bytes: sizeOf(corpus),
    },
    scale,
  };
}

function registryVersion(): string {
  const said = execFileSync("docker-registry", ["--version"], { encoding: "utf8" });
  return /\d+\.\d+\S*/.exec(said)?.[0] ?? "of an unknown version";
}

function emptyFigures({ name, kind, makes }: Entrant): Growing {
  return { name, kind, makes, rounds: [] };
}

function rotated<Item>(items: readonly Item[], by: number): readonly Item[] {
  const at = by % Math.max(1, items.length);
  return [...items.slice(at), ...items.slice(0, at)];
}

function sizeOf({ blobs }: Corpus): number {
  return [...blobs.values()].reduce((sum, { size }) => sum + size, 0);
}

function bytesIn(folder: string): number {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files.reduce((sum, file) => sum + statSync(join(file.parentPath, file.name)).size, 0);
}

/** The last part of every file's name, and of those in archives. */
function namesIn(folder: string): ReadonlySet<string> {
  const paths = readdirSync(folder, { recursive: true, encoding: "utf8" });
  const archived = paths
    .filter((path) => path.endsWith(".tar"))
    .flatMap((path) =>
      execFileSync("tar", ["-tf", join(folder, path)], { encoding: "utf8", maxBuffer: 1 << 26 }).split("\n"),
    );
  return new Set([...paths, ...archived].map((path) => basename(path)));
}

/** The last of what a failed script said. */
function reasonOf(error: unknown): string {
  const { stderr = "", message = String(error) } = error as { stderr?: string; message?: string };
  return (stderr.trim().split("\n").at(-1) || message.split("\n")[0] || "no reason given").slice(0, 300);
}
