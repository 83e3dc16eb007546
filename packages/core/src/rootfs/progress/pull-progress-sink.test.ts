import { expect, test } from "vitest";
import type { PullProgress } from "./pull-progress.ts";
import { PullProgressSink } from "./pull-progress-sink.ts";

function progress(downloadedBytes: number, more: Partial<PullProgress> = {}): PullProgress {
  const counts = { totalBytes: 1000, downloadedBytes, totalLayers: 2, completedLayers: 0 };
  return { ...counts, speedBps: 0, percent: downloadedBytes / 10, ...more };
}

/** Saves that end when the test lets them. */
function gated() {
  const saves: { readonly saved: PullProgress; readonly end: PromiseWithResolvers<void> }[] = [];
  const save = (saved: PullProgress) => {
    const end = Promise.withResolvers<void>();
    saves.push({ saved, end });
    return end.promise;
  };
  return { saves, save };
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}

test("one save is under way at a time, and the newest comes next", async () => {
  const { saves, save } = gated();
  const sink = new PullProgressSink(save, { intervalMs: 0 });
  for (const bytes of [100, 200, 300]) {
    sink.update(progress(bytes));
    await turns();
  }
  expect(saves.map(({ saved }) => saved.downloadedBytes)).toEqual([100]);
  saves[0]?.end.resolve();
  await turns();
  expect(saves.map(({ saved }) => saved.downloadedBytes)).toEqual([100, 300]);
});

test("a speed that was told stays, and where none is it is measured", async () => {
  const saved: PullProgress[] = [];
  const clock = { ms: 0 };
  const save = async (one: PullProgress) => void saved.push(one);
  const sink = new PullProgressSink(save, { intervalMs: 1000, now: () => clock.ms });
  for (const [bytes, speedBps] of [
    [0, 0],
    [200, 0],
    [100, 0],
    [400, 77],
  ] as const) {
    sink.update(progress(bytes, { speedBps }));
    await turns();
    clock.ms += 1000;
  }
  expect(saved.map(({ speedBps }) => speedBps)).toEqual([0, 200, expect.closeTo(90, 0), 77]);
  expect(saved.map(({ downloadedBytes }) => downloadedBytes)).toEqual([0, 200, 200, 400]);
});

test.for([
  { isCompleted: true, end: { downloadedBytes: 1000, completedLayers: 2, percent: 100, speedBps: 0 } },
  { isCompleted: false, end: { downloadedBytes: 300, completedLayers: 0, percent: 30, speedBps: 0 } },
])(
  "the end is saved after what is under way, in its own time: completed $isCompleted",
  async ({ isCompleted, end }) => {
    const { saves, save } = gated();
    const caller = new AbortController();
    const sink = new PullProgressSink(save, { intervalMs: 0 });
    sink.update(progress(100));
    await turns();
    sink.update(progress(300, { speedBps: 50 }));
    caller.abort(); // nothing of it reaches the sink
    const finished = sink.finish(isCompleted);
    saves[0]?.end.reject(new Error("no connection"));
    await turns();
    expect(saves).toHaveLength(2);
    expect(saves[1]?.saved).toMatchObject({ totalBytes: 1000, totalLayers: 2, ...end });
    saves[1]?.end.resolve();
    await finished;
  },
);

test("an end that is not saved in its time is given up, and told; nothing told is nothing saved", async () => {
  const { saves, save } = gated();
  const sink = new PullProgressSink(save, { deadlineMs: 1 });
  await sink.finish(true);
  expect(saves).toEqual([]);
  const failures: unknown[] = [];
  const slow = new PullProgressSink(save, { deadlineMs: 1, onFailure: (error) => failures.push(error) });
  slow.update(progress(1));
  await turns();
  await expect(slow.finish(true)).rejects.toThrow("progress was not saved in 1 ms");
  expect(failures).toHaveLength(1);
});
