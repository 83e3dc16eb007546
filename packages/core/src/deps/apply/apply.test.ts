import type { FileFetcher } from "@tranship/registry";
import { expect, onTestFinished, test, vi } from "vitest";
import type { DepsAccess } from "../access.ts";
import { DepsError } from "../errors.ts";
import type { DepsEvent } from "../events.ts";
import type { BringContext, ItemJob } from "../jobs/item-job.ts";
import type { DepsItem } from "../manifest.ts";
import type { Presence } from "../plan.ts";
import { applyDeps } from "./apply-deps.ts";
import { type CacheParts, planDeps } from "./plan-deps.ts";

const nobody = () => {
  throw new Error("nobody is to be asked");
};
const cache: CacheParts = {
  contents: { check: nobody, note: nobody, known: nobody },
  staging: { fill: nobody, blank: nobody, prepare: nobody },
};
const access: DepsAccess = { files: { fetch: nobody } satisfies FileFetcher, registry: nobody };

function item(id: string, host = "a.example", size = 10): DepsItem {
  return {
    id,
    version: "1",
    source: { type: "http", urls: [`https://${host}/${id}`] },
    size,
    selectors: {},
    sink: { type: "file", path: `/cache/${id}`, links: [] },
    labels: { name: `the ${id}` },
  };
}

/** A job that takes a slot with the item's host and then does what the test says. */
function job(
  bring: (id: string, context: BringContext) => Promise<void> = async () => {},
  presence: (id: string) => Presence = () => "absent",
): ItemJob {
  return {
    probe: async ({ id }) => presence(id),
    bring: async ({ id, source }, context) => {
      const host = source.type === "http" ? new URL(source.urls[0] ?? "").host : "";
      using _slot = await context.slots.take(host, context.signal);
      context.progress.started();
      await bring(id, context);
      context.progress.add(10);
      return { sizeBytes: 10 };
    },
    content: async () => ({ sizeBytes: 10 }),
  };
}

async function run(items: readonly DepsItem[], one: ItemJob, options: Parameters<typeof applyDeps>[3] = {}) {
  const events: DepsEvent[] = [];
  const onEvent = (event: DepsEvent) => events.push(event);
  const jobs = { http: one };
  const plan = await planDeps(items, cache, { jobs, onEvent, isOffline: options.isOffline });
  const result = await applyDeps(plan, cache, access, { jobs, onEvent, ...options }).then(
    (report) => ({ report, error: undefined }),
    (error: unknown) => ({ report: undefined, error }),
  );
  const of = (id: string) => events.flatMap((event) => ("item" in event && event.item === id ? [event.type] : []));
  return { plan, events, of, ...result };
}

const lastEvents = ["cached", "done", "failed"];

function expectOneEndEach(events: readonly DepsEvent[], items: readonly DepsItem[]): void {
  for (const { id } of items) {
    const ends = events.filter((event) => "item" in event && event.item === id && lastEvents.includes(event.type));
    expect(ends, id).toHaveLength(1);
  }
}

test("what is there is told as cached, the rest is brought, each with one last event", async () => {
  const items = ["one", "two", "three"].map((id) => item(id));
  const { plan, of, events, report } = await run(
    items,
    job(undefined, (id) => (id === "two" ? "present" : "absent")),
  );
  expect(plan).toMatchObject({ present: 1, missing: 2, totalBytes: 30, missingBytes: 20 });
  expect(of("two")).toEqual(["checking", "cached"]);
  expect(of("one")).toEqual(["checking", "queued", "started", "progress", "done"]);
  expectOneEndEach(events, items);
  expect(report).toMatchObject({ cached: 1, done: 2, failed: 0, doneBytes: 20 });
  expect(report?.items.map(({ outcome }) => outcome)).toEqual(["done", "cached", "done"]);
});

test("a failure ends the work: others under way and waiting fail as aborted", async () => {
  const items = ["bad", "slow", "waiting", "last"].map((id) => item(id));
  const failing = job(async (id, { signal }) => {
    if (id === "bad") throw new DepsError("SIZE_MISSING", "no size", { item: id });
    await new Promise((_resolve, reject) => {
      signal.addEventListener("abort", () => reject(signal.reason));
      if (signal.aborted) reject(signal.reason);
    });
  });
  const { error, events } = await run(items, failing, { concurrency: 2 });
  expect(error).toMatchObject({ code: "SIZE_MISSING" });
  expectOneEndEach(events, items);
  const codes = events.flatMap((event) => (event.type === "failed" ? [[event.item, event.error.code]] : []));
  expect(Object.fromEntries(codes)).toEqual({
    bad: "SIZE_MISSING",
    slow: "ABORTED",
    waiting: "ABORTED",
    last: "ABORTED",
  });
});

test("with keepGoing the others are brought, and the report tells what failed", async () => {
  const items = ["bad", "good"].map((id) => item(id));
  const failing = job(async (id) => {
    if (id === "bad") throw new DepsError("SIZE_MISSING", "no size", { item: id });
  });
  const { report } = await run(items, failing, { keepGoing: true });
  expect(report).toMatchObject({ done: 1, failed: 1 });
  expect(report?.items[0]?.failure).toEqual({ code: "SIZE_MISSING", message: "no size" });
});

test("a caller's signal rejects with its reason, and every item has its last event", async () => {
  const items = ["one", "two"].map((id) => item(id));
  const caller = new AbortController();
  const reason = new Error("enough");
  const { error, events } = await run(
    items,
    job(async (_id, { signal }) => {
      caller.abort(reason);
      signal.throwIfAborted();
    }),
    { signal: caller.signal },
  );
  expect(error).toBe(reason);
  expectOneEndEach(events, items);
});

