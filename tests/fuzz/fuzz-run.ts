import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type FuzzBundle, fuzzCorpus } from "./corpus.ts";
import { judge, type Verdict } from "./judge.ts";
import { judgeArchive, judgePart, requireAsGnuTar } from "./judge-parts.ts";
import { type MutatedBundle, mutateBundle } from "./mutate-bundle.ts";
import { Choice } from "./random-choice.ts";

/** Options of {@link fuzzRun}. */
export interface FuzzOptions {
  readonly runs: number;
  /** Of the first mutation; the next one has the next. */
  readonly seed: number;
  /** Of how many mutations one goes through files, all readers and a push. Changes of whole files all do. */
  readonly wholeEvery: number;
  /** Of how many accepted archives one is shown to GNU tar. */
  readonly gnuTarEvery: number;
  /** Told of every fault; without it the first is thrown. */
  readonly onFault?: ((message: string) => void) | undefined;
  readonly onRun?: ((run: number) => void) | undefined;
}

/** What a run saw. */
export interface FuzzReport {
  readonly runs: number;
  /** Parts judged in memory: taken and refused. */
  readonly parts: { readonly accepted: number; readonly refused: number };
  /** Bundles on disk. */
  readonly bundles: Readonly<Record<Verdict, number>>;
  readonly shownToGnuTar: number;
  readonly faults: number;
  /** The slowest mutation, in milliseconds, and its seed. */
  readonly slowest: { readonly ms: number; readonly seed: number };
}

/** Mutates valid bundles and lets the readers of bundles at them. @throws Error for the first fault, unless `onFault` is given */
export async function fuzzRun(options: FuzzOptions): Promise<FuzzReport> {
  const folder = mkdtempSync(join(tmpdir(), "tranship-fuzz-"));
  try {
    const run = new FuzzRun(await fuzzCorpus(), folder, options);
    for (let at = 0; at < options.runs; at += 1) {
      await run.one(options.seed + at);
      options.onRun?.(at + 1);
    }
    return run.report();
  } finally {
    rmSync(folder, { recursive: true });
  }
}

class FuzzRun {
  readonly #corpus: readonly FuzzBundle[];
  readonly #folder: string;
  readonly #options: FuzzOptions;
  readonly #parts = { accepted: 0, refused: 0 };
  readonly #bundles: Record<Verdict, number> = { accepted: 0, refused: 0, "found damaged": 0 };
  #shownToGnuTar = 0;
  #faults = 0;
  #slowest = { ms: 0, seed: 0 };

  constructor(corpus: readonly FuzzBundle[], folder: string, options: FuzzOptions) {
    this.#corpus = corpus;
    this.#folder = folder;
    this.#options = options;
  }

  async one(seed: number): Promise<void> {
    const choice = new Choice(seed);
    const bundle = choice.of(this.#corpus);
    const mutated = await mutateBundle(bundle, choice);
    const startedMs = performance.now();
    try {
      await this.#judge(mutated, bundle.base, choice);
    } catch (cause) {
      this.#faults += 1;
      const message = `--runs 1 --seed ${seed} (${bundle.name}; ${mutated.what})`;
      if (!this.#options.onFault) throw new Error(message, { cause });
      this.#options.onFault(`${message}: ${cause instanceof Error ? cause.stack : String(cause)}`);
    }
    const ms = performance.now() - startedMs;
    if (ms > this.#slowest.ms) this.#slowest = { ms, seed };
  }

  report(): FuzzReport {
    return {
      runs: this.#options.runs,
      parts: this.#parts,
      bundles: this.#bundles,
      shownToGnuTar: this.#shownToGnuTar,
      faults: this.#faults,
      slowest: this.#slowest,
    };
  }

  async #judge(mutated: MutatedBundle, base: FuzzBundle["base"], choice: Choice): Promise<void> {
    const { wholeEvery, gnuTarEvery, runs } = this.#options;
    if (mutated.changed) {
      this.#parts[(await judgePart(mutated)) ? "accepted" : "refused"] += 1;
      if (mutated.kind === "archive" && choice.below(gnuTarEvery) === 0) await this.#compare(mutated.changed);
    }
    if (mutated.changed && choice.below(wholeEvery) !== 0 && runs > 1) return;
    this.#bundles[await judge({ files: mutated.files, base }, join(this.#folder, "bundle"))] += 1;
  }

  async #compare(bytes: Uint8Array): Promise<void> {
    const entries = await judgeArchive(bytes);
    if (!entries) return;
    const archive = join(this.#folder, "shown.tar");
    writeFileSync(archive, bytes);
    requireAsGnuTar(bytes, entries, archive);
    rmSync(archive);
    this.#shownToGnuTar += 1;
  }
}
