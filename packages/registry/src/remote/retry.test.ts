import { expect, test } from "vitest";
import { RegistryError } from "../errors.ts";
import { withRetry } from "./retry.ts";

const at = { registry: "host", reference: "host/app" };
const network = (reason: string) => new RegistryError("NETWORK", "no connection", { ...at, reason });

/** Fails with each of these in turn, then works. */
function failing(...errors: readonly unknown[]) {
  const left = [...errors];
  return async (n: number) => {
    if (left.length > 0) throw left.shift();
    return n;
  };
}

test("gives the first result there is, and tells of every repetition", async () => {
  const told: unknown[] = [];
  const errors = [network("ECONNRESET"), new RegistryError("SERVER_ERROR", "500", { ...at, status: 500 })];
  const onRetry = (error: unknown, attempt: number) => told.push([error, attempt]);
  expect(await withRetry(failing(...errors), { delayMs: 1, onRetry })).toBe(3);
  expect(told).toEqual([
    [errors[0], 1],
    [errors[1], 2],
  ]);
});

test.for([
  { name: "a missing manifest", error: new RegistryError("NOT_FOUND", "missing", at) },
  {
    name: "bytes that do not match",
    error: new RegistryError("DIGEST_MISMATCH", "other", { reference: "", expected: "", actual: "" }),
  },
  { name: "an error of the program", error: new TypeError("oops") },
])("does not try again after $name", async ({ error }) => {
  await expect(withRetry(failing(error), { delayMs: 1 })).rejects.toBe(error);
});

test.for([
  { reason: "ECONNRESET", tries: 5 },
  { reason: "ENOTFOUND", tries: 3 },
  { reason: "ECONNREFUSED", tries: 3 },
])("asks $tries times at $reason", async ({ reason, tries }) => {
  let asked = 0;
  const work = withRetry(
    async () => {
      asked += 1;
      throw network(reason);
    },
    { delayMs: 1 },
  );
  await expect(work).rejects.toMatchObject({ code: "NETWORK" });
  expect(asked).toBe(tries);
});

test("doubles its pauses, gives them jitter, and never goes below Retry-After", async () => {
  const pauses: number[] = [];
  const limited = new RegistryError("RATE_LIMITED", "429", { ...at, retryAfterMs: 30 });
  const errors = [network("ECONNRESET"), network("ECONNRESET"), network("ECONNRESET"), limited];
  await withRetry(failing(...errors), { delayMs: 4, onRetry: (_error, _attempt, delayMs) => pauses.push(delayMs) });
  const [first = 0, second = 0, third = 0, fourth = 0] = pauses;
  for (const [pause, ideal] of [
    [first, 4],
    [second, 8],
    [third, 16],
  ] as const) {
    expect(pause).toBeGreaterThanOrEqual(ideal / 2);
    expect(pause).toBeLessThanOrEqual(ideal);
  }
  expect(fourth).toBeGreaterThanOrEqual(30);
});

test("waits no longer than five minutes, whatever the registry asks for", async () => {
  const limited = new RegistryError("RATE_LIMITED", "429", { ...at, retryAfterMs: 86_400_000 });
  const controller = new AbortController();
  const pauses: number[] = [];
  const onRetry = (_error: unknown, _attempt: number, delayMs: number) => {
    pauses.push(delayMs);
    controller.abort(new Error("enough"));
  };
  await expect(withRetry(failing(limited), { signal: controller.signal, onRetry })).rejects.toThrow("enough");
  expect(pauses).toEqual([300_000]);
});

test("ends a pause with the signal's own reason", async () => {
  const controller = new AbortController();
  const reason = { why: "not even an Error" };
  const onRetry = () => queueMicrotask(() => controller.abort(reason));
  const work = withRetry(failing(network("ECONNRESET")), { delayMs: 60_000, signal: controller.signal, onRetry });
  await expect(work).rejects.toBe(reason);
});
