import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Findings } from "../catalog.ts";
import { benchCase, caseNames } from "./cases.ts";
import type { CaseFigures } from "./figures.ts";
import { keepFigures, writePage } from "./keep-figures.ts";
import { limitsOf } from "./limits.ts";
import { peerPrograms } from "./peer-programs.ts";
import { runCase } from "./run-case.ts";
import { caseSection } from "./table.ts";

/** Options of {@link benchPeers}. */
export interface BenchPeersOptions {
  /** Names of cases; `all` for those of the page, `page` to make nothing but the page. @defaultValue `pull-` and the corpus */
  readonly cases: readonly string[];
  readonly corpus: string;
  readonly rounds: number;
  /** Below 1, layers are smaller. */
  readonly scale: number;
  /** Only programs whose names match. */
  readonly only: string;
  /** Whether the figures are kept, and the page made anew. */
  readonly write: boolean;
}

/** Has our program, as it is published, and others do the same things in turns. */
export async function benchPeers({ cases, corpus, rounds, scale, only, write }: BenchPeersOptions): Promise<Findings> {
  if (write && only !== "") throw new Error("--write keeps whole tables: it does not go with --only");
  if (cases.includes("page")) {
    writePage();
    return { text: "docs/performance.md is made anew", faults: [] };
  }
  const asked = cases.length === 0 ? [`pull-${corpus}`] : cases;
  const chosen = asked.flatMap((name) => (name === "all" ? caseNames : [name])).map(benchCase);
  const root = fileURLToPath(new URL("../../..", import.meta.url));
  execFileSync("npx", ["-y", "pnpm@10", "build"], { cwd: root, stdio: ["ignore", 2, 2] });
  const peers = await peerPrograms();
  const program = join(root, "packages/cli/program/main.js");
  const all: CaseFigures[] = [];
  for (const one of chosen) {
    const figures = await runCase(one, {
      rounds,
      scale,
      only: new RegExp(only),
      peers,
      program,
      onTurn: console.error,
    });
    if (write) keepFigures(figures);
    all.push(figures);
  }
  return {
    text: all.map((figures) => `### ${figures.case}\n\n${caseSection(figures)}`).join("\n\n"),
    faults: all.flatMap((figures) =>
      limitsOf(figures).flatMap(({ title, measured, wanted, isMet }) =>
        isMet !== false ? [] : [`${figures.case}: ${title}: ${measured}, ${wanted}`],
      ),
    ),
  };
}
