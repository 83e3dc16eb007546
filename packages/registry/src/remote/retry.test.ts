import { getEventListeners } from "node:events";
import { describe, expect, test, vi } from "vitest";
import { RegistryError } from "../errors.ts";
import { mayPass, type RetryOptions, withRetry } from "./retry.ts";

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
  { reason: "EAI_AGAIN", tries: 5 },
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

test("lets no two who failed together come back together", async () => {
  const pauses = new Set<number>();
  const onRetry = (_error: unknown, _attempt: number, delayMs: number) => pauses.add(delayMs);
  const calls = Array.from({ length: 20 }, () => withRetry(failing(network("ECONNRESET")), { delayMs: 100, onRetry }));
  await Promise.all(calls);
  expect(pauses.size).toBeGreaterThan(1);
});

test("leaves nothing on the signal", async () => {
  const { signal } = new AbortController();
  await withRetry(failing(network("ECONNRESET"), network("ECONNRESET")), { delayMs: 1, signal });
  expect(getEventListeners(signal, "abort")).toEqual([]);
});

describe("Retry-After", () => {
  const limited = (retryAfterMs: number) => new RegistryError("RATE_LIMITED", "429", { ...at, retryAfterMs });
  const unavailable = (retryAfterMs: number) =>
    new RegistryError("SERVER_ERROR", "503", { ...at, status: 503, retryAfterMs });

  test.for([
    { name: "429", error: limited },
    { name: "503", error: unavailable },
  ])("is honoured to the full, and such a wait after a $name uses up no try", async ({ error }) => {
    const pauses = await pausesOf(
      Array.from({ length: 9 }, () => error(20_000)),
      { attempts: 1 },
    );
    expect(pauses).toEqual(Array.from({ length: 9 }, () => 20_000));
  });

  test("that goes beyond the patience left ends the call at once", async () => {
    const errors = [limited(200_000), limited(99_000), limited(2000)];
    const work = pausesOf(errors, {});
    await expect(work).rejects.toMatchObject({ error: errors[2], pauses: [200_000, 99_000] });
    await expect(pausesOf([limited(86_400_000)], {})).rejects.toMatchObject({ pauses: [] });
  });

  test("is waited for as long as the caller allows", async () => {
    expect(await pausesOf([limited(86_400_000)], { throttleWaitMs: 86_400_000 })).toEqual([86_400_000]);
    await expect(pausesOf([limited(1000)], { throttleWaitMs: 0 })).rejects.toMatchObject({ pauses: [] });
    const longest = 999_999_999_000; // longer than any timer
    await expect(pausesOf([limited(longest)], { throttleWaitMs: Infinity })).rejects.toMatchObject({ pauses: [] });
  });

  test.for([0, 999])("of %s ms uses up a try", async (retryAfterMs) => {
    const errors = [limited(retryAfterMs), limited(retryAfterMs), limited(retryAfterMs)];
    await expect(pausesOf(errors, { attempts: 3 })).rejects.toMatchObject({ error: errors[2] });
  });
});

/** The pauses made on the way through these failures, on a clock that needs no time. */
async function pausesOf(errors: readonly unknown[], options: RetryOptions): Promise<number[]> {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const pauses: number[] = [];
  const onRetry = (_error: unknown, _attempt: number, delayMs: number) => pauses.push(delayMs);
  try {
    const work = withRetry(failing(...errors), { delayMs: 1, ...options, onRetry }).then(
      () => undefined,
      (error: unknown) => ({ error, pauses }),
    );
    await vi.runAllTimersAsync();
    const failure = await work;
    if (failure) throw Object.assign(new Error("gave up"), failure);
    return pauses;
  } finally {
    vi.useRealTimers();
  }
}

test("takes a try that moved something for the first of a new row", async () => {
  let position = 0;
  let tries = 0;
  const work = withRetry(
    async () => {
      tries += 1;
      if (tries <= 6) position += 1;
      throw network("ECONNRESET");
    },
    { attempts: 3, delayMs: 1, progress: () => position },
  );
  await expect(work).rejects.toMatchObject({ code: "NETWORK" });
  expect(tries).toBe(8); // the sixth still moved, then two more
});

test.for([
  [408, true],
  [500, true],
  [501, false],
  [502, true],
  [503, true],
  [504, true],
  [505, false],
] as const)("whether a %s may pass: %s", ([status, expected]) => {
  expect(mayPass(new RegistryError("SERVER_ERROR", "no", { ...at, status }), 1)).toBe(expected);
});

test("knows no certificate that mends itself", () => {
  expect(mayPass(new RegistryError("TLS", "no", { ...at, reason: "EPROTO" }), 1)).toBe(false);
});

test("ends a pause with the signal's own reason", async () => {
  const controller = new AbortController();
  const reason = { why: "not even an Error" };
  const onRetry = () => queueMicrotask(() => controller.abort(reason));
  const work = withRetry(failing(network("ECONNRESET")), { delayMs: 60_000, signal: controller.signal, onRetry });
  await expect(work).rejects.toBe(reason);
});
