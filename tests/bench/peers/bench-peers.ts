import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Findings } from "../catalog.ts";
import { isCorpusName } from "./corpus.ts";
import { peersTable, runPeers } from "./run-peers.ts";

/** Options of {@link benchPeers}. */
export interface BenchPeersOptions {
  readonly corpus: string;
  readonly rounds: number;
  /** Below 1, layers are smaller. */
  readonly scale: number;
  /** Only programs whose names match. */
  readonly only: string;
}

/** Pulls a corpus with our program, as it is published, and with others, in turns. */
export async function benchPeers({ corpus, rounds, scale, only }: BenchPeersOptions): Promise<Findings> {
  if (!isCorpusName(corpus)) throw new Error(`there is no corpus called ${corpus}, only A, B and C`);
  const root = fileURLToPath(new URL("../../..", import.meta.url));
  execFileSync("npx", ["-y", "pnpm@10", "build"], { cwd: root, stdio: "ignore" });
  return { text: peersTable(await runPeers(corpus, rounds, scale, new RegExp(only))), faults: [] };
}
