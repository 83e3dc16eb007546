import { expect, test } from "vitest";
import { Held } from "./held.ts";

function logging(order: string[], name: string, failure?: Error): AsyncDisposable {
  return {
    [Symbol.asyncDispose]: async () => {
      order.push(name);
      if (failure) throw failure;
    },
  };
}

test("what is held goes the newest first, all of it whatever fails, and once", async () => {
  const order: string[] = [];
  const held = new Held();
  const [second, third] = [new Error("second"), new Error("third")];
  held.use(logging(order, "first"));
  held.use(logging(order, "second", second));
  held.use(logging(order, "third", third));
  await expect(held[Symbol.asyncDispose]()).rejects.toBe(third);
  expect(order).toEqual(["third", "second", "first"]);
  await held[Symbol.asyncDispose]();
  expect(order).toHaveLength(3);
});

test("what was moved is held elsewhere", async () => {
  const order: string[] = [];
  const held = new Held();
  held.use(logging(order, "moved"));
  const moved = held.move();
  await held[Symbol.asyncDispose]();
  expect(order).toEqual([]);
  await moved[Symbol.asyncDispose]();
  expect(order).toEqual(["moved"]);
});
