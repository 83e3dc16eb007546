import { describe, expect, test } from "vitest";
import { BytePacer, type PacerClock } from "./byte-pacer.ts";
import { pacedBody, pacedSink } from "./paced-body.ts";

/** A clock that stands still until everyone sleeps, then jumps to the first alarm; its alarms are late by `lateMs`. */
function aClock(lateMs = 0) {
  let nowMs = 0;
  const alarms: { readonly atMs: number; readonly ring: () => void }[] = [];
  const clock: PacerClock = {
    now: () => nowMs,
    sleep: (delayMs, signal) =>
      new Promise((resolve, reject) => {
        signal?.addEventListener("abort", () => reject(signal.reason));
        alarms.push({ atMs: nowMs + delayMs + lateMs, ring: resolve });
      }),
  };
  const settle = () => new Promise((resolve) => setImmediate(resolve));
  const runUntil = async (endMs: number) => {
    for (await settle(); ; await settle()) {
      alarms.sort((a, b) => a.atMs - b.atMs);
      const next = alarms[0];
      if (!next || next.atMs > endMs) break;
      alarms.shift();
      nowMs = next.atMs;
      next.ring();
    }
    nowMs = endMs;
  };
  return { clock, runUntil };
}

async function* endless(chunkBytes: number): AsyncGenerator<Uint8Array> {
  for (;;) yield new Uint8Array(chunkBytes);
}

/** Counts what a body brings, for ever. */
function counted(body: AsyncIterable<Uint8Array>) {
  const count = { bytes: 0, largest: 0 };
  void (async () => {
    for await (const { byteLength } of body) {
      count.bytes += byteLength;
      count.largest = Math.max(count.largest, byteLength);
    }
  })();
  return count;
}

describe("a byte pacer", () => {
  test.for([
    { bytesPerSecond: 1000, chunkBytes: 64, lateMs: 0 },
    { bytesPerSecond: 100_000, chunkBytes: 65_536, lateMs: 3 },
    { bytesPerSecond: 1_000_000, chunkBytes: 1000, lateMs: 1 },
    { bytesPerSecond: 50_000_000, chunkBytes: 65_536, lateMs: 2 },
  ])(
    "lets $bytesPerSecond bytes a second through in chunks of $chunkBytes, alarms $lateMs ms late",
    async ({ bytesPerSecond, chunkBytes, lateMs }) => {
      const { clock, runUntil } = aClock(lateMs);
      const pacer = new BytePacer(bytesPerSecond, clock);
      const count = counted(pacedBody(endless(chunkBytes), pacer));
      for (const second of [1, 2, 3]) {
        const before = count.bytes;
        await runUntil(second * 1000);
        expect(Math.abs(count.bytes - before - bytesPerSecond) / bytesPerSecond).toBeLessThan(0.1);
      }
      expect(count.largest).toBeLessThanOrEqual(Math.min(65_536, bytesPerSecond / 20));
    },
  );

  test("shares evenly among the bodies of a host, however large their chunks", async () => {
    const { clock, runUntil } = aClock();
    const pacer = new BytePacer(100_000, clock);
    const bodies = [100, 10_000, 1_000_000].map((chunkBytes) => counted(pacedBody(endless(chunkBytes), pacer)));
    await runUntil(10_000);
    const total = bodies.reduce((sum, { bytes }) => sum + bytes, 0);
    expect(Math.abs(total - 1_000_000)).toBeLessThan(100_000);
    const [, medium = 0, large = 0] = bodies.map(({ bytes }) => bytes);
    expect(Math.abs(medium - large)).toBeLessThanOrEqual(pacer.pieceBytes);
  });

  test("does not save up what a quiet time left unused", async () => {
    const { clock, runUntil } = aClock();
    const pacer = new BytePacer(1000, clock);
    await runUntil(60_000);
    const count = counted(pacedBody(endless(10), pacer));
    await runUntil(61_000);
    expect(count.bytes).toBeLessThanOrEqual(1100);
  });

  test("ends a wait with the signal's reason", async () => {
    const { clock } = aClock();
    const controller = new AbortController();
    const wait = new BytePacer(1, clock).take(100, controller.signal);
    controller.abort("enough");
    await expect(wait).rejects.toBe("enough");
  });

  test.for([0, -1, Number.NaN, Number.POSITIVE_INFINITY])("refuses %s bytes a second", (bytesPerSecond) => {
    expect(() => new BytePacer(bytesPerSecond)).toThrow(RangeError);
  });
});

describe("a paced sink", () => {
  test("gets the same bytes, piece by piece, one after another", async () => {
    const { clock, runUntil } = aClock();
    const pacer = new BytePacer(1000, clock);
    const got: number[] = [];
    let inside = 0;
    const sink = pacedSink(async (piece) => {
      expect(++inside).toBe(1);
      await Promise.resolve();
      got.push(...piece);
      inside -= 1;
    }, pacer);
    const bytes = Uint8Array.from({ length: 200 }, (_, n) => n);
    const delivering = sink(bytes);
    await runUntil(1000);
    await delivering;
    expect(got).toEqual([...bytes]);
  });

  test("passes on at once that no more is wanted", async () => {
    const { clock, runUntil } = aClock();
    let pieces = 0;
    const sink = pacedSink(() => {
      pieces += 1;
      return false;
    }, new BytePacer(1000, clock));
    const delivering = sink(new Uint8Array(500));
    await runUntil(1000);
    expect(await delivering).toBe(false);
    expect(pieces).toBe(1);
  });

  test("takes no turn of the loop while there is room", () => {
    let got = 0;
    const sink = pacedSink((piece) => {
      got += piece.byteLength;
    }, new BytePacer(1_000_000));
    expect(sink(new Uint8Array(10))).toBeUndefined();
    expect(got).toBe(10);
  });
});
