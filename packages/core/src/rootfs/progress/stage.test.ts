import { expect, test } from "vitest";
import type { RootfsEvent } from "../events.ts";
import { StageProgress } from "./stage.ts";

test("a stage tells its beginning, not each step of many, all that was done in the end, and its end", () => {
  const events: RootfsEvent[] = [];
  const stage = new StageProgress("merge", (event) => events.push(event), "files", 1000);
  for (let count = 0; count < 1000; count += 1) stage.add(1);
  stage.finish();
  expect([events[0], events.at(-1)]).toMatchObject([
    { type: "stage.started", stage: "merge" },
    { type: "stage.finished", stage: "merge", elapsedMs: expect.any(Number) },
  ]);
  expect(events.at(-2)).toEqual({ type: "stage.progress", stage: "merge", done: 1000, total: 1000, unit: "files" });
  expect(events.length).toBeLessThan(500);
});
