import { parseArgs } from "node:util";
import type { CorpusName } from "./corpus.ts";
import { peersTable, runPeers } from "./run-peers.ts";

/**
 * Measures pulls against other programs, in turns, each from docker-registry on this machine to an empty folder on its disk.
 *
 *     npx -y pnpm@10 build && npx -y pnpm@10 bench:peers [A B C] [--rounds 5] [--scale 1] [--only 'tranship|curl']
 */
async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      rounds: { type: "string", default: "5" },
      scale: { type: "string", default: "1" },
      only: { type: "string" },
    },
  });
  const names = positionals.length > 0 ? positionals : ["A", "B", "C"];
  for (const name of names) {
    if (!["A", "B", "C"].includes(name)) throw new Error(`there is no corpus called ${name}, only A, B and C`);
    const only = values.only === undefined ? undefined : new RegExp(values.only);
    const figures = await runPeers(name as CorpusName, Number(values.rounds), Number(values.scale), only);
    console.log(`\n${peersTable(figures)}`);
  }
}

await main();
