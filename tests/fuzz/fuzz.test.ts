import { join } from "node:path";
import { expect, test } from "vitest";
import { tempFolder } from "../support/temp-folder.ts";
import { fuzzCorpus } from "./corpus.ts";
import { fuzzRun } from "./fuzz-run.ts";
import { judge } from "./judge.ts";

test("bundles of every make are taken, verified and pushed", async () => {
  const folder = join(tempFolder(), "bundle");
  const corpus = await fuzzCorpus();
  expect(corpus.length).toBeGreaterThan(0);
  for (const bundle of corpus) expect([bundle.name, await judge(bundle, folder)]).toEqual([bundle.name, "accepted"]);
});

test("20,000 damaged bundles are read right or refused, and nothing else happens", { timeout: 120_000 }, async () => {
  const report = await fuzzRun({ runs: 20_000, seed: 20_261_121, wholeEvery: 40, gnuTarEvery: 200 });
  for (const outcomes of [report.parts, report.bundles]) {
    for (const count of Object.values(outcomes)) expect(count).toBeGreaterThan(40);
  }
  expect(report.shownToGnuTar).toBeGreaterThan(5);
});
