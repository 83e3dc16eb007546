import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { ProblemKind } from "./fault-run.ts";
import type { FaultsReport } from "./run-faults.ts";

const page = fileURLToPath(new URL("../../../docs/reliability.md", import.meta.url));

/** Writes a row of totals, and adds what happened to the table of faults. */
export function noteOnPage(command: string, report: FaultsReport, date: Date = new Date()): void {
  const text = readFileSync(page, "utf8");
  writeFileSync(page, withFaults(withRow(text, rowOf(command, report, date)), report.fired));
}

function rowOf(command: string, report: FaultsReport, date: Date): string {
  const { runs, fired, kills, codes, problems, elapsedMs, memoryBytes } = report;
  const sum = (counts: Readonly<Record<string, number>>) =>
    Object.values(counts).reduce((total, one) => total + one, 0);
  const kinds = Object.entries(runs)
    .sort()
    .map(([kind, count]) => `${count} ${kind}`);
  const found = (...kindsOf: readonly ProblemKind[]) => problems.filter(({ kind }) => kindsOf.includes(kind)).length;
  const cells = [
    date.toISOString().slice(0, 10),
    `\`${command}\``,
    `${sum(runs)}: ${kinds.join(", ")}`,
    sum(fired),
    kills,
    sum(codes),
    found("loss", "bad remains"),
    found("false success"),
    found("wrong class"),
    found("hang"),
    found("left over", "open connection", "broken"),
    (elapsedMs / 60_000).toFixed(1),
    `${Math.round(memoryBytes / 1024 / 1024)} MiB`,
  ];
  return `| ${cells.join(" | ")} |\n`;
}

function withRow(text: string, row: string): string {
  const end = "<!-- end of totals -->";
  if (!text.includes(end)) throw new Error(`${page} has no place for totals`);
  return text.replace(end, `${row}${end}`);
}

/** The table is a sum over all runs that were written. */
function withFaults(text: string, fired: Readonly<Record<string, number>>): string {
  const [start, end] = ["<!-- faults -->\n", "<!-- end of faults -->"];
  const [from, to] = [text.indexOf(start) + start.length, text.indexOf(end)];
  if (from < start.length || to < from) throw new Error(`${page} has no table of faults`);
  const counts: Record<string, number> = { ...fired };
  for (const [, name = "", count] of text.slice(from, to).matchAll(/^\| ([^|]+?) \| ([0-9]+) \|$/gm))
    counts[name] = (counts[name] ?? 0) + Number(count);
  const rows = Object.entries(counts)
    .sort()
    .map(([name, count]) => `| ${name} | ${count} |\n`);
  return `${text.slice(0, from)}| fault | times |\n|---|---|\n${rows.join("")}${text.slice(to)}`;
}
