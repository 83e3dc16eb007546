import { expect, test } from "vitest";
import type { RunKind } from "./fault-run.ts";
import { runFaults } from "./run-faults.ts";

const inProcess: readonly RunKind[] = ["pull", "push", "sync", "serve", "two at one bundle"];

test("what goes wrong on the way costs nothing but a failure that says so, and the next run brings all", {
  timeout: 120_000,
}, async () => {
  const { problems, runs, fired } = await runFaults({ runs: 6, seed: 31, kinds: inProcess });
  expect(problems).toEqual([]);
  expect(Object.keys(runs).sort()).toEqual(["pull", "push", "serve", "sync"]);
  expect(Object.keys(fired).length).toBeGreaterThan(4);
});
