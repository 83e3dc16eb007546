import { expect, test } from "vitest";
import { transhipMain } from "../../support/run-tranship.ts";
import { lacking } from "../../support/tools.ts";
import { benchCase } from "./cases.ts";
import { parseFigures } from "./figures.ts";
import { runCase } from "./run-case.ts";

const absent = lacking("docker-registry", "curl", "bash", "time");

test.skipIf(absent.length > 0)(
  "a case measures every entrant in every round, and leaves out one with whom not all of the corpus arrived",
  async () => {
    const figures = await runCase(benchCase("pull-C"), {
      rounds: 1,
      scale: 0.001,
      only: /^tranship pull$|^curl|^crane/,
      peers: {
        programs: [{ family: "crane", version: "that fetches nothing", path: "true" }],
        missing: ["oras is not here"],
      },
      program: transhipMain,
      sync: false,
    });
    expect(figures.entrants.map(({ name, rounds }) => [name, rounds.length])).toEqual([
      ["tranship pull", 1],
      ["curl, 8 at a time", 1],
    ]);
    expect(figures.missing).toEqual([
      "oras is not here",
      `crane that fetches nothing pull failed: 0 bytes arrived of ${figures.corpus.bytes}`,
    ]);
    for (const { leftBytes, rounds } of figures.entrants) {
      expect(leftBytes).toBeGreaterThanOrEqual(figures.corpus.bytes);
      for (const round of rounds) {
        expect(round.wallS).toBeGreaterThan(0);
        expect(round.peakRssBytes).toBeGreaterThan(1_000_000);
        expect(round.networkBytes).toBeGreaterThanOrEqual(figures.corpus.bytes);
      }
    }
    expect(parseFigures(JSON.stringify(figures))).toEqual(figures);
  },
);

test("a case that nobody can run is not taken", () => {
  for (const name of ["pull-E", "push-D", "push-A-tls", "peek-A", "repeat-A"])
    expect(() => benchCase(name)).toThrow(name);
});
