import { median, mib } from "../measure.ts";
import type { CaseFigures, EntrantFigures } from "./figures.ts";
import { limitsOf } from "./limits.ts";
import type { Measured } from "./measured.ts";
import { fastestPeer, middle } from "./ranking.ts";

/** A case as a section of the page: the table, what is held to limits, and who is missing. */
export function caseSection(figures: CaseFigures): string {
  const { entrants, corpus, missing, scale } = figures;
  const peer = fastestPeer(entrants);
  const ceiling = entrants.find(({ kind }) => kind === "ceiling");
  const isRepeated = entrants.some(({ first }) => first !== undefined);
  const heads = [
    "program",
    "what it does",
    "time, median (range)",
    ...(isRepeated ? ["the first time", "of the first time"] : []),
    ...(peer ? [`speed beside ${peer.name}`] : []),
    ...(ceiling ? ["time beside the ceiling"] : []),
    "processor",
    "peak memory",
    "network",
    "written",
  ];
  const rows = entrants.map((entrant) => {
    const wallS = middle(entrant, "wallS");
    return [
      entrant.kind === "own" ? `**${entrant.name}**` : entrant.name,
      entrant.kind === "ceiling" ? `${entrant.makes}: the ceiling` : entrant.makes,
      `${seconds(wallS)} (${rangeOf(entrant)})`,
      ...(isRepeated ? beside(wallS, entrant.first ?? []) : []),
      ...(peer ? [times(middle(peer, "wallS") / wallS)] : []),
      ...(ceiling ? [times(wallS / middle(ceiling, "wallS"))] : []),
      seconds(middle(entrant, "cpuS")),
      ...(["peakRssBytes", "networkBytes", "writtenBytes"] as const).map((of) => mebibytes(middle(entrant, of))),
    ];
  });
  const small = scale === 1 ? "" : ` **At ${scale} of its size: a trial, no measurement.**`;
  const { cores, processor, memoryBytes, kernel, node, registry } = figures.machine;
  return [
    `${figures.date}, ${entrants[0]?.rounds.length ?? 0} rounds: \`${figures.command}\`. Corpus ${corpus.name}: ${corpus.title}; ${corpus.images} images, ${corpus.blobs} blobs, ${mebibytes(corpus.bytes)}.${small}`,
    `${cores} cores of ${processor}, ${Math.round(memoryBytes / 1024 / mib)} GiB, ${kernel}, Node ${node}; ${registry} on the same machine.`,
    "",
    ...tableOf(heads, rows),
    ...limitRows(figures),
    ...(missing.length > 0 ? ["", `Not measured: ${missing.join("; ")}.`] : []),
  ].join("\n");
}

function limitRows(figures: CaseFigures): readonly string[] {
  const limits = limitsOf(figures);
  if (limits.length === 0) return [];
  const rows = limits.map(({ title, measured, wanted, isMet }) => [
    title,
    measured,
    wanted,
    isMet === undefined ? "**not known**" : isMet ? "pass" : "**short**",
  ]);
  return ["", ...tableOf(["what must hold", "measured", "limit", ""], rows)];
}

function tableOf(heads: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const row = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  return [row(heads), `|${heads.map(() => "---|").join("")}`, ...rows.map(row)];
}

function beside(wallS: number, first: readonly Measured[]): readonly string[] {
  if (first.length === 0) return ["", ""];
  const firstS = median(first.map((one) => one.wallS));
  return [seconds(firstS), `${((100 * wallS) / firstS).toFixed(0)}%`];
}

function rangeOf({ rounds }: EntrantFigures): string {
  const walls = rounds.map(({ wallS }) => wallS);
  return `${Math.min(...walls).toFixed(2)}–${Math.max(...walls).toFixed(2)}`;
}

function seconds(value: number): string {
  return `${value.toFixed(2)} s`;
}

function times(value: number): string {
  return `${value.toFixed(2)} ×`;
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / mib)} MiB`;
}
