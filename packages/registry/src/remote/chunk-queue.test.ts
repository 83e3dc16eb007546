import { expect, test } from "vitest";
import { ChunkQueue } from "./chunk-queue.ts";

const bytes = (...values: number[]) => Uint8Array.from(values);

test("chunks come as they were pushed, in memory of their own", async () => {
  const queue = new ChunkQueue(100);
  const borrowed = bytes(1, 2, 3);
  void queue.push(borrowed);
  borrowed.fill(0);
  void queue.push(bytes(4));
  void queue.push(bytes());
  queue.end();
  expect(await Array.fromAsync(queue.chunks())).toEqual([bytes(1, 2, 3), bytes(4)].map((one) => Buffer.from(one)));
});

test("memory is filled up by what comes next, until the reader takes it", async () => {
  const asked: number[] = [];
  const queue = new ChunkQueue(100, (needed) => {
    asked.push(needed);
    return new Uint8Array(4);
  });
  void queue.push(bytes(1));
  void queue.push(bytes(2, 3));
  void queue.push(bytes(4, 5, 6, 7, 8, 9));
  const chunks = queue.chunks();
  expect((await chunks.next()).value).toEqual(bytes(1, 2, 3, 4));
  expect((await chunks.next()).value).toEqual(bytes(5, 6, 7, 8));
  expect((await chunks.next()).value).toEqual(bytes(9));
  void queue.push(bytes(10)); // not into the memory of the 9, which is the reader's now
  queue.end();
  expect((await chunks.next()).value).toEqual(bytes(10));
  expect((await chunks.next()).done).toBe(true);
  expect(asked).toEqual([1, 5, 1, 1]);
});

test("a slow reader makes the writer wait", async () => {
  const queue = new ChunkQueue(4);
  expect(queue.push(bytes(1, 2, 3))).toBeUndefined();
  let isOver = false;
  const waiting = Promise.resolve(queue.push(bytes(4))).then(() => {
    isOver = true;
  });
  await new Promise(setImmediate);
  expect(isOver).toBe(false);
  await queue.chunks().next();
  await waiting;
});

test("a reader who waits gets what comes, and then the error", async () => {
  const queue = new ChunkQueue(100);
  const chunks = queue.chunks();
  const first = chunks.next();
  void queue.push(bytes(1));
  expect([...((await first).value ?? [])]).toEqual([1]);
  void queue.push(bytes(2));
  queue.end({ error: new Error("it broke") });
  expect([...((await chunks.next()).value ?? [])]).toEqual([2]);
  await expect(chunks.next()).rejects.toThrow("it broke");
});

test("a reader who leaves makes the writer stop", async () => {
  const queue = new ChunkQueue(1);
  const chunks = queue.chunks();
  const waiting = queue.push(bytes(1, 2));
  await chunks.next();
  await waiting;
  const full = queue.push(bytes(3));
  await chunks.return(undefined);
  await expect(full).rejects.toThrow("left");
  expect(() => queue.push(bytes(4))).toThrow("left");
});

test("memory of no bytes is an error, not a loop without end", () => {
  const queue = new ChunkQueue(100, () => new Uint8Array());
  expect(() => queue.push(bytes(1))).toThrow(RangeError);
});
