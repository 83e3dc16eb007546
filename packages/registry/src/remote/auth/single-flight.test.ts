import { expect, test } from "vitest";
import { SingleFlight } from "./single-flight.ts";

test("work is done once for all who wait, and again for who comes later", async () => {
  const flights = new SingleFlight<number>();
  let count = 0;
  const work = async () => {
    count += 1;
    return count;
  };
  expect(await Promise.all([flights.join("a", work), flights.join("a", work), flights.join("b", work)])).toEqual([
    1, 1, 2,
  ]);
  expect(await flights.join("a", work)).toBe(3);
});

test("a failure reaches all who wait, and nobody later", async () => {
  const flights = new SingleFlight<string>();
  const fail = () => Promise.reject(new Error("oops"));
  const both = await Promise.allSettled([flights.join("a", fail), flights.join("a", fail)]);
  expect(both.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  expect(await flights.join("a", async () => "well")).toBe("well");
});

test("work that ignores its abort does not come back to who starts anew", async () => {
  const flights = new SingleFlight<string>();
  const slow = Promise.withResolvers<string>();
  const controller = new AbortController();
  const first = flights.join("a", () => slow.promise, controller.signal);
  controller.abort(new Error("enough"));
  await expect(first).rejects.toThrow("enough");
  const second = flights.join("a", async () => "new");
  slow.resolve("old");
  expect(await second).toBe("new");
});

test("who comes with an aborted signal starts nothing", async () => {
  const flights = new SingleFlight<string>();
  const reason = new Error("enough");
  const work = () => expect.fail("the work was started");
  await expect(flights.join("a", work, AbortSignal.abort(reason))).rejects.toBe(reason);
});
