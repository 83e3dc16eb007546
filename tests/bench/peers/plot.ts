import type { CaseFigures, EntrantFigures } from "./figures.ts";
import { titleOf } from "./page.ts";
import { fastestPeer, middle } from "./ranking.ts";

const width = 800;
const labelWidth = 250;
const barWidth = 460;
const rowHeight = 20;
const headHeight = 44;

/** Colours for a light page, and for a dark one where the viewer prefers that. */
const style = `
  text { font: 12px system-ui, sans-serif; fill: #1f2328 }
  .title { font-weight: 600 }
  .own { fill: #0969da } .peer { fill: #8c959f } .ceiling { fill: #bf8700 }
  .one { stroke: #57606a; stroke-dasharray: 3 3 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .own { fill: #58a6ff } .peer { fill: #6e7681 } .ceiling { fill: #d29922 }
    .one { stroke: #8b949e }
  }`;

/** The speed of everybody beside the fastest of other people's programs, a group of bars for each case; SVG without a script. */
export function plotOf(all: readonly CaseFigures[]): string {
  const parts: string[] = [];
  let top = 0;
  for (const figures of all) {
    const group = groupOf(figures, top);
    parts.push(...group.lines);
    top += group.height;
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${top + 8}" width="${width}" height="${top + 8}" role="img">`,
    `<title>Speed beside the fastest of the other programs; longer is faster</title>`,
    `<style>${style}\n</style>`,
    ...parts,
    "</svg>",
    "",
  ].join("\n");
}

function groupOf(figures: CaseFigures, top: number): { readonly lines: readonly string[]; readonly height: number } {
  const peer = fastestPeer(figures.entrants);
  if (peer === undefined) return { lines: [], height: 0 };
  const speed = (entrant: EntrantFigures) => middle(peer, "wallS") / middle(entrant, "wallS");
  const entrants = [...figures.entrants].sort((a, b) => speed(b) - speed(a));
  const unit = barWidth / Math.max(...entrants.map(speed));
  const first = top + headHeight;
  const bottom = first + entrants.length * rowHeight;
  const one = (labelWidth + unit).toFixed(1);
  const lines = [
    text({ x: 8, y: top + 28, words: `${titleOf(figures)}: speed beside ${peer.name}`, kind: "title" }),
    `<line class="one" x1="${one}" x2="${one}" y1="${first}" y2="${bottom}"/>`,
    ...entrants.flatMap((entrant, row) => {
      const y = first + row * rowHeight;
      const length = (unit * speed(entrant)).toFixed(1);
      return [
        text({ x: 8, y: y + 14, words: entrant.name }),
        `<rect class="${entrant.kind}" x="${labelWidth}" y="${y + 3}" width="${length}" height="${rowHeight - 6}" rx="2"/>`,
        text({ x: labelWidth + Number(length) + 6, y: y + 14, words: `${speed(entrant).toFixed(2)} ×` }),
      ];
    }),
  ];
  return { lines, height: bottom - top };
}

interface Words {
  readonly x: number;
  readonly y: number;
  readonly words: string;
  readonly kind?: string;
}

function text({ x, y, words, kind }: Words): string {
  const safe = words.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
  return `<text${kind ? ` class="${kind}"` : ""} x="${x}" y="${y}">${safe}</text>`;
}
