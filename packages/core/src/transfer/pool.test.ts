import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import { Pool } from "./pool.ts";

const { signal } = new AbortController();

test("runs tasks in the order they were handed in, so many at a time, also those handed in meanwhile", async () => {
  const pool = new Pool(3);
  const begun: number[] = [];
  let running = 0;
  let most = 0;
  const hand = (number: number) =>
    pool.run(async () => {
      begun.push(number);
      running += 1;
      most = Math.max(most, running);
      await setImmediate();
      running -= 1;
    }, signal);
  const first = Array.from({ length: 50 }, (_, at) => hand(at));
  await setImmediate();
  const later = Array.from({ length: 50 }, (_, at) => hand(50 + at));
  await Promise.all([...first, ...later]);
  expect(begun).toEqual(Array.from({ length: 100 }, (_, at) => at));
  expect(most).toBe(3);
});

test("takes tasks again after it was empty, and after some have failed", async () => {
  const pool = new Pool(1);
  const failing = Array.from({ length: 10 }, () => pool.run(() => Promise.reject(new Error("no")), signal));
  const outcomes = await Promise.allSettled(failing);
  expect(outcomes.every(({ status }) => status === "rejected")).toBe(true);
  expect(await Promise.all([pool.run(async () => 1, signal), pool.run(async () => 2, signal)])).toEqual([1, 2]);
});

test("a task that waits when the signal ends is not begun", async () => {
  const pool = new Pool(1);
  const stop = new AbortController();
  let begun = 0;
  const first = pool.run(async () => {
    begun += 1;
    stop.abort(new Error("stopped"));
  }, stop.signal);
  const second = pool.run(async () => {
    begun += 1;
  }, stop.signal);
  await first;
  await expect(second).rejects.toThrow("stopped");
  expect(begun).toBe(1);
});
