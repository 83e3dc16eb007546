import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { tempFolder } from "../../../../../tests/support/temp-folder.ts";
import { noTmpfs, tmpfs } from "../../../../../tests/support/tmpfs.ts";
import type { RootfsEvent } from "../events.ts";
import type { DirectoryInode, FileInode } from "../tree/inode.ts";
import type { AskFileSystem } from "./file-systems.ts";
import { reserveSpace } from "./reserve-space.ts";
import { layerSpaceNeeds, type SpaceNeed, treeSpaceNeeds } from "./space-needs.ts";

const free: AskFileSystem = async () => ({ type: 0xef53, bsize: 1, bavail: 1000 });

function need(path: string, bytes: number, more: Partial<SpaceNeed> = {}): SpaceNeed {
  return { path, bytes, isEstimate: false, ...more };
}

test.for([
  { name: "known bytes that just fit", needs: [1000], isEstimate: false, margin: undefined, fits: true },
  { name: "one byte more", needs: [1001], isEstimate: false, margin: undefined, fits: false },
  { name: "several needs of one file system", needs: [600, 401], isEstimate: false, margin: undefined, fits: false },
  { name: "an estimate with its margin of 1.5", needs: [666], isEstimate: true, margin: undefined, fits: true },
  {
    name: "an estimate that its margin makes too large",
    needs: [667],
    isEstimate: true,
    margin: undefined,
    fits: false,
  },
  { name: "an estimate with a margin of 1", needs: [1000], isEstimate: true, margin: 1, fits: true },
  { name: "known bytes with a margin that was asked for", needs: [501], isEstimate: false, margin: 2, fits: false },
])("$name: $fits", async ({ needs, isEstimate, margin, fits }) => {
  const folder = tempFolder();
  const wanted = needs.map((bytes) => need(folder, bytes, { isEstimate }));
  const reserved = reserveSpace(wanted, { margin, ask: free });
  if (fits) return (await reserved)[Symbol.dispose]();
  const details = { path: folder, freeBytes: 1000 };
  await expect(reserved).rejects.toMatchObject({ code: "NO_SPACE", details });
  await expect(reserved).rejects.toThrow("disk space is insufficient: 0.00 GiB are needed, 0.00 GiB are available");
});

test("what builds beside it still have to write is not there for a build", async () => {
  const folder = tempFolder();
  let written = 0;
  const options = { ask: free };
  using first = await reserveSpace([need(folder, 700, { writtenBytes: () => written })], options);
  const second = () => reserveSpace([need(join(folder, "not-there-yet"), 400)], options);
  await expect(second()).rejects.toMatchObject({ details: { neededBytes: 400, freeBytes: 300 } });
  written = 100;
  (await second())[Symbol.dispose]();
  first[Symbol.dispose]();
  (await reserveSpace([need(folder, 1000)], options))[Symbol.dispose]();
});

test("of builds that come at once only those go on that fit together", async () => {
  const folder = tempFolder();
  const tried = await Promise.allSettled([1, 2, 3, 4].map(() => reserveSpace([need(folder, 400)], { ask: free })));
  const reserved = tried.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  expect(reserved).toHaveLength(2);
  for (const one of reserved) one[Symbol.dispose]();
});

test("a need is looked at again when more is known, and what was reserved stays when it does not fit", async () => {
  const folder = tempFolder();
  using reservation = await reserveSpace([need(folder, 300)], { ask: free });
  await reservation.update([need(folder, 900)]);
  await expect(reservation.update([need(folder, 1100)])).rejects.toMatchObject({ code: "NO_SPACE" });
  await expect(reserveSpace([need(folder, 200)], { ask: free })).rejects.toMatchObject({ details: { freeBytes: 100 } });
});

test("what cannot be known is warned of, and stops nothing", async () => {
  const warnings: string[] = [];
  const onEvent = (event: RootfsEvent) => {
    if (event.type === "warning") warnings.push(event.warning.code);
  };
  using _unknown = await reserveSpace(undefined, { onEvent });
  const ask = async () => Promise.reject(new Error("stale"));
  using _untold = await reserveSpace([need(tempFolder(), 10)], { onEvent, ask });
  expect(warnings).toEqual(["SPACE_UNKNOWN", "SPACE_UNKNOWN"]);
});

test.skipIf(noTmpfs !== undefined)("every file system that is written is looked at, not only the store's", async () => {
  const [roomy, small] = [tmpfs(8 * 1024 * 1024), tmpfs(1024 * 1024)];
  mkdirSync(join(small, "layers"));
  const needs = [need(roomy, 4 * 1024 * 1024), need(join(small, "layers"), 2 * 1024 * 1024)];
  await expect(reserveSpace(needs)).rejects.toMatchObject({
    code: "NO_SPACE",
    details: { path: join(small, "layers") },
  });
});

const places = { layers: "/l", contents: "/c", image: "/i" };

test("before the tree is known layers count to the byte, and contents as if they were packed as well", () => {
  const size = { mode: "native", compressedBytes: 1000, presentBytes: 300 } as const;
  expect(layerSpaceNeeds(size, { ...places, store: "/s" })).toEqual([
    { path: "/l", bytes: 700, isEstimate: false },
    { path: "/c", bytes: 1000, isEstimate: true },
    { path: "/i", bytes: 1000, isEstimate: true },
    { path: "/s", bytes: 1000, isEstimate: true },
  ]);
  expect(layerSpaceNeeds({ mode: "native", compressedBytes: 0 }, places)).toBeUndefined();
});

test("a tree of many small files needs their blocks, not their bytes", () => {
  const common = {
    mode: 0o644,
    uid: 0,
    gid: 0,
    mtime: { seconds: 0, nanoseconds: 0 },
    atime: undefined,
    xattrs: undefined,
  };
  const file = (): FileInode => ({ ...common, type: "file", size: 600, content: { layer: 0, offset: 0 } });
  const entries = new Map(Array.from({ length: 1000 }, (_, at) => [`file-${at}`, file()]));
  const root: DirectoryInode = { ...common, type: "directory", entries };
  const [contents, image] = treeSpaceNeeds(root, places);
  expect(contents).toEqual({ path: "/c", bytes: 4_096_000, isEstimate: false });
  expect(image?.bytes).toBeGreaterThan(4_096_000 + 256_000);
  expect(image?.bytes).toBeLessThan(7_000_000);
});
