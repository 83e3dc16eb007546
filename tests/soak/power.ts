import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestRegistry } from "@tranship/registry/testing";
import { differing, fileDigests } from "../support/bundle-files.ts";
import { aSource, pullInto } from "../support/mirror.ts";
import { losePower } from "../support/power-loss.ts";
import type { ProductPackage } from "../support/product.ts";
import { seededRandom } from "../support/random.ts";
import { runToEnd } from "../support/start-tranship.ts";

/** Options of {@link powerRounds}; the same ones do the same damage. */
export interface PowerOptions {
  readonly rounds: number;
  readonly seed: number;
  /** Chunks of every second round. */
  readonly chunkBytes: number;
  readonly log?: ((line: string) => void) | undefined;
}

/** One round: what was done, and what came of it. */
export interface PowerRound {
  readonly seed: number;
  /** Each power cut with all its damage. */
  readonly cuts: readonly string[];
  /** Files that differ from those of an undisturbed pull after the next run. */
  readonly differing: readonly string[];
  /** Why the next run failed, if it did. */
  readonly failure?: string | undefined;
}

const product: readonly ProductPackage[] = [
  {
    name: "console",
    versions: ["v1.0.0", "v1.1.0", "v1.2.0"],
    channels: { alpha: "v1.2.0", beta: "v1.1.0", stable: "v1.0.0" },
    layerBytes: 300_000,
  },
  { name: "alb", versions: ["v1.0.0", "v2.0.0"], channels: { alpha: "v2.0.0", stable: "v1.0.0" }, layerBytes: 150_000 },
];

/** Of `product` alone, what an older bundle had: some archives are replaced, some stay. */
const older = ["alb", "console@=v1.0.0"];

/** How a finished pull looks, and where one may start. */
interface Form {
  readonly chunkBytes: number | undefined;
  readonly digests: Readonly<Record<string, string>>;
  readonly olderFolder: string;
}

/**
 * Kills pulls in the middle of a write, damages what they leave as a power cut may, once or twice in a row, and runs
 * them again: the files must be those of a pull that nobody disturbed. Some start over an older bundle.
 */
export async function powerRounds({ rounds, seed, chunkBytes, log }: PowerOptions): Promise<readonly PowerRound[]> {
  const root = mkdtempSync(join(tmpdir(), "tranship-power-"));
  try {
    await using source = await aSource(product);
    const forms = [await formOf(source, root, undefined), await formOf(source, root, chunkBytes)] as const;
    const done: PowerRound[] = [];
    let next = 0;
    const work = async () => {
      while (next < rounds) {
        const roundSeed = seed + next;
        next += 1;
        const round = await powerRound(source, join(root, String(roundSeed)), forms, roundSeed);
        if (round.failure !== undefined || round.differing.length > 0) log?.(JSON.stringify(round));
        else if (done.length % 50 === 49) log?.(`${done.length + 1} of ${rounds} rounds`);
        done.push(round);
      }
    };
    await Promise.all([work(), work()]);
    return done;
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

async function formOf(source: TestRegistry, root: string, chunkBytes: number | undefined): Promise<Form> {
  const [calm, olderFolder] = [join(root, `calm-${chunkBytes}`), join(root, `older-${chunkBytes}`)];
  await pullInto(calm, source.host, [], { chunkBytes });
  await pullInto(olderFolder, source.host, older, { chunkBytes });
  return { chunkBytes, digests: await fileDigests(calm), olderFolder };
}

async function powerRound(
  source: TestRegistry,
  folder: string,
  forms: readonly [Form, Form],
  seed: number,
): Promise<PowerRound> {
  const random = seededRandom(seed);
  const form = forms[seed % 2 === 0 ? 0 : 1];
  const start = random() < 0.3 ? forms[random() < 0.5 ? 0 : 1] : undefined;
  if (start) cpSync(start.olderFolder, folder, { recursive: true });
  const { chunkBytes } = form;
  const cuts: string[] = [];
  try {
    for (let left = 1 + Math.floor(random() * 2); left > 0; left -= 1) {
      // Now and then the pull that is cut off was to make the other form.
      const { chunkBytes: size } = random() < 0.8 ? form : forms[random() < 0.5 ? 0 : 1];
      const chunks = size === undefined ? [] : ["--chunk-size", String(size)];
      const args = ["pull", folder, "--source", `${source.host}/demo/fe`, ...chunks];
      const kill = random() < 0.7 ? { bytes: Math.floor(random() * 1_600_000) } : { step: Math.ceil(random() * 30) };
      const { signal, stderr, code } = await runToEnd(args, { kill });
      if (signal === null && code !== 0) throw new Error(`a run between two cuts failed: ${stderr}`);
      cuts.push(`${JSON.stringify(kill)} ${signal ?? "ended before"}: ${losePower(folder, random).join("; ")}`);
    }
    await pullInto(folder, source.host, [], { chunkBytes });
    return { seed, cuts, differing: differing(form.digests, await fileDigests(folder)) };
  } catch (error) {
    return { seed, cuts, differing: [], failure: error instanceof Error ? error.message : String(error) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
