import {
  appendFileSync,
  readdirSync,
  readlinkSync,
  renameSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { tempFolder } from "../../../../../tests/support/temp-folder.ts";
import { FileChanged, FilePool, type PooledFile } from "./file-pool.ts";

let folder = "";
beforeEach(() => {
  folder = tempFolder();
});

async function make(count: number): Promise<readonly PooledFile[]> {
  return await Promise.all(
    Array.from({ length: count }, async (_, at) => {
      const path = join(folder, String(at));
      writeFileSync(path, `this is file ${at}`);
      return await FilePool.find(path);
    }),
  );
}

async function textAt(pool: FilePool, file: PooledFile, at: number): Promise<string> {
  const bytes = Buffer.alloc(100);
  return bytes.subarray(0, await pool.read(file, bytes, at)).toString();
}

/** How many of the folder's files this process has open. */
function openFiles(): number {
  return readdirSync("/proc/self/fd").filter((descriptor) => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`).startsWith(folder);
    } catch {
      return false; // the one that listed them
    }
  }).length;
}

test("many readings at once of many files are right, and only a few files are open", async () => {
  const files = await make(40);
  await using pool = new FilePool(3);
  let most = 0;
  const readings = Array.from({ length: 400 }, async (_, nth) => {
    const at = (nth * 7) % files.length;
    const file = files[at];
    if (!file) throw new Error("there is no such file");
    expect(await textAt(pool, file, nth % 5)).toBe(`this is file ${at}`.slice(nth % 5));
    most = Math.max(most, openFiles());
  });
  await Promise.all(readings);
  expect(most).toBeGreaterThan(0);
  expect(most).toBeLessThanOrEqual(3);
  await pool[Symbol.asyncDispose]();
  expect(openFiles()).toBe(0);
});

describe("a file that is not the one that was found", () => {
  test.for<{ readonly name: string; change(path: string): void }>([
    { name: "longer", change: (path) => appendFileSync(path, "!") },
    { name: "shorter", change: (path) => truncateSync(path, 3) },
    {
      name: "another of the same length",
      change(path) {
        writeFileSync(`${path}.new`, "THIS IS FILE 0");
        utimesSync(`${path}.new`, 1_000_000, 1_000_000);
        renameSync(`${path}.new`, path);
      },
    },
  ])("is refused, also later: $name", async ({ change }) => {
    const [file, other] = await make(2);
    if (!file || !other) throw new Error("two were made");
    await using pool = new FilePool(1);
    expect(await textAt(pool, file, 0)).toBe("this is file 0");
    expect(await textAt(pool, other, 0)).toBe("this is file 1"); // the first one is closed
    change(file.path);
    for (let nth = 0; nth < 2; nth += 1) await expect(textAt(pool, file, 0)).rejects.toThrow(FileChanged);
    expect(await textAt(pool, other, 8)).toBe("file 1");
  });

  test("is an error of the file system when it is away, and is read when it is back", async () => {
    const [file] = await make(1);
    if (!file) throw new Error("one was made");
    await using pool = new FilePool();
    renameSync(file.path, `${file.path}.away`);
    await expect(textAt(pool, file, 0)).rejects.toMatchObject({ code: "FILE_FAILED", details: { reason: "ENOENT" } });
    renameSync(`${file.path}.away`, file.path);
    expect(await textAt(pool, file, 0)).toBe("this is file 0");
  });
});

test("a file that is in use when the pool is closed is read to the end of that reading, and none after it", async () => {
  const [file] = await make(1);
  if (!file) throw new Error("one was made");
  const pool = new FilePool();
  const reading = textAt(pool, file, 0).catch((error: { readonly code?: unknown }) => error.code);
  await pool[Symbol.asyncDispose]();
  expect(["this is file 0", "FILE_FAILED"]).toContain(await reading);
  await expect(textAt(pool, file, 0)).rejects.toMatchObject({
    code: "FILE_FAILED",
    message: expect.stringContaining("closed"),
  });
  expect(openFiles()).toBe(0);
});
