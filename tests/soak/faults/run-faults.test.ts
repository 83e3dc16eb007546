import { expect, test } from "vitest";
import type { RunKind } from "./fault-run.ts";
import { runFaults } from "./run-faults.ts";

const inProcess: readonly RunKind[] = ["pull", "push", "sync", "serve", "two at one bundle"];

test("what goes wrong on the way costs nothing but a failure that says so, and the next run brings all", async () => {
  const { problems, runs, fired } = await runFaults({ runs: 10, seed: 4, lanes: 5, kinds: inProcess });
  expect(problems).toEqual([]);
  expect(Object.keys(runs).length).toBeGreaterThan(2);
  expect(Object.keys(fired).length).toBeGreaterThan(5);
});
