import { closeSync, fstatSync, mkdtempSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, onTestFinished, test } from "vitest";
import { FlushBehind } from "./flush-behind.ts";
import { withoutSync } from "./sync-folder.ts";

function aFile(): { readonly path: string; readonly descriptor: number } {
  const folder = mkdtempSync(join(tmpdir(), "flush-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const path = join(folder, "file");
  return { path, descriptor: openSync(path, "w") };
}

test("a file is closed once nothing is on its way", async () => {
  const { path, descriptor } = aFile();
  const flush = new FlushBehind(descriptor, path, 10);
  writeSync(descriptor, "0123456789");
  flush.wrote(10);
  flush[Symbol.dispose]();
  flush[Symbol.dispose]();
  expect(fstatSync(descriptor).size).toBe(10);
  await expect.poll(() => isOpen(descriptor)).toBe(false);
});

test("a file with nothing on its way is closed at once", () => {
  const { path, descriptor } = aFile();
  new FlushBehind(descriptor, path, 10)[Symbol.dispose]();
  expect(isOpen(descriptor)).toBe(false);
});

test("what fails on the way fails at the end, every time", async () => {
  const { path, descriptor } = aFile();
  closeSync(descriptor); // EBADF in place of a broken device
  const flush = new FlushBehind(descriptor, path, 1);
  flush.wrote(1);
  await sleep(20);
  flush.wrote(1);
  for (const _ of [1, 2])
    await expect(flush.finish()).rejects.toMatchObject({ code: "FILE_FAILED", details: { path } });
});

test("a file that is not to be synced is left to the system", async () => {
  const { path, descriptor } = aFile();
  closeSync(descriptor);
  const flush = new FlushBehind(descriptor, path, 1, withoutSync);
  flush.wrote(1);
  await flush.finish();
});

function isOpen(descriptor: number): boolean {
  try {
    fstatSync(descriptor);
    return true;
  } catch {
    return false;
  }
}
