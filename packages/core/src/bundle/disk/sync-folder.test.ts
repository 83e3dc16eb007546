import { closeSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { syncData, syncFile, syncFolder } from "./sync-folder.ts";

/** An open file of the kernel's: it answers a sync with EINVAL. */
function unsyncable(): number {
  const descriptor = openSync("/proc/self/status", "r");
  onTestFinished(() => closeSync(descriptor));
  return descriptor;
}

test("a file or folder that cannot be synced is told of, with the system's code", async () => {
  const told: (readonly [string, string])[] = [];
  const tell = (path: string, reason: string) => void told.push([path, reason]);
  syncFile(unsyncable(), "one", tell);
  await syncData(unsyncable(), "two", tell);
  syncFolder("/proc", tell);
  expect(told).toEqual([
    ["one", "EINVAL"],
    ["two", "EINVAL"],
    ["/proc", "EINVAL"],
  ]);
});

test("what can be synced is, without a word", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tranship-sync-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const told: string[] = [];
  const descriptor = openSync(join(folder, "a"), "w");
  syncFile(descriptor, "a", (path) => void told.push(path));
  await syncData(descriptor, "a", (path) => void told.push(path));
  closeSync(descriptor);
  syncFolder(folder, (path) => void told.push(path));
  expect(told).toEqual([]);
});

test("a failure is a failure", async () => {
  const descriptor = openSync("/dev/null", "r");
  closeSync(descriptor);
  expect(() => syncFile(descriptor, "a file")).toThrow(expect.objectContaining({ code: "FILE_FAILED" }));
  await expect(syncData(descriptor, "a file")).rejects.toMatchObject({ details: { reason: "EBADF" } });
  expect(() => syncFolder(join(tmpdir(), "tranship-nowhere"))).toThrow(
    expect.objectContaining({ code: "FILE_FAILED" }),
  );
});
