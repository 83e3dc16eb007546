import { expect, test } from "vitest";
import { fuzzTargets } from "./targets/all-targets.ts";
import { linkTarget } from "./targets/link.ts";
import { runTarget } from "./targets/run-target.ts";

test.for(fuzzTargets)(
  "$name: random $what are read right or refused, in little time",
  { timeout: 60_000 },
  async (target) => {
    const report = await runTarget(target, {
      runs: target.testRuns ?? 3000,
      seed: 20_261_122,
      growEvery: 300,
      growFullyEvery: 1_000_000,
    });
    expect(report.accepted).toBeGreaterThan(5);
    expect(report.refused).toBeGreaterThan(5);
  },
);

test.for([
  { name: "an error of any other class", judge: throwOn("rel"), told: /: "rel": TypeError: refused/ },
  {
    name: "a key on what all objects share",
    judge: pollute,
    told: /: "n": Fault: Object\.prototype\.polluted was set/,
  },
])(
  "$name is a fault, told with the smallest input that has it and the seed that repeats it",
  async ({ judge, told }) => {
    const faults: string[] = [];
    const target = { ...linkTarget, judge };
    const report = await runTarget(target, {
      runs: 400,
      seed: 1,
      growEvery: 40,
      onFault: (message) => faults.push(message),
    });
    expect(report.faults).toBeGreaterThan(0);
    expect(faults.join("\n")).toMatch(told);
    expect(faults[0]).toMatch(/^--target link (?:--runs 1 --seed [0-9]+|a kept input)/);
  },
);

function throwOn(word: string): (input: string) => boolean {
  return (input) => {
    if (input.includes(word)) throw new TypeError("refused");
    return true;
  };
}

function pollute(input: string): boolean {
  if (input.includes("n")) Reflect.set(Object.prototype, "polluted", true);
  return true;
}