test("who was told of an item is told of its end, also when the look at what is there breaks off", async () => {
  const items = ["cached", "absent", "last"].map((id) => item(id));
  const caller = new AbortController();
  const broken = new DepsError("FILE_FAILED", "no such luck", { path: "/cache/last", reason: "EACCES" });
  for (const [end, lastCode] of [
    [() => Promise.reject(broken), "FILE_FAILED"],
    [async () => caller.abort(broken), "ABORTED"],
  ] as const) {
    const events: DepsEvent[] = [];
    const one: ItemJob = {
      ...job(),
      probe: async ({ id }) => {
        if (id === "last") await end();
        return id === "cached" ? "present" : "absent";
      },
    };
    const onEvent = (event: DepsEvent) => events.push(event);
    const planning = planDeps(items, cache, { jobs: { http: one }, concurrency: 1, signal: caller.signal, onEvent });
    await expect(planning).rejects.toBe(broken);
    expectOneEndEach(events, items);
    const codes = events.flatMap((event) => (event.type === "failed" ? [event.error.code] : []));
    expect(codes.sort()).toEqual(["ABORTED", lastCode].sort());
  }
});

test("what takes events and throws ends the work, and no item is said to have failed by it", async () => {
  const items = ["one", "two"].map((id) => item(id));
  const plan = await planDeps(items, cache, { jobs: { http: job() } });
  const broken = new Error("no more room on the screen");
  for (const type of ["progress", "done"] as const) {
    const events: DepsEvent[] = [];
    const onEvent = (event: DepsEvent) => {
      events.push(event);
      if (event.type === type) throw broken;
    };
    const options = { jobs: { http: job() }, keepGoing: true, concurrency: 1, onEvent };
    await expect(applyDeps(plan, cache, access, options)).rejects.toBe(broken);
    expectOneEndEach(events, items);
    expect(events.flatMap((event) => (event.type === "failed" ? [event.error.code] : []))).not.toContain(
      "TRANSFER_FAILED",
    );
  }
});

test("offline, what is missing fails without anybody being asked, and what nothing pins is taken as it is", async () => {
  const items = ["missing", "branch", "elsewhere"].map((id) => item(id));
  const one: ItemJob = {
    ...job(nobody, (id) => (id === "branch" ? "unpinned" : "absent")),
    bringOffline: async ({ id }) => (id === "elsewhere" ? { sizeBytes: 10 } : undefined),
  };
  const { report, of } = await run(items, one, { isOffline: true, keepGoing: true });
  expect(of("branch")).toEqual(["checking", "cached"]);
  expect(report?.items.map(({ failure }) => failure?.code)).toEqual(["OFFLINE", undefined, undefined]);
  expect(report?.items.map(({ outcome }) => outcome)).toEqual(["failed", "cached", "done"]);
});

test("a busy host is not in the way of others, and limits hold", async () => {
  const items = [...["a1", "a2", "a3"].map((id) => item(id)), item("b1", "b.example"), item("b2", "b.example")];
  let busy = 0;
  let most = 0;
  const order: string[] = [];
  const counting = job(async (id) => {
    order.push(id);
    if (!id.startsWith("a")) return;
    busy += 1;
    most = Math.max(most, busy);
    await new Promise((resolve) => setImmediate(resolve));
    busy -= 1;
  });
  await run(items, counting, { hostLimits: { "a.example": 1 }, concurrency: 2 });
  expect(most).toBe(1);
  expect(order).toEqual(["a1", "b1", "b2", "a2", "a3"]); // also when a place of the others gets free
});

test.for([
  [undefined, 4],
  [0, 4],
  [-3, 4],
  [3, 3],
] as const)("with a concurrency of %s, %i are under way", async ([concurrency, expected]) => {
  const items = ["a", "b", "c", "d", "e", "f"].map((id) => item(id, `${id}.example`));
  let busy = 0;
  let most = 0;
  const counting = job(async () => {
    busy += 1;
    most = Math.max(most, busy);
    await new Promise((resolve) => setImmediate(resolve));
    busy -= 1;
  });
  await run(items, counting, { concurrency });
  expect(most).toBe(expected);
});

test("progress is told now and then, with what people call the item and its total, and never goes back", async () => {
  vi.useFakeTimers({ toFake: ["performance"] });
  onTestFinished(() => void vi.useRealTimers());
  const one = job(async (_id, { progress }) => {
    for (let count = 0; count < 100; count += 1) {
      progress.add(count % 5 === 4 ? -60 : 20); // what turns out to be worthless counts no longer
      vi.advanceTimersByTime(30);
    }
  });
  const { events } = await run([item("one", undefined, 9000)], one);
  const told = events.flatMap((event) => (event.type === "progress" ? [event] : []));
  expect(told[0]).toEqual({
    type: "progress",
    item: "one",
    name: "the one",
    path: "/cache/one",
    current: 20,
    total: 9000,
  });
  expect(told.length).toBeGreaterThan(10);
  expect(told.length).toBeLessThanOrEqual(30); // of three seconds
  expect(told.map(({ current }) => current)).toEqual(told.map(({ current }) => current).sort((a, b) => a - b));
});

test("a source and a sink that do not go together are refused before anything is done", async () => {
  const odd: DepsItem = { ...item("odd"), sink: { type: "layout", path: "/cache/l", names: [] } };
  await expect(planDeps([item("fine"), odd], cache, { jobs: { http: job(nobody, nobody) } })).rejects.toMatchObject({
    code: "SINK_UNSUITABLE",
  });
});
