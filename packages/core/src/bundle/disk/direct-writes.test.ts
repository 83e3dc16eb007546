import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { DirectFile } from "./direct-file.ts";
import { DirectWrites, directPieceBytes } from "./direct-writes.ts";

function aFile(): { readonly path: string; readonly descriptor: number } {
  const folder = mkdtempSync(join(tmpdir(), "tranship-direct-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "file");
  writeFileSync(path, "");
  const descriptor = openSync(path, "r+");
  onTestFinished(() => closeSync(descriptor));
  return { path, descriptor };
}

const mib = 1024 * 1024;

test("a device is judged by what it takes in the time that anything is on its way", async () => {
  const [fast, slow] = [new DirectWrites(), new DirectWrites()];
  await Promise.all(Array.from({ length: 10 }, () => fast.measured(() => sleep(100, 20 * mib)))); // not ten times 0.1 s
  expect(fast.isWorthwhile).toBe(true);
  await slow.measured(() => sleep(500, 70 * mib));
  expect(slow.isWorthwhile).toBe(false);
});

test("a write that fails counts for nothing", async () => {
  const direct = new DirectWrites();
  await expect(direct.measured(() => Promise.reject(new Error("no")))).rejects.toThrow("no");
  expect(direct.isWorthwhile).toBe(true);
});

test("what is written while it is closed arrives, and nothing after that", async ({ skip }) => {
  const { path, descriptor } = aFile();
  const direct = DirectFile.of(descriptor);
  if (!direct) return skip("no direct writes on this system or file system");
  const piece = new DirectWrites().take()?.fill(7);
  if (!piece) return expect.unreachable("there is memory");
  const written = direct.write(piece, directPieceBytes);
  direct[Symbol.dispose]();
  direct[Symbol.dispose]();
  expect(await written).toBe(directPieceBytes);
  expect(direct.isUsable).toBe(false);
  expect(await direct.write(piece, 0)).toBe(0);
  const found = readFileSync(path);
  expect([found.byteLength, found[0], found.at(-1)]).toEqual([2 * directPieceBytes, 0, 7]);
});

test("what the kernel refuses is not tried again", async ({ skip }) => {
  const { descriptor } = aFile();
  using direct = DirectFile.of(descriptor);
  if (!direct) return skip("no direct writes on this system or file system");
  const piece = new DirectWrites().take() ?? expect.unreachable("there is memory");
  expect(await direct.write(piece.subarray(1, 101), 3)).toBe(0); // neither at a page nor whole ones
  expect(direct.isUsable).toBe(false);
  expect(await direct.write(piece, 0)).toBe(0);
});

test("what is no open file has none", () => {
  expect(DirectFile.of(99_999)).toBeUndefined();
});
