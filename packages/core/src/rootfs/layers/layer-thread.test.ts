import { expect, onTestFinished, test } from "vitest";
import type { TestTask } from "../../../../../tests/support/layer-task.ts";
import { LayerWorkers } from "./layer-workers.ts";

const module = new URL("../../../../../tests/support/layer-task.ts", import.meta.url);

function startWorkers(maxThreads = 1): LayerWorkers {
  const workers = new LayerWorkers({ maxThreads });
  onTestFinished(() => workers[Symbol.asyncDispose]());
  return workers;
}

/** Runs a task; the second promise settles when it has started. */
function run(workers: LayerWorkers, task: TestTask, signal?: AbortSignal): [Promise<string>, Promise<void>] {
  const started = Promise.withResolvers<void>();
  const onMessage = (_: string) => started.resolve();
  return [workers.run<TestTask, string, string>(module, task, { signal, onMessage }), started.promise];
}

const answer = (text: string): TestTask => ({ does: "answer", answer: text });

test("tasks wait for a free thread and get it in their order", async () => {
  const workers = startWorkers();
  const order: string[] = [];
  const runs = ["a", "b", "c"].map((text) => run(workers, answer(text))[0].then((result) => order.push(result)));
  await Promise.all(runs);
  expect(order).toEqual(["a", "b", "c"]);
});

test("two threads work at once", async () => {
  const workers = startWorkers(2);
  const stop = new AbortController();
  const [first, firstStarted] = run(workers, { does: "wait" }, stop.signal);
  const [second, secondStarted] = run(workers, { does: "wait" }, stop.signal);
  await Promise.all([firstStarted, secondStarted]);
  stop.abort("enough");
  expect(await Promise.allSettled([first, second])).toEqual(Array(2).fill({ status: "rejected", reason: "enough" }));
});

test.for([{ does: "spin" }, { does: "wait" }] as const)(
  "a task that would $does for ever ends with its signal, and the next one runs",
  async (task) => {
    const workers = startWorkers();
    const stop = new AbortController();
    const [result, started] = run(workers, task, stop.signal);
    const [next] = run(workers, answer("next"));
    await started;
    stop.abort(new Error("stopped by hand"));
    await expect(result).rejects.toBe(stop.signal.reason);
    expect(await next).toBe("next");
  },
);

test("a task that is aborted while it waits in line leaves its place to the others", async () => {
  const workers = startWorkers();
  const [first, last] = [new AbortController(), new AbortController()];
  const [running, started] = run(workers, { does: "wait" }, first.signal);
  const [waiting] = run(workers, answer("never"), last.signal);
  const [next] = run(workers, answer("next"));
  await started;
  last.abort("gone");
  await expect(waiting).rejects.toBe("gone");
  first.abort("done");
  await expect(running).rejects.toBe("done");
  expect(await next).toBe("next");
  await expect(run(workers, answer("never"), last.signal)[0]).rejects.toBe("gone");
});

test("a thread that dies is an error, not a hang, and another one takes its place", async () => {
  const workers = startWorkers();
  await expect(run(workers, { does: "exit" })[0]).rejects.toThrow("ended with code 7");
  expect(await run(workers, answer("alive"))[0]).toBe("alive");
});

test("a module that is not there is an error", async () => {
  const missing = new URL("./nothing-task.ts", import.meta.url);
  await expect(startWorkers().run(missing, {})).rejects.toMatchObject({ code: "ERR_MODULE_NOT_FOUND" });
});

test("what a task throws keeps its name, message and code", async () => {
  const workers = startWorkers();
  const expected = { name: "TypeError", message: "no such thing", code: "ENOENT" };
  await expect(run(workers, { does: "throw" })[0]).rejects.toMatchObject(expected);
  expect(await run(workers, answer("alive"))[0]).toBe("alive");
});

test("messages come one at a time and in order, and a task waits while they are not handled", async () => {
  const sent = new SharedArrayBuffer(4);
  const heard: string[] = [];
  let most = 0;
  const onMessage = async (message: string) => {
    heard.push(message);
    for (let turn = 0; turn < 5; turn += 1) await new Promise(setImmediate);
    most = Math.max(most, (new Int32Array(sent)[0] as number) - heard.length);
    expect(heard.at(-1)).toBe(message);
  };
  const task: TestTask = { does: "flood", messages: 50, sent };
  expect(await startWorkers().run<TestTask, string, string>(module, task, { onMessage })).toBe("flooded");
  expect(heard).toEqual(["started", ...Array.from({ length: 50 }, (_, at) => `${at}`)]);
  expect(most).toBeLessThan(6);
});

test("a listener that throws ends the task, and is told nothing more", async () => {
  const workers = startWorkers();
  let heard = 0;
  const onMessage = () => {
    heard += 1;
    throw new RangeError("too much");
  };
  const task: TestTask = { does: "flood", messages: 50, sent: new SharedArrayBuffer(4) };
  await expect(workers.run(module, task, { onMessage })).rejects.toThrow(RangeError);
  expect(heard).toBe(1);
  expect(await run(workers, answer("next"))[0]).toBe("next");
});

test("a pool that ends takes its tasks along", async () => {
  const workers = startWorkers();
  const [running, started] = run(workers, { does: "spin" });
  const [waiting] = run(workers, answer("never"));
  await started;
  const ended = Promise.allSettled([running, waiting]);
  await workers[Symbol.asyncDispose]();
  expect((await ended).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  await expect(run(workers, answer("never"))[0]).rejects.toThrow("were ended");
});
