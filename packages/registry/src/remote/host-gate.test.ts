import { describe, expect, test, vi } from "vitest";
import { createHostGate, type GateLane, type HostGate } from "./host-gate.ts";

/** Whether a permit is given without anyone else doing something. */
async function isGiven(entering: Promise<Disposable>): Promise<boolean> {
  const notYet = new Promise((resolve) => setImmediate(() => resolve(false)));
  return (await Promise.race([entering.then(() => true), notYet])) === true;
}

describe("a host's gate", () => {
  test("gives as many permits as there are slots, lane by lane", async () => {
    const gate = createHostGate({ meta: 1, down: 2, up: 1 });
    await gate.enter("down");
    await gate.enter("down");
    expect(await isGiven(gate.enter("down"))).toBe(false);
    expect(await isGiven(gate.enter("up"))).toBe(true);
    expect(await isGiven(gate.enter("meta"))).toBe(true);
  });

  test("serves those who wait in the order they came", async () => {
    const gate = createHostGate({ meta: 1 });
    const first = await gate.enter("meta");
    const order: number[] = [];
    const waiting = [1, 2, 3, 4].map(async (n) => {
      using _permit = await gate.enter("meta");
      order.push(n);
    });
    first[Symbol.dispose]();
    await Promise.all(waiting);
    expect(order).toEqual([1, 2, 3, 4]);
  });

  test("takes a permit back once, however often it is given back", async () => {
    const gate = createHostGate({ up: 1 });
    const permit = await gate.enter("up");
    permit[Symbol.dispose]();
    permit[Symbol.dispose]();
    expect(await isGiven(gate.enter("up"))).toBe(true);
    expect(await isGiven(gate.enter("up"))).toBe(false);
  });

  test("lets one who gives up leave the queue", async () => {
    const gate = createHostGate({ meta: 1 });
    const permit = await gate.enter("meta");
    const controller = new AbortController();
    const reason = new Error("enough");
    const leaver = gate.enter("meta", controller.signal);
    const next = gate.enter("meta");
    controller.abort(reason);
    await expect(leaver).rejects.toBe(reason);
    permit[Symbol.dispose]();
    expect(await isGiven(next)).toBe(true);
    await expect(gate.enter("meta", AbortSignal.abort(reason))).rejects.toBe(reason);
  });

  test("never brings copies inside one host to a standstill", async () => {
    const gate = createHostGate({ meta: 1, down: 1, up: 1 });
    await Promise.all(Array.from({ length: 50 }, () => copy(gate)));
    expect(await isGiven(gate.enter("up"))).toBe(true);
  });

  test("gives no new permit until the host may be asked again", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
    try {
      const gate = createHostGate();
      gate.slowUntil(Date.now() + 5000);
      const lanes: GateLane[] = ["meta", "down", "up"];
      const entering = lanes.map((lane) => gate.enter(lane));
      vi.advanceTimersByTime(4000);
      gate.slowUntil(Date.now() + 3000); // two seconds more than before
      vi.advanceTimersByTime(2900);
      for (const permit of entering) expect(await isGiven(permit)).toBe(false);
      vi.advanceTimersByTime(200);
      for (const permit of entering) expect(await isGiven(permit)).toBe(true);
    } finally {
      vi.useRealTimers();
    }
  });

  test("sends everyone home when it closes", async () => {
    const gate = createHostGate({ meta: 1 });
    await gate.enter("meta");
    const waiting = gate.enter("meta");
    const reason = new Error("closed");
    gate.close(reason);
    await expect(waiting).rejects.toBe(reason);
    await expect(gate.enter("up")).rejects.toBe(reason);
  });

  test.for([0, -1, 1.5, Number.NaN])("refuses a limit of %s", (limit) => {
    expect(() => createHostGate({ meta: limit })).toThrow(RangeError);
  });
});

async function copy(gate: HostGate): Promise<void> {
  for (let step = 0; step < 3; step += 1) {
    using _asked = await gate.enter("meta");
  }
  using _down = await gate.enter("down");
  using _up = await gate.enter("up");
  await new Promise((resolve) => setImmediate(resolve));
}
