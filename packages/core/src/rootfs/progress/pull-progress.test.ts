import { expect, test } from "vitest";
import { type PullCounts, type PullProgress, PullProgressTracker } from "./pull-progress.ts";

function aTracker(intervalMs?: number) {
  const told: PullProgress[] = [];
  const clock = { ms: 1000 };
  const tracker = new PullProgressTracker((progress) => told.push(progress), { intervalMs, now: () => clock.ms });
  return { told, clock, tracker };
}

function counts(downloadedBytes: number, more: Partial<PullCounts> = {}): PullCounts {
  return { totalBytes: 1_000_000, downloadedBytes, totalLayers: 2, completedLayers: 0, ...more };
}

test.for([
  {
    name: "the bytes",
    given: { totalBytes: 140, downloadedBytes: 65, totalLayers: 2, completedLayers: 1 },
    percent: 46.4,
  },
  {
    name: "the layers",
    given: { totalBytes: 0, downloadedBytes: 65, totalLayers: 2, completedLayers: 1 },
    percent: 50,
  },
  { name: "nothing", given: { totalBytes: 0, downloadedBytes: 0, totalLayers: 0, completedLayers: 0 }, percent: 0 },
  {
    name: "more than all",
    given: { totalBytes: 10, downloadedBytes: 11, totalLayers: 1, completedLayers: 0 },
    percent: 100,
  },
])("percent counts $name", ({ given, percent }) => {
  const { told, tracker } = aTracker();
  tracker.tell(given);
  expect(told[0]?.percent).toBeCloseTo(percent, 1);
});

test("counts are told at most once in 800 ms, and at once when it is asked for", () => {
  const { told, clock, tracker } = aTracker();
  tracker.update(counts(0));
  clock.ms += 799;
  tracker.update(counts(10));
  expect(told.map((one) => one.downloadedBytes)).toEqual([0]);
  clock.ms += 1;
  tracker.update(counts(20));
  tracker.tell(counts(30, { completedLayers: 1 }));
  tracker.update(counts(40));
  expect(told.map((one) => one.downloadedBytes)).toEqual([0, 20, 30]);
  tracker.flush();
  tracker.flush();
  expect(told.map((one) => one.downloadedBytes)).toEqual([0, 20, 30, 40]);
});

test("nothing told goes back when bytes are fetched again", () => {
  const { told, tracker } = aTracker(0);
  for (const bytes of [0, 500_000, 100_000, 600_000]) tracker.update(counts(bytes));
  expect(told.map((one) => one.downloadedBytes)).toEqual([0, 500_000, 500_000, 600_000]);
  expect(told.map((one) => one.percent)).toEqual([0, 50, 50, 60]);
});

test("the speed starts at 0, follows slowly, and does not count what was at hand", () => {
  const { told, clock, tracker } = aTracker(1000);
  const second = (downloadedBytes: number, presentBytes = 0) => {
    tracker.update(counts(downloadedBytes, { presentBytes }));
    clock.ms += 1000;
    return told.at(-1)?.speedBps ?? -1;
  };
  expect(second(0)).toBe(0);
  expect(second(1000)).toBe(1000);
  expect(second(2000)).toBe(1000);
  const slower = second(2000); // one second in which nothing came
  expect(slower).toBeGreaterThan(500);
  expect(slower).toBeLessThan(1000);
  expect(second(902_000, 900_000)).toBeLessThan(slower);
});
