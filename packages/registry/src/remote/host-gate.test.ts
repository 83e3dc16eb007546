import { describe, expect, test, vi } from "vitest";
import { createHostGate, type GateLane, type HostGate } from "./host-gate.ts";

/** Whether a permit is given without anyone else doing something. */
async function isGiven(entering: Promise<Disposable>): Promise<boolean> {
  const notYet = new Promise((resolve) => setImmediate(() => resolve(false)));
  return (await Promise.race([entering.then(() => true), notYet])) === true;
}

async function withFakeClock(story: () => Promise<void>): Promise<void> {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date", "performance"] });
  try {
    await story();
  } finally {
    vi.useRealTimers();
  }
}

/** A turn in the shape of a permit. */
async function asPermit(turn: Promise<void>): Promise<Disposable> {
  await turn;
  return { [Symbol.dispose]: () => {} };
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

  test("lets no request begin until the host may be asked again", async () => {
    await withFakeClock(async () => {
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
    });
  });

  test("says whether a rest is news, or the one it knows of", async () => {
    await withFakeClock(async () => {
      const gate = createHostGate();
      expect(gate.slowUntil(Date.now() - 1)).toBe(false);
      expect(gate.slowUntil(Date.now() + 5000)).toBe(true);
      vi.advanceTimersByTime(20);
      expect(gate.slowUntil(Date.now() + 5000)).toBe(false);
      expect(gate.slowUntil(Date.now() + 3000)).toBe(false);
      expect(gate.slowUntil(Date.now() + 9000)).toBe(true);
      vi.advanceTimersByTime(9001);
      expect(gate.slowUntil(Date.now() + 10)).toBe(true);
    });
  });

  test("keeps no timer for a rest nobody waits for", async () => {
    await withFakeClock(async () => {
      const gate = createHostGate();
      gate.slowUntil(Date.now() + 60_000);
      expect(vi.getTimerCount()).toBe(0);
      const controller = new AbortController();
      const first = gate.turn(controller.signal);
      const second = gate.turn(controller.signal);
      expect(vi.getTimerCount()).toBe(1);
      controller.abort("enough");
      await expect(first).rejects.toBe("enough");
      await expect(second).rejects.toBe("enough");
      expect(vi.getTimerCount()).toBe(0);
    });
  });

  test("waits out a rest longer than any timer", async () => {
    await withFakeClock(async () => {
      const gate = createHostGate();
      const restMs = 2 ** 31 + 5000;
      gate.slowUntil(Date.now() + restMs);
      const turn = asPermit(gate.turn());
      vi.advanceTimersByTime(restMs - 1);
      expect(await isGiven(turn)).toBe(false);
      vi.advanceTimersByTime(2);
      expect(await isGiven(turn)).toBe(true);
    });
  });

  test("begins no more requests in a second than it may, after a small burst", async () => {
    await withFakeClock(async () => {
      const gate = createHostGate({ requestsPerSecond: 10 });
      const begun: number[] = [];
      const startedAt = Date.now();
      const turns = Array.from({ length: 22 }, () => gate.turn().then(() => begun.push(Date.now() - startedAt)));
      await vi.advanceTimersByTimeAsync(2000);
      await Promise.all(turns);
      expect(begun.slice(0, 4)).toEqual([0, 0, 100, 200]);
      expect(begun.at(-1)).toBe(2000);
    });
  });

  test("lets no lane push in front of another when requests are few", async () => {
    await withFakeClock(async () => {
      const gate = createHostGate({ meta: 1, down: 2, up: 1, requestsPerSecond: 1 });
      const begun: string[] = [];
      const ask = async (lane: GateLane, name: string) => {
        using _permit = await gate.enter(lane);
        begun.push(name);
      };
      const asked = Array.from({ length: 30 }, (_, n) => ask("down", `down ${n}`));
      asked.push(ask("meta", "meta"));
      await vi.advanceTimersByTimeAsync(60_000);
      await Promise.all(asked);
      expect(begun.indexOf("meta")).toBeLessThanOrEqual(2); // behind those who have a slot, before those who have none
      expect(begun.filter((name) => name !== "meta")).toEqual(Array.from({ length: 30 }, (_, n) => `down ${n}`));
    });
  });

  test("gives back the slot of one who gives up waiting for the turn", async () => {
    await withFakeClock(async () => {
      const gate = createHostGate({ up: 1 });
      gate.slowUntil(Date.now() + 1000);
      const controller = new AbortController();
      const leaver = gate.enter("up", controller.signal);
      const next = gate.enter("up");
      await Promise.resolve();
      controller.abort("enough");
      await expect(leaver).rejects.toBe("enough");
      await vi.advanceTimersByTimeAsync(1000);
      expect(await isGiven(next)).toBe(true);
    });
  });

  test("sends everyone home when it closes", async () => {
    const gate = createHostGate({ meta: 1 });
    await gate.enter("meta");
    const waiting = gate.enter("meta");
    const reason = new Error("closed");
    gate.close(reason);
    await expect(waiting).rejects.toBe(reason);
    await expect(gate.enter("up")).rejects.toBe(reason);
    await expect(gate.turn()).rejects.toBe(reason);
  });

  test("sends those home who wait for their turn when it closes", async () => {
    const gate = createHostGate();
    gate.slowUntil(Date.now() + 60_000);
    const waiting = gate.enter("meta");
    const reason = new Error("closed");
    await Promise.resolve(); // it has its slot
    gate.close(reason);
    await expect(waiting).rejects.toBe(reason);
  });

  test.for([0, -1, Number.NaN, Number.POSITIVE_INFINITY])("refuses %s requests a second", (requestsPerSecond) => {
    expect(() => createHostGate({ requestsPerSecond })).toThrow(RangeError);
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
