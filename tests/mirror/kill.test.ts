import { expect, test } from "vitest";
import { killRun } from "../soak/kill-run.ts";
import { isGood, killTrials } from "../soak/trials.ts";

test("a pull that is killed three times and run again makes the same bundle and fetches little twice", {
  timeout: 90_000,
}, async () => {
  const report = await killRun({ bytes: 20_000_000, kills: 3, seed: 2, bytesPerSecond: 2_000_000 });
  expect(report.files).toBe(8); // six packages, their release metadata, the lock file
  expect(report.differing).toEqual([]);
  // This seed kills at 27%, 31% and 70% of the bytes: starting anew each time would send 170% of them.
  expect(report.disturbedBytes).toBeLessThan(report.undisturbedBytes * 1.25);
});

test("pulls that are killed once, at any moment, and run again make the same bundle and fetch little twice", {
  timeout: 90_000,
}, async () => {
  const trials = await killTrials({ trials: 3, bytes: 20_000_000, seed: 3, bytesPerSecond: 8_000_000 });
  expect(trials).toHaveLength(3);
  expect(trials.filter((trial) => !isGood(trial))).toEqual([]);
});
