import { readdirSync, readFileSync, statfsSync } from "node:fs";
import { join } from "node:path";
import {
  BundleDirectory,
  type BundleDirectoryOptions,
  type DownloadList,
  isMirrorError,
  listPlanner,
  PackagesService,
  plan,
  pull,
} from "@tranship/core";
import { createRegistry } from "@tranship/registry";
import type { TestRegistry } from "@tranship/registry/testing";
import { expect, test } from "vitest";
import { aSource, pullInto } from "../support/mirror.ts";
import { tempFolder } from "../support/temp-folder.ts";

/** The list with the first blob of its first archive made that large. */
function withBlobOf(list: DownloadList, size: number): DownloadList {
  const text = JSON.stringify(list);
  return JSON.parse(text.replace(/("blobs":\[\{"digest":"[^"]+","size":)[0-9]+/, `$1${size}`)) as DownloadList;
}

async function pullList(
  registry: TestRegistry,
  folder: string,
  change: (list: DownloadList) => DownloadList = (list) => list,
  options: BundleDirectoryOptions = {},
) {
  await using source = createRegistry(`${registry.host}/demo/fe`);
  const list = await plan([new PackagesService({ source })]);
  registry.reset();
  await using bundle = await BundleDirectory.open(folder, options);
  return await pull([listPlanner(change(list), source)], { to: bundle });
}

test("a list that the folder has no room for is refused before anything is asked or written, with both numbers", async () => {
  await using registry = await aSource();
  const folder = tempFolder();
  const size = 10 ** 15;
  const error: unknown = await pullList(registry, folder, (list) => withBlobOf(list, size)).catch((thrown) => thrown);
  if (!isMirrorError(error, "NO_SPACE")) throw error;
  const { bavail, bsize } = statfsSync(folder);
  expect(error.details.path).toBe(folder);
  expect(error.details.neededBytes).toBeGreaterThan(size);
  expect(error.details.freeBytes).toBeGreaterThan(0);
  expect(error.details.freeBytes).toBeLessThan(2 * bavail * bsize);
  expect(error.message).toContain(String(error.details.neededBytes));
  expect(registry.requests()).toEqual([]);
  expect(readdirSync(folder).filter((name) => name !== ".tranship")).toEqual([]);
});

test("a list is pulled as what it was made from, again without a byte, and in chunks", async () => {
  await using registry = await aSource();
  const [direct, folder] = [tempFolder(), tempFolder()];
  await pullInto(direct, registry.host);
  await pullList(registry, folder);
  const again = await pullList(registry, folder);
  expect(again.archives.map(({ outcome }) => outcome)).toEqual(["unchanged", "unchanged", "unchanged"]);
  const chunked = await pullList(registry, folder, undefined, { chunkBytes: 50_000 });
  expect(chunked.fetched.blobs).toBe(0);
  const parts = readdirSync(folder).filter((name) => name.startsWith("package-console.tar."));
  const joined = Buffer.concat(parts.sort().map((name) => readFileSync(join(folder, name))));
  expect(joined.equals(readFileSync(join(direct, "package-console.tar")))).toBe(true);
});
