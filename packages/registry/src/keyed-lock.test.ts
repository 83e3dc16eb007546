import { expect, test } from "vitest";
import { KeyedLock } from "./keyed-lock.ts";

test("work of one key waits for the work before it, failed or not, and of another key does not", async () => {
  const lock = new KeyedLock();
  const log: string[] = [];
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const first = lock.run("a", async () => {
    await gate;
    log.push("first");
    throw new Error("failed");
  });
  const second = lock.run("a", async () => void log.push("second"));
  await lock.run("b", async () => void log.push("other"));
  open();
  await expect(first).rejects.toThrow("failed");
  await second;
  expect(log).toEqual(["other", "first", "second"]);
});
