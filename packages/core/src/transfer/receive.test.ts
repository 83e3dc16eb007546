import { createHash } from "node:crypto";
import { type Blob, type BlobLane, digestOf, isRegistryError, RegistryError } from "@tranship/registry";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { receive, type Slot } from "./receive.ts";

function bytesOf(size: number, seed = "seed"): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let at = 0; at < size; at += 32) parts.push(createHash("sha256").update(`${seed} ${at}`).digest());
  return Uint8Array.from(Buffer.concat(parts).subarray(0, size));
}

/** A slot in memory; `filled` bytes of it are there from before. */
function aSlot(size: number, before: Uint8Array = new Uint8Array()): Slot & { readonly bytes: Uint8Array } {
  const bytes = new Uint8Array(size);
  bytes.set(before);
  return {
    bytes,
    filledBytes: before.byteLength,
    prefix: () => [before.subarray(0, 10), before.subarray(10)],
    write: (position, chunk) => bytes.set(chunk, position),
  };
}

const broken = new RegistryError("NETWORK", "the connection broke", {
  registry: "r",
  reference: "b",
  reason: "ECONNRESET",
});

/** A lane that gives `bytes` in pieces and breaks each exchange after as many bytes as `cuts` says; none left, it is whole. */
function aLane(bytes: Uint8Array, cuts: number[] = []): BlobLane & { readonly offsets: number[] } {
  const offsets: number[] = [];
  return {
    offsets,
    async read(_blob, offset, sink) {
      offsets.push(offset);
      const cut = cuts.shift() ?? Number.POSITIVE_INFINITY;
      const borrowed = new Uint8Array(7);
      for (let at = offset; at < bytes.byteLength; at += 7) {
        if (at - offset >= cut) throw broken;
        const piece = bytes.subarray(at, at + 7);
        borrowed.set(piece);
        await sink(borrowed.subarray(0, piece.byteLength));
        borrowed.fill(0); // whoever kept it reads zeros
      }
    },
  };
}

const options = { signal: new AbortController().signal, delayMs: 1 };

describe("receive", () => {
  test("brings the right bytes whatever lay there before and wherever it breaks", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.nat(300),
        fc.array(fc.nat(100), { maxLength: 4 }),
        fc.nat(300),
        fc.boolean(),
        async (size, cuts, filled, isRight) => {
          const bytes = bytesOf(size);
          const before = (isRight ? bytes : bytesOf(size, "other")).slice(0, Math.min(filled, size));
          const slot = aSlot(size, before);
          const blob: Blob = { digest: digestOf(bytes), size };
          await receive(blob, aLane(bytes, cuts), slot, options);
          expect(slot.bytes).toEqual(bytes);
        },
      ),
    );
  });

  test("fetches no byte twice when what lies there is right", async () => {
    const bytes = bytesOf(1000);
    const lane = aLane(bytes, [100, 200]);
    const fetched = await receive(
      { digest: digestOf(bytes), size: 1000 },
      lane,
      aSlot(1000, bytes.slice(0, 400)),
      options,
    );
    expect(fetched).toBe(600);
    expect(lane.offsets).toEqual([400, 505, 708]);
  });

  test("asks nothing when everything is there", async () => {
    const bytes = bytesOf(100);
    const lane = aLane(bytes);
    expect(await receive({ digest: digestOf(bytes), size: 100 }, lane, aSlot(100, bytes), options)).toBe(0);
    expect(lane.offsets).toEqual([]);
  });

  test("gives up on bytes that are never right, and says what came", async () => {
    const bytes = bytesOf(100);
    const lane = aLane(bytesOf(100, "other"));
    await expect(receive({ digest: digestOf(bytes), size: 100 }, lane, aSlot(100), options)).rejects.toSatisfy(
      (error) => isRegistryError(error, "DIGEST_MISMATCH") && error.details.actual === digestOf(bytesOf(100, "other")),
    );
    expect(lane.offsets).toEqual([0, 0]);
  });

  test("gives up after so many tries in a row that bring nothing, but never on a link that brings something", async () => {
    const bytes = bytesOf(1000);
    const blob = { digest: digestOf(bytes), size: 1000 };
    await expect(receive(blob, aLane(bytes, Array(50).fill(0)), aSlot(1000), { ...options, attempts: 3 })).rejects.toBe(
      broken,
    );
    const slow = aLane(bytes, Array(60).fill(20));
    await receive(blob, slow, aSlot(1000), { ...options, attempts: 2 });
    expect(slow.offsets.length).toBeGreaterThan(40);
  });

  test.for(["UNAUTHORIZED", "FORBIDDEN", "NOT_FOUND"] as const)("does not try again after %s", async (code) => {
    let tries = 0;
    const lane: BlobLane = {
      async read() {
        tries += 1;
        throw new RegistryError(code, "no", { registry: "r", reference: "b" });
      },
    };
    const bytes = bytesOf(10);
    await expect(receive({ digest: digestOf(bytes), size: 10 }, lane, aSlot(10), options)).rejects.toMatchObject({
      code,
    });
    expect(tries).toBe(1);
  });

  test.for([
    { name: "more", came: 120 },
    { name: "fewer", came: 80 },
  ])("$name bytes than announced are never taken for the blob", async ({ came }) => {
    const bytes = bytesOf(100);
    const slot = aSlot(100);
    await expect(
      receive({ digest: digestOf(bytes), size: 100 }, aLane(bytesOf(came)), slot, options),
    ).rejects.toSatisfy((error) => isRegistryError(error, "SIZE_MISMATCH"));
  });

  test("an aborted signal ends it with its own reason", async () => {
    const stop = new AbortController();
    const reason = new Error("enough");
    const bytes = bytesOf(100);
    const lane: BlobLane = {
      async read() {
        stop.abort(reason);
        throw broken;
      },
    };
    await expect(
      receive({ digest: digestOf(bytes), size: 100 }, lane, aSlot(100), { ...options, signal: stop.signal }),
    ).rejects.toBe(reason);
  });
});
