import { setImmediate } from "node:timers/promises";
import { expect, test } from "vitest";
import { mapInFlight } from "./map-in-flight.ts";

test("gives results in the order of the items, whichever is done first", async () => {
  const done: number[] = [];
  const gates = new Map([1, 2, 3].map((item) => [item, Promise.withResolvers<void>()]));
  const mapping = mapInFlight([3, 1, 2], 3, async (item) => {
    await gates.get(item)?.promise;
    done.push(item);
    return item * 10;
  });
  for (const gate of gates.values()) {
    gate.resolve();
    await setImmediate();
  }
  expect(await mapping).toEqual([30, 10, 20]);
  expect(done).toEqual([1, 2, 3]);
});

test("begins no more tasks than it may", async () => {
  let running = 0;
  let most = 0;
  const items = Array.from({ length: 1000 }, (_, at) => at);
  await mapInFlight(items, 7, async () => {
    running += 1;
    most = Math.max(most, running);
    await setImmediate();
    running -= 1;
  });
  expect(most).toBe(7);
});

test("begins nothing after a failure, and throws the first", async () => {
  const begun: number[] = [];
  const failing = mapInFlight([0, 1, 2, 3, 4, 5], 2, async (item) => {
    begun.push(item);
    await setImmediate();
    if (item === 1) throw new Error("the second cannot be done");
  });
  await expect(failing).rejects.toThrow("the second cannot be done");
  for (let turn = 0; turn < 10; turn += 1) await setImmediate();
  expect(begun).not.toContain(5);
});

test("makes nothing of nothing", async () => {
  expect(await mapInFlight([], 4, async () => 1)).toEqual([]);
});
