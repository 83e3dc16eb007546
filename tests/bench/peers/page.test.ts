import { expect, test } from "vitest";
import type { CaseFigures } from "./figures.ts";
import { pageOf } from "./page.ts";
import { plotOf } from "./plot.ts";

const mib = 1024 * 1024;

/** Three rounds of a pull of A by ours, two others and curl. */
function figuresOf(ownS: number, peakRssBytes = 80 * mib): CaseFigures {
  const rounds = (wallS: number) =>
    [wallS - 0.1, wallS, wallS + 0.1].map((one) => ({
      wallS: one,
      cpuS: 1,
      peakRssBytes,
      networkBytes: 100 * mib,
      writtenBytes: 100 * mib,
    }));
  return {
    case: "pull-A",
    date: "2026-01-31",
    command: "npx -y pnpm@10 bench peers pull-A",
    machine: { cores: 2, processor: "p", memoryBytes: 4096 * mib, kernel: "k", node: "n", registry: "r" },
    corpus: { name: "A", title: "some", images: 1, blobs: 3, bytes: 100 * mib },
    scale: 1,
    entrants: [
      { name: "tranship pull", kind: "own", makes: "a bundle", leftBytes: 100 * mib, rounds: rounds(ownS) },
      { name: "slow 1.0 pull", kind: "peer", makes: "files", rounds: rounds(8) },
      { name: "quick 2.0 pull", kind: "peer", makes: "files", rounds: rounds(4) },
      { name: "curl", kind: "ceiling", makes: "files", rounds: rounds(1) },
    ],
    missing: ["oras is not here"],
  };
}

test("a program is held against the fastest of the others, and against the ceiling", () => {
  const page = pageOf([figuresOf(2)]);
  expect(page).toContain("| **tranship pull** | a bundle | 2.00 s (1.90–2.10) | 2.00 × | 2.00 × | 1.00 s | 80 MiB |");
  expect(page).toContain("| `tranship pull`: speed beside quick 2.0 pull | 2.00 × | at least 1.7 × | pass |");
  expect(page).toContain("All 3 limits below hold.");
  expect(page).toContain("Not measured: oras is not here.");
});

test("what is short of a limit is said at the head of the page", () => {
  const [head = ""] = pageOf([figuresOf(3, 121 * mib)]).split("\n## ");
  expect(head).toContain("**2 of 3 limits do not hold:**");
  expect(head).toContain("- `pull-A`: `tranship pull`: speed beside quick 2.0 pull: 1.33 ×, at least 1.7 ×");
  expect(head).toContain("peak memory, the highest: 121 MiB, at most 120 MiB");
});

test("a limit whose peer is missing is said to be open, not met", () => {
  const { entrants, ...rest } = figuresOf(2);
  const [head = ""] = pageOf([{ ...rest, entrants: entrants.filter(({ kind }) => kind !== "peer") }]).split("\n## ");
  expect(head).toContain("2 limits below hold.");
  expect(head).toContain(
    "- `pull-A`: `tranship pull`: speed beside the fastest of the others: not measured, at least 1.7 ×",
  );
});

test("cases without figures are named as such", () => {
  expect(pageOf([])).toContain("Nothing is measured yet");
  expect(pageOf([figuresOf(2)])).toMatch(/## Not measured yet\n\n.*`push-A`/);
});

test("the plot has a bar for everybody, longest for who is fastest, and runs nothing", () => {
  const plot = plotOf([figuresOf(2)]);
  const bars = [...plot.matchAll(/<rect class="(\w+)" .*? width="([\d.]+)"/g)].map(([, kind, width]) => [
    kind,
    Number(width),
  ]);
  expect(bars).toEqual([
    ["ceiling", 460],
    ["own", 230],
    ["peer", 115],
    ["peer", 57.5],
  ]);
  expect(plot).toContain("prefers-color-scheme: dark");
  expect(plot).not.toMatch(/<script|href=|onload/);
});
