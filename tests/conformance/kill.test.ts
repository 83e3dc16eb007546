import { expect, test } from "vitest";
import { allowedBytes, killRun } from "../soak/kill-run.ts";

test("a pull that is killed three times and run again makes the same bundle and fetches little twice", {
  timeout: 90_000,
}, async () => {
  const report = await killRun({ bytes: 20_000_000, kills: 3, seed: 1, bytesPerSecond: 2_000_000 });
  expect(report.archives).toBe(8); // six packages, their release metadata, the lock file
  expect(report.differing).toEqual([]);
  expect(report.disturbedBytes).toBeLessThanOrEqual(allowedBytes(report));
});
