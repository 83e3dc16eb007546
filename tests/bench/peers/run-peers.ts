import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { startDockerRegistry } from "../../support/docker-registry.ts";
import { lacking } from "../../support/tools.ts";
import { median, mib } from "../measure.ts";
import { type Corpus, type CorpusName, pushCorpus } from "./corpus.ts";
import { type Measured, measured } from "./measured.ts";
import { type PullProgram, pullPrograms } from "./pull-programs.ts";

/** What one program came to with one corpus, round by round. */
export interface ProgramFigures {
  readonly name: string;
  readonly makes: string;
  readonly rounds: readonly Measured[];
}

/** What all programs came to with one corpus. */
export interface CorpusFigures {
  readonly corpus: Pick<Corpus, "name" | "title"> & {
    readonly bytes: number;
    readonly blobs: number;
    readonly images: number;
  };
  readonly programs: readonly ProgramFigures[];
  readonly missing: readonly string[];
}

/** Has everybody fetch a corpus, in turns, so that a slow spell of the machine hits all. */
export async function runPeers(name: CorpusName, rounds: number, scale: number, only: RegExp): Promise<CorpusFigures> {
  const absent = lacking("docker-registry", "curl", "bash");
  if (absent.length > 0) throw new Error(`this needs ${absent.join(", ")}`);
  await using registry = await startDockerRegistry();
  const corpus = await pushCorpus(name, registry.host, scale);
  const found = await pullPrograms();
  const programs = found.programs.filter((program) => only.test(program.name));
  const figures = new Map<PullProgram, Measured[]>(programs.map((program) => [program, []]));
  const folder = mkdtempSync(join(tmpdir(), "tranship-peers-"));
  try {
    for (let round = 0; round < rounds; round += 1) {
      for (const [program, all] of figures) {
        const out = join(folder, "out");
        rmSync(out, { recursive: true, force: true });
        mkdirSync(out);
        await measured("sync"); // nobody pays for what another left to write
        all.push(await measured(program.script(corpus, registry.host, out)));
        console.error(`${name} ${round + 1}/${rounds} ${program.name}: ${all.at(-1)?.wallS} s`);
      }
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const sizes = [...corpus.blobs.values()].map(({ size }) => size);
  const { title, images } = corpus;
  return {
    corpus: {
      name,
      title,
      images: images.length,
      blobs: sizes.length,
      bytes: sizes.reduce((sum, size) => sum + size, 0),
    },
    programs: [...figures].map(([program, all]) => ({ name: program.name, makes: program.makes, rounds: all })),
    missing: found.missing,
  };
}

/** The figures as a table: medians, and times as ratios to that of the first program. */
export function peersTable({ corpus, programs, missing }: CorpusFigures): string {
  const middle = ({ rounds }: ProgramFigures, of: (one: Measured) => number) => median(rounds.map(of));
  const [own] = programs;
  const lines = programs.map((program) => {
    const walls = program.rounds.map(({ wallS }) => wallS).sort((a, b) => a - b);
    const ratio = own ? middle(program, ({ wallS }) => wallS) / middle(own, ({ wallS }) => wallS) : 1;
    return [
      program.name,
      program.makes,
      `${middle(program, ({ wallS }) => wallS).toFixed(2)} s (${walls[0]?.toFixed(2)}–${walls.at(-1)?.toFixed(2)})`,
      `${ratio.toFixed(2)} ×`,
      `${middle(program, ({ cpuS }) => cpuS).toFixed(2)} s`,
      `${Math.round(middle(program, ({ peakRssBytes }) => peakRssBytes) / mib)} MiB`,
      `${Math.round(middle(program, ({ receivedBytes }) => receivedBytes) / mib)} MiB`,
      `${Math.round(middle(program, ({ writtenBytes }) => writtenBytes) / mib)} MiB`,
    ];
  });
  const head = [
    "program",
    "makes",
    "time, median (range)",
    "time, to the first",
    "processor",
    "peak memory",
    "received",
    "written",
  ];
  const row = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [
    `### ${new Date().toISOString().slice(0, 10)}: corpus ${corpus.name} pulled by several programs, ${own?.rounds.length ?? 0} rounds`,
    "",
    `Corpus ${corpus.name}: ${corpus.title}; ${corpus.images} images, ${corpus.blobs} blobs, ${Math.round(corpus.bytes / mib)} MiB. ${cpus().length} cores, Node ${process.version}.`,
    "",
    row(head),
    row(head.map(() => "---")),
    ...lines.map(row),
    ...(missing.length > 0 ? ["", `Not measured: ${missing.join("; ")}.`] : []),
  ].join("\n");
}
