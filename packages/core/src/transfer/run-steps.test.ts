import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { runSteps, type Step } from "./run-steps.ts";

/** Steps by number; each needs some with a smaller number, and they are given in shuffled order. */
const graphs: fc.Arbitrary<{ readonly order: readonly number[]; readonly needs: readonly (readonly number[])[] }> = fc
  .integer({ min: 1, max: 30 })
  .chain((count) =>
    fc.record({
      order: fc.shuffledSubarray([...Array(count).keys()], { minLength: count, maxLength: count }),
      needs: fc.tuple(
        ...Array.from({ length: count }, (_, id) => fc.subarray([...Array(id).keys()], { maxLength: Math.min(id, 3) })),
      ),
    }),
  );

function idsOf(numbers: readonly number[]): readonly string[] {
  return numbers.map((number) => `s${number}`);
}

describe("runSteps", () => {
  test("runs every step once, after what it needs, within its width", async () => {
    await fc.assert(
      fc.asyncProperty(graphs, fc.integer({ min: 1, max: 6 }), fc.scheduler(), async (graph, inFlight, scheduler) => {
        const done = new Set<string>();
        let running = 0;
        let widest = 0;
        const steps = graph.order.map((number): Step => {
          const [id, needs] = [`s${number}`, idsOf(graph.needs[number] ?? [])];
          return {
            id,
            needs,
            async run() {
              expect(done.has(id)).toBe(false);
              expect(needs.filter((need) => !done.has(need))).toEqual([]);
              running += 1;
              widest = Math.max(widest, running);
              await scheduler.schedule(Promise.resolve());
              running -= 1;
              done.add(id);
            },
          };
        });
        const [failures] = await Promise.all([runSteps(steps, { inFlight }), scheduler.waitIdle()]);
        expect(failures).toEqual([]);
        expect(done.size).toBe(steps.length);
        expect(widest).toBeLessThanOrEqual(inFlight);
      }),
    );
  });

  test("goes on with exactly the steps that need nothing that failed", async () => {
    await fc.assert(
      fc.asyncProperty(graphs, fc.integer({ min: 0, max: 29 }), async (graph, broken) => {
        const lost = new Set<number>();
        for (const [number, needs] of graph.needs.entries()) {
          if (number === broken || needs.some((need) => lost.has(need))) lost.add(number);
        }
        const done: number[] = [];
        const steps = graph.order.map(
          (number): Step => ({
            id: `s${number}`,
            needs: idsOf(graph.needs[number] ?? []),
            async run() {
              if (number === broken) throw new Error("broken");
              done.push(number);
            },
          }),
        );
        const failures = await runSteps(steps, { inFlight: 3, keepGoing: true });
        expect(failures.map(({ id }) => id)).toEqual(lost.size > 0 ? [`s${broken}`] : []);
        expect(done.sort((a, b) => a - b)).toEqual([...graph.needs.keys()].filter((number) => !lost.has(number)));
      }),
    );
  });

  test("starts, among those that could, the one given first", async () => {
    const started: string[] = [];
    const step = (id: string, ...needs: string[]): Step => ({ id, needs, run: async () => void started.push(id) });
    await runSteps([step("d", "b"), step("c"), step("a", "d"), step("b")], { inFlight: 1 });
    expect(started).toEqual(["c", "b", "d", "a"]);
  });

  test("throws the first failure after the others have settled", async () => {
    const failure = new Error("first");
    let settled = 0;
    const waiting: Step = {
      id: "waiting",
      run: (signal) =>
        new Promise((_, reject) =>
          signal.addEventListener("abort", () =>
            setImmediate(() => {
              settled += 1;
              reject(new Error("second"));
            }),
          ),
        ),
    };
    const failing: Step = { id: "failing", run: () => Promise.reject(failure) };
    const never: Step = { id: "never", needs: ["waiting"], run: () => expect.unreachable() };
    await expect(runSteps([waiting, failing, never], { inFlight: 2 })).rejects.toBe(failure);
    expect(settled).toBe(1);
  });

  test("takes what a step throws at once as its failure", async () => {
    const failure = new Error("at once");
    const throwing: Step = {
      id: "throwing",
      run() {
        throw failure;
      },
    };
    await expect(runSteps([throwing], { inFlight: 1 })).rejects.toBe(failure);
  });

  test.for([true, false])("an aborted run rejects with the signal's reason, keepGoing %s", async (keepGoing) => {
    const controller = new AbortController();
    const reason = new Error("enough");
    let settled = false;
    const first: Step = {
      id: "first",
      run: async (signal) => {
        controller.abort(reason);
        expect(signal.reason).toBe(reason);
        await new Promise(setImmediate);
        settled = true;
      },
    };
    const next: Step = { id: "next", needs: ["first"], run: () => expect.unreachable() };
    const options = { inFlight: 2, keepGoing, signal: controller.signal };
    await expect(runSteps([first, next], options)).rejects.toBe(reason);
    expect(settled).toBe(true);
    await expect(runSteps([{ ...next, needs: [] }], options)).rejects.toBe(reason);
  });

  test.for([
    { name: "an id used twice", steps: [["a"], ["a"]], message: /two steps are called a/ },
    { name: "a need that is no step", steps: [["a", "b"]], message: /a needs b/ },
    { name: "a step that waits for itself", steps: [["a", "a"]], message: /waits/ },
    { name: "a circle behind other steps", steps: [["a"], ["b", "a", "d"], ["c", "b"], ["d", "c"]], message: /waits/ },
  ])("refuses $name before anything starts", async ({ steps, message }) => {
    const given = steps.map(([id = "", ...needs]): Step => ({ id, needs, run: () => expect.unreachable() }));
    await expect(runSteps(given, { inFlight: 1 })).rejects.toThrow(message);
  });

  test("takes a hundred thousand steps that wait for one another", async () => {
    const count = 100_000;
    let done = 0;
    const run = async () => {
      done += 1;
    };
    const steps = Array.from(
      { length: count },
      (_, i): Step => ({ id: `${i}`, needs: i > 0 ? [`${i >> 1}`] : [], run }),
    );
    await runSteps(steps.slice(1).concat({ id: "0", run }).reverse(), { inFlight: 16 });
    expect(done).toBe(count);
  });
});
