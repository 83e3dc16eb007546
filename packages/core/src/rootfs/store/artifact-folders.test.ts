import { chownSync, existsSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { tempFolder } from "../../../../../tests/support/temp-folder.ts";
import type { RootfsEvent } from "../events.ts";
import {
  artifactFallbackStoreRootDir,
  artifactStoreRootDir,
  artifactWorkRootDir,
  makeBuildFolder,
  resolveArtifactStoreDir,
} from "./artifact-folders.ts";
import { type RootfsSettings, readEnvironment } from "./environment.ts";
import { fileSystemOf } from "./file-systems.ts";

function settingsIn(folder: string, more: Partial<RootfsSettings> = {}): RootfsSettings {
  return {
    ...readEnvironment({}),
    workRoot: join(folder, "work"),
    defaultStoreRoot: join(folder, "data/store"),
    fallbackStoreRoot: join(folder, "fallback"),
    ...more,
  };
}

/** A path below a file: no user can make a folder there. */
function impossible(folder: string): string {
  writeFileSync(join(folder, "file"), "");
  return join(folder, "file/store");
}

function listening() {
  const warnings: string[] = [];
  const onEvent = (event: RootfsEvent) => {
    if (event.type === "warning") warnings.push(`${event.warning.code} ${event.warning.message}`);
  };
  return { warnings, onEvent };
}

test("the store is made, the artifact's folder is not", async () => {
  const folder = tempFolder();
  const { warnings, onEvent } = listening();
  const store = await resolveArtifactStoreDir("app", { settings: settingsIn(folder), onEvent });
  expect(store).toBe(join(folder, "data/store/app"));
  expect([existsSync(dirname(store)), existsSync(store)]).toEqual([true, false]);
  expect(warnings).toEqual([]);
});

test("a default store that cannot be made is replaced, with a warning", async () => {
  const folder = tempFolder();
  const { warnings, onEvent } = listening();
  const settings = settingsIn(folder, { defaultStoreRoot: impossible(folder) });
  expect(await resolveArtifactStoreDir("app", { settings, onEvent })).toBe(join(folder, "fallback/app"));
  expect(warnings).toEqual([expect.stringContaining("STORE_FALLBACK")]);
});

test("a configured store that cannot be made is an error, and nothing takes its place", async () => {
  const folder = tempFolder();
  const settings = settingsIn(folder, { storeRoot: impossible(folder) });
  const details = { roots: [join(folder, "file/store")] };
  await expect(resolveArtifactStoreDir("app", { settings })).rejects.toMatchObject({ code: "STORE_UNUSABLE", details });
  expect(readdirSync(folder)).toEqual(["file"]);
});

test("when neither store can be made both causes are told", async () => {
  const folder = tempFolder();
  const root = impossible(folder);
  const settings = settingsIn(folder, { defaultStoreRoot: root, fallbackStoreRoot: `${root}-fallback` });
  const failed = resolveArtifactStoreDir("app", { settings });
  await expect(failed).rejects.toMatchObject({
    code: "STORE_UNUSABLE",
    details: { roots: [root, `${root}-fallback`] },
  });
  await expect(failed).rejects.toThrow(/ENOTDIR.*store'; ENOTDIR.*store-fallback'/);
});

test("a link that stands where the fallback store goes is not followed", async () => {
  const folder = tempFolder();
  symlinkSync(tempFolder(), join(folder, "fallback"));
  const settings = settingsIn(folder, { defaultStoreRoot: impossible(folder) });
  await expect(resolveArtifactStoreDir("app", { settings })).rejects.toThrow("is a link or a file");
});

test.skipIf(process.getuid?.() !== 0)("another user's folder is no fallback store (needs root)", async () => {
  const folder = tempFolder();
  const fallbackStoreRoot = join(folder, "fallback");
  mkdirSync(fallbackStoreRoot);
  chownSync(fallbackStoreRoot, 65_534, 65_534);
  const settings = settingsIn(folder, { defaultStoreRoot: impossible(folder), fallbackStoreRoot });
  await expect(resolveArtifactStoreDir("app", { settings })).rejects.toThrow("is another user's");
});

test.for(["../app", "a/b", "..", "", "a..b"])("the id %j reaches no folder", async (id) => {
  const folder = tempFolder();
  const settings = settingsIn(folder);
  await expect(resolveArtifactStoreDir(id, { settings })).rejects.toMatchObject({ code: "ARTIFACT_ID_INVALID" });
  await expect(makeBuildFolder(id, folder, { settings })).rejects.toMatchObject({ code: "ARTIFACT_ID_INVALID" });
  expect(readdirSync(folder)).toEqual([]);
});

test("the roots are what the settings say", () => {
  const settings = settingsIn("/x", { storeRoot: "/configured" });
  expect(artifactStoreRootDir(settings)).toBe("/configured");
  expect(artifactStoreRootDir(settingsIn("/x"))).toBe("/x/data/store");
  expect(artifactFallbackStoreRootDir(settings)).toBe("/x/fallback");
  expect(artifactWorkRootDir(settings)).toBe("/x/work");
});

test.for([
  { name: "ext4", type: 0xef53, isLocal: true },
  { name: "XFS", type: 0x58465342, isLocal: true },
  { name: "Btrfs as a negative number", type: 0x9123683e | 0, isLocal: true },
  { name: "tmpfs", type: 0x01021994, isLocal: true },
  { name: "overlayfs", type: 0x794c7630, isLocal: true },
  { name: "NFS", type: 0x6969, isLocal: false },
  { name: "CIFS", type: 0xff534d42, isLocal: false },
  { name: "SMB2", type: 0xfe534d42, isLocal: false },
  { name: "FUSE", type: 0x65735546, isLocal: false },
  { name: "Ceph", type: 0x00c36400, isLocal: false },
  { name: "9p", type: 0x01021997, isLocal: false },
  { name: "Lustre", type: 0x0bd00bd0, isLocal: false },
  { name: "GPFS", type: 0x47504653, isLocal: false },
  { name: "one nobody knows", type: 0x12345678, isLocal: false },
])("$name is local: $isLocal", async ({ type, isLocal }) => {
  const found = await fileSystemOf(tempFolder(), async () => ({ type, bsize: 4096, bavail: 10 }));
  expect(found).toMatchObject({ isLocal, freeBytes: 40_960 });
});

test("of a folder that is not there its nearest parent is asked, and a file system that fails is not local", async () => {
  const folder = tempFolder();
  const { device, isLocal, freeBytes } = await fileSystemOf(join(folder, "not/there"));
  expect(device).toBe(statSync(folder).dev);
  expect(isLocal).toBe((await fileSystemOf(folder)).isLocal);
  expect(freeBytes).toBeGreaterThan(0);
  const failing = async () => Promise.reject(Object.assign(new Error("stale"), { code: "ESTALE" }));
  expect(await fileSystemOf(folder, failing)).toEqual({ device: undefined, freeBytes: undefined, isLocal: false });
});

test.for([
  { name: "of a local store is inside it", type: 0xef53, parent: "store/app" },
  { name: "of a store on a network is below the work root", type: 0x6969, parent: "work/app" },
])("the folder of a build $name, this user's alone, and what a killed build left goes", async ({ type, parent }) => {
  const folder = tempFolder();
  const store = join(folder, "store/app");
  const options = { settings: settingsIn(folder), ask: async () => ({ type, bsize: 1, bavail: 1 }) };
  mkdirSync(store, { recursive: true });
  writeFileSync(join(store, "app.ext4"), "the last good one");
  const left = await makeBuildFolder("app", store, options);
  writeFileSync(join(left, "image"), "half");
  const build = await makeBuildFolder("app", store, options);
  expect(dirname(build)).toBe(join(folder, parent));
  expect([existsSync(left), existsSync(build), existsSync(join(store, "app.ext4"))]).toEqual([false, true, true]);
  expect(statSync(build).mode & 0o777).toBe(0o700);
});
