import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { MirrorError } from "../../errors.ts";
import { DirectWrites, directPieceBytes } from "../disk/direct-writes.ts";
import { ArchiveFile } from "./archive-file.ts";
import { PlaceWriter, type WrittenFile } from "./place-writer.ts";

const pieces = 8;

/** What a direct write comes to: all of it, nothing, or a part. */
type Outcome = "all" | "nothing" | "a part";

/** A file in memory whose direct writes take their time, and that knows when a part is written both ways at once. */
class SlowFile implements WrittenFile {
  readonly bytes: Uint8Array;
  readonly clashes: number[] = [];
  /** Where something was written while what lies before it was not. */
  readonly gaps: number[] = [];
  directBytes = 0;
  readonly #onTheirWay = new Map<number, number>();
  readonly #outcomes: Outcome[];
  #isUsable = true;
  #end: number;

  /** The place starts at `start`. */
  constructor(size: number, start = 0, outcomes: readonly Outcome[] = []) {
    this.#end = start;
    this.bytes = new Uint8Array(size).fill(0xee);
    this.#outcomes = [...outcomes];
  }

  write(offset: number, bytes: Uint8Array): void {
    for (
      let part = Math.floor(offset / directPieceBytes);
      part * directPieceBytes < offset + bytes.byteLength;
      part += 1
    ) {
      if (this.#onTheirWay.get(part)) this.clashes.push(part);
    }
    this.#set(bytes, offset);
  }

  #set(bytes: Uint8Array, offset: number): void {
    if (offset > this.#end) this.gaps.push(offset);
    this.#end = Math.max(this.#end, offset + bytes.byteLength);
    this.bytes.set(bytes, offset);
  }

  readonly direct = {
    file: this,
    get isUsable(): boolean {
      return this.file.#isUsable;
    },
    write: async (bytes: Uint8Array, offset: number): Promise<number> => {
      expect([offset % directPieceBytes, bytes.byteLength, bytes.byteOffset % 4096]).toEqual([0, directPieceBytes, 0]);
      const outcome = this.#outcomes.shift() ?? "all";
      const done = { all: bytes.byteLength, nothing: 0, "a part": 1000 }[outcome];
      if (outcome !== "all") this.#isUsable = false;
      const part = offset / directPieceBytes;
      this.#onTheirWay.set(part, (this.#onTheirWay.get(part) ?? 0) + 1);
      for (let turn = 0; turn < 3; turn += 1) await setImmediate();
      this.#set(bytes.subarray(0, done), offset); // as late as can be: the memory must still be ours
      this.#onTheirWay.set(part, (this.#onTheirWay.get(part) ?? 0) - 1);
      this.directBytes += done;
      return done;
    },
  };
}

function content(size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  for (let at = 0; at < size; at += 1) bytes[at] = at * 31 + (at >> 8);
  return bytes;
}

/** Hands `bytes` over in borrowed chunks, as a connection does. */
async function hand(writer: PlaceWriter, bytes: Uint8Array, chunkBytes: readonly number[], from = 0): Promise<void> {
  for (let at = from, turn = 0; at < bytes.byteLength; turn += 1) {
    const chunk = bytes.slice(at, at + (chunkBytes[turn % chunkBytes.length] ?? 1));
    await writer.write(at, chunk);
    chunk.fill(0xdd); // whoever kept it reads this
    at += chunk.byteLength;
  }
}

/** How many pieces there are for the taking. */
function free(direct: DirectWrites): number {
  const taken: Uint8Array[] = [];
  for (let piece = direct.take(); piece; piece = direct.take()) taken.push(piece);
  for (const piece of taken) direct.giveBack(piece);
  return taken.length;
}

describe("a place", () => {
  test("has its bytes, and only its, however they come and whatever the device takes of them", async () => {
    const chunkBytes = fc.array(fc.integer({ min: 1, max: 300_000 }), { minLength: 1, maxLength: 6 });
    const outcomes = fc.array(fc.constantFrom<Outcome>("all", "all", "all", "nothing", "a part"), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(
        fc.nat(3_300_000),
        fc.nat(directPieceBytes + 5000),
        chunkBytes,
        outcomes,
        fc.nat(100),
        fc.integer({ min: 1, max: pieces }),
        fc.constantFrom("goes on", "begins anew", "settles between"),
        async (size, offset, chunks, device, stopPercent, own, then) => {
          const file = new SlowFile(offset + size + directPieceBytes, offset, device);
          const direct = new DirectWrites();
          const others = Array.from({ length: pieces - own }, () => direct.take());
          const writer = new PlaceWriter(file, offset, size, direct);
          const bytes = content(size);
          const stop = Math.floor((size * stopPercent) / 100);
          await hand(
            writer,
            then === "begins anew" ? bytes.subarray(0, stop).fill(1) : bytes.subarray(0, stop),
            chunks,
          );
          if (then === "settles between") await writer.settle();
          await hand(writer, content(size), chunks, then === "begins anew" ? 0 : stop);
          await writer.settle();
          expect(Buffer.compare(file.bytes.subarray(offset, offset + size), content(size))).toBe(0);
          const around = Buffer.concat([file.bytes.subarray(0, offset), file.bytes.subarray(offset + size)]);
          expect(around.every((byte) => byte === 0xee)).toBe(true);
          expect([file.clashes, file.gaps]).toEqual([[], []]);
          expect(free(direct)).toBe(own);
          expect(others).not.toContain(undefined);
        },
      ),
      { numRuns: 60 },
    );
  });

  test("goes past the cache but for what it shares a mebibyte with", async () => {
    const file = new SlowFile(8_000_000, 512);
    const size = 3 * directPieceBytes + 100_000;
    const writer = new PlaceWriter(file, 512, size, new DirectWrites());
    await hand(writer, content(size), [200_000]);
    await writer.settle();
    expect(size - file.directBytes).toBeLessThan(2 * directPieceBytes);
  });

  test("goes through the cache where there are no pieces left, and past it when there are again", async () => {
    const file = new SlowFile(8_000_000);
    const direct = new DirectWrites();
    const taken = Array.from({ length: pieces }, () => direct.take());
    expect(direct.take()).toBeUndefined();
    const size = 4 * directPieceBytes;
    const writer = new PlaceWriter(file, 0, size, direct);
    await hand(writer, content(size / 2), [50_001]);
    expect(file.directBytes).toBe(0);
    for (const piece of taken) if (piece) direct.giveBack(piece);
    await hand(writer, content(size), [50_001], size / 2);
    await writer.settle();
    expect(file.gaps).toEqual([]);
    expect(file.directBytes).toBeGreaterThan(directPieceBytes);
    expect(Buffer.compare(file.bytes.subarray(0, size), content(size))).toBe(0);
  });

  test("keeps what was given where nobody waited for it", async () => {
    const file = new SlowFile(8_000_000);
    const size = 4 * directPieceBytes + 7;
    const direct = new DirectWrites();
    const writer = new PlaceWriter(file, 0, size, direct);
    const bytes = content(size);
    const first = writer.write(0, bytes.subarray(0, 3 * directPieceBytes));
    expect(first).toBeInstanceOf(Promise);
    await writer.write(3 * directPieceBytes, bytes.subarray(3 * directPieceBytes));
    await writer.settle();
    expect(Buffer.compare(file.bytes.subarray(0, size), content(size))).toBe(0);
    expect(free(direct)).toBe(pieces);
  });

  test("fails with what the disk has against it, and gives its memory back", async () => {
    const full = new MirrorError("NO_SPACE", "it is full", { path: "a.tar", freeBytes: 0 });
    const file = new SlowFile(8_000_000, 0, ["all", "nothing"]);
    const broken: WrittenFile = {
      direct: file.direct,
      write() {
        throw full;
      },
    };
    const direct = new DirectWrites();
    const size = 6 * directPieceBytes;
    const writer = new PlaceWriter(broken, 0, size, direct);
    await expect(hand(writer, content(size), [100_000])).rejects.toBe(full);
    await expect(writer.settle()).rejects.toBe(full);
    await expect(writer.settle()).rejects.toBe(full);
    expect(free(direct)).toBe(pieces);
  });
});

test("an archive on a disk has the bytes, and they are read as they were written", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tranship-place-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "a.tar");
  const [before, size, after] = [1536, 5_000_003, 700];
  const direct = new DirectWrites();
  const bytes = content(size);
  {
    using file = ArchiveFile.write({ path, isPartial: true, chunkBytes: undefined });
    file.write(0, content(before));
    file.write(before + size, content(after));
    const writer = new PlaceWriter(file, before, size, direct);
    await hand(writer, bytes.subarray(0, 3_000_000), [77_777]);
    await writer.settle();
    expect(Buffer.compare(Buffer.concat([...file.pieces(before, 3_000_000)]), bytes.subarray(0, 3_000_000))).toBe(0);
    await hand(writer, bytes, [200_000], 3_000_000);
    await writer.settle();
  }
  const found = readFileSync(`${path}.partial`);
  expect(Buffer.compare(found, Buffer.concat([content(before), bytes, content(after)]))).toBe(0);
});
