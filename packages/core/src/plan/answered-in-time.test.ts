import { isRegistryError } from "@tranship/registry";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { answeredInTime } from "./answered-in-time.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const never = new AbortController().signal;

/** A list that gives an item whenever told to, and remembers the signal it was opened with. */
function aList() {
  const gates = [0, 1, 2, 3].map(() => Promise.withResolvers<void>());
  const seen: { signal?: AbortSignal } = {};
  async function* open(signal: AbortSignal): AsyncGenerator<number> {
    seen.signal = signal;
    for (const [item, gate] of gates.entries()) {
      await gate.promise;
      yield item;
    }
  }
  return { open, seen, give: (item: number) => gates[item]?.resolve() };
}

test("every item has the whole time, so that a long list may take long", async () => {
  const list = aList();
  const items: number[] = [];
  const reading = (async () => {
    for await (const item of answeredInTime(list.open, { ms: 100, signal: never, what: "h/r" })) items.push(item);
  })();
  for (const item of [0, 1, 2, 3]) {
    await vi.advanceTimersByTimeAsync(90);
    list.give(item);
  }
  await reading;
  expect(items).toEqual([0, 1, 2, 3]);
  expect(vi.getTimerCount()).toBe(0);
});

test("a list that heeds no signal is left all the same, is told to end, and the error is no cancellation", async () => {
  const list = aList();
  list.give(0);
  const items = answeredInTime(list.open, { ms: 100, signal: never, what: "h/r" });
  expect(await items.next()).toEqual({ done: false, value: 0 });
  const late = expect(items.next()).rejects.toSatisfy(
    (error) => isRegistryError(error, "TIMEOUT") && error.message === "h/r gave no answer for 100 ms",
  );
  await vi.advanceTimersByTimeAsync(99);
  expect(list.seen.signal?.aborted).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  await late;
  expect(list.seen.signal?.aborted).toBe(true);
});

test("0 waits for ever", async () => {
  const list = aList();
  const first = answeredInTime(list.open, { ms: 0, signal: never, what: "h/r" }).next();
  await vi.advanceTimersByTimeAsync(1_000_000_000);
  list.give(0);
  expect(await first).toEqual({ done: false, value: 0 });
});
