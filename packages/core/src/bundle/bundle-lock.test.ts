import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { isMirrorError } from "../errors.ts";
import { BundleLock, lockName, workFolder } from "./bundle-lock.ts";

function aFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "tranship-lock-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Node 22 cannot read our sources by itself: there, tests run beside packed packages. */
const { TRANSHIP_PACKED: packed } = process.env;
const source =
  packed === undefined
    ? new URL("./bundle-lock.ts", import.meta.url)
    : pathToFileURL(join(packed, "@tranship/core/dist/bundle/bundle-lock.js"));

const holder = `
  import { BundleLock } from ${JSON.stringify(source.href)};
  globalThis.held = await BundleLock.acquire(process.argv[1]);
  process.stdout.write("held\\n");
  setInterval(() => {}, 1000);
`;

test("a second owner is refused and told who the first is; a killed owner's lock is free at once", async () => {
  const folder = aFolder();
  const child = spawn(process.execPath, ["--input-type=module", "-e", holder, folder], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  await once(child.stdout, "data");
  try {
    using _lock = await BundleLock.acquire(folder);
    expect.unreachable();
  } catch (error) {
    if (!isMirrorError(error, "BUNDLE_LOCKED")) throw error;
    expect(error.details.owner).toContain(`process ${child.pid} on `);
    expect(error.message).toContain(`process ${child.pid} on `);
  }
  child.kill("SIGKILL");
  await once(child, "exit");
  using lock = await BundleLock.acquire(folder);
  expect(lock).toBeInstanceOf(BundleLock);
});

test("two in one process exclude each other too, and a lock given back can be taken again", async () => {
  const folder = aFolder();
  {
    using _first = await BundleLock.acquire(folder);
    await expect(BundleLock.acquire(folder)).rejects.toThrow("is writing it");
  }
  using again = await BundleLock.acquire(folder);
  expect(again).toBeInstanceOf(BundleLock);
});

test("an owner that takes the lock's files away leaves nothing, and the next one starts anew", async () => {
  const folder = aFolder();
  {
    using _first = await BundleLock.acquire(folder);
    BundleLock.removeFiles(folder);
    expect(readdirSync(folder)).toEqual([]);
  }
  using second = await BundleLock.acquire(folder);
  expect(second).toBeInstanceOf(BundleLock);
  await expect(BundleLock.acquire(folder)).rejects.toThrow("is writing it");
});

test("asking whether a bundle is free tells of an owner, and makes no file", async () => {
  const folder = aFolder();
  await BundleLock.requireFree(folder);
  expect(readdirSync(folder)).toEqual([]);
  {
    using _owner = await BundleLock.acquire(folder);
    await expect(BundleLock.requireFree(folder)).rejects.toThrow(`process ${process.pid} on `);
  }
  await BundleLock.requireFree(folder);
});

test("a lock that is no lock is told by its name, with what to do about it", async () => {
  const folder = aFolder();
  mkdirSync(join(folder, workFolder));
  const path = join(folder, workFolder, lockName);
  const advice = "when nobody writes there, it may be removed";
  writeFileSync(path, "junk\n".repeat(100));
  await expect(BundleLock.acquire(folder)).rejects.toThrow(`cannot use ${path}: file is not a database; ${advice}`);
  rmSync(path);
  mkdirSync(path);
  await expect(BundleLock.acquire(folder)).rejects.toThrow(
    `cannot use ${path}: unable to open database file; ${advice}`,
  );
});
