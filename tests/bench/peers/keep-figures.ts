import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { caseNames } from "./cases.ts";
import { type CaseFigures, parseFigures } from "./figures.ts";
import { pageOf } from "./page.ts";
import { plotOf } from "./plot.ts";

const docs = fileURLToPath(new URL("../../../docs/", import.meta.url));
const folder = join(docs, "performance");

/** Keeps the figures of a case, in the place of what it came to before, and makes the page anew. */
export function keepFigures(figures: CaseFigures): void {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, `${figures.case}.json`);
  writeFileSync(file, JSON.stringify(figures));
  execFileSync("npx", ["-y", "pnpm@10", "exec", "biome", "format", "--write", file], { cwd: docs, stdio: "ignore" });
  writePage();
}

/** Makes `docs/performance.md` and its plot of the figures that are kept. */
export function writePage(): void {
  const all = keptFigures();
  if (all.length > 0) writeFileSync(join(folder, "plot.svg"), plotOf(all));
  writeFileSync(join(docs, "performance.md"), pageOf(all));
}

function keptFigures(): readonly CaseFigures[] {
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder).filter((name) => name.endsWith(".json"));
  const all = files.sort().map((name) => parseFigures(readFileSync(join(folder, name), "utf8")));
  const place = ({ case: name }: CaseFigures) =>
    caseNames.includes(name) ? caseNames.indexOf(name) : caseNames.length;
  return all.sort((a, b) => place(a) - place(b));
}
