import { expect, test } from "vitest";
import { PiecePool } from "./piece-pool.ts";

const large = 100_000;

test("memory that was given back is used again", () => {
  const pool = new PiecePool();
  const first = pool.allocate(large);
  const second = pool.allocate(large);
  expect(second.buffer).not.toBe(first.buffer);
  pool.giveBack(first);
  expect(pool.allocate(large + 1).buffer).toBe(first.buffer);
  expect(pool.allocate(large).buffer).not.toBe(first.buffer);
});

test("memory is given back once only", () => {
  const pool = new PiecePool();
  const piece = pool.allocate(large);
  pool.giveBack(piece);
  pool.giveBack(piece.subarray(1));
  const buffers = [pool.allocate(large).buffer, pool.allocate(large).buffer];
  expect(new Set(buffers).size).toBe(2);
});

test.for([0, 1, 60_000, large, 131_072, 131_073, 5_000_000])("memory of %i bytes has just as many", (bytes) => {
  const pool = new PiecePool();
  pool.giveBack(pool.allocate(large));
  expect(pool.allocate(bytes).byteLength).toBe(bytes);
});

test("memory of others is left alone", () => {
  const pool = new PiecePool();
  const own = new Uint8Array(large);
  pool.giveBack(own);
  expect(pool.allocate(large).buffer).not.toBe(own.buffer);
});
