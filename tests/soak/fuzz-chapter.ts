import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { TargetReport } from "../fuzz/targets/run-target.ts";
import type { FuzzTarget } from "../fuzz/targets/target.ts";

const page = fileURLToPath(new URL("../../docs/reliability.md", import.meta.url));
const title = "## Random input";
const head = `| target | what it reads | date | seed | inputs | accepted | refused | grown, up to characters | seconds |
|---|---|---|---|---|---|---|---|---|`;

/** Notes a run without a fault in the chapter of `docs/reliability.md`: a row for each target, its latest run. */
export function writeRandomInput(
  { name, what }: FuzzTarget,
  { runs, accepted, refused, grown, longest }: TargetReport,
  { seed, seconds }: { readonly seed: number; readonly seconds: number },
): void {
  const date = new Date().toISOString().slice(0, 10);
  const counts = [runs, accepted, refused].map((count) => count.toLocaleString("en"));
  const cells = [
    `\`${name}\``,
    what,
    date,
    seed,
    ...counts,
    `${grown.toLocaleString("en")}, ${longest.toLocaleString("en")}`,
    seconds,
  ];
  const row = `| ${cells.join(" | ")} |`;
  const text = existsSync(page) ? readFileSync(page, "utf8") : "# Reliability\n";
  const whole = text.includes(`${title}\n`) ? text : `${text.trimEnd()}\n\n${title}\n`;
  const from = whole.indexOf(`${title}\n`);
  const next = whole.indexOf("\n## ", from + title.length);
  const end = next < 0 ? whole.length : next;
  const chapter = withRow(whole.slice(from, end), row, `| \`${name}\` |`);
  writeFileSync(page, whole.slice(0, from) + chapter + whole.slice(end));
}

function withRow(chapter: string, row: string, start: string): string {
  if (!chapter.includes(head)) return `${chapter.trimEnd()}\n\n${head}\n${row}\n`;
  const at = chapter.indexOf(head) + head.length + 1;
  const table = /^(?:\|.*\n)*/.exec(chapter.slice(at))?.[0] ?? "";
  const rows = table.split("\n").filter((line) => line !== "" && !line.startsWith(start));
  return `${chapter.slice(0, at)}${[...rows, row].sort().join("\n")}\n${chapter.slice(at + table.length)}`;
}
