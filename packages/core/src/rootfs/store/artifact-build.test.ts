import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { tempFolder } from "../../../../../tests/support/temp-folder.ts";
import { ArtifactBuild, type ArtifactBuildOptions } from "./artifact-build.ts";
import { artifactBuildInProgress, markerName } from "./build-marker.ts";
import { type RootfsSettings, readEnvironment } from "./environment.ts";

function settingsIn(folder: string): RootfsSettings {
  return { ...readEnvironment({}), workRoot: join(folder, "work"), storeRoot: join(folder, "store") };
}

/** Builds an artifact of these bytes; `fail` runs before it is published. */
async function build(text: string, options: ArtifactBuildOptions, fail?: (build: ArtifactBuild) => void) {
  await using one = await ArtifactBuild.begin("app", options);
  const file = join(one.folder, "image");
  writeFileSync(file, text);
  fail?.(one);
  return await one.publish(file, createHash("sha256").update(text).digest("hex"));
}

test("a build is under way until it is published, and leaves nothing but the image under its names", async () => {
  const folder = tempFolder();
  const settings = settingsIn(folder);
  const store = join(folder, "store/app");
  const seen: unknown[] = [];
  const published = await build("first", { settings }, (one) => {
    seen.push(one.store, statSync(one.folder).mode & 0o777, existsSync(join(store, "app.ext4")));
  });
  expect(seen).toEqual([store, 0o700, false]);
  expect(readFileSync(published.currentPath, "utf8")).toBe("first");
  expect(readdirSync(store).sort()).toEqual(["app.ext4", "generations"]);
  expect(readdirSync(folder)).toEqual(["store"]);
});

test.for([
  { name: "fails", isAborted: false },
  { name: "is aborted", isAborted: true },
])("a build again that $name leaves the image that was there", async ({ isAborted }) => {
  const folder = tempFolder();
  const settings = settingsIn(folder);
  const { path, currentPath } = await build("first", { settings });
  const abort = new AbortController();
  const failed = build("second", { settings, signal: abort.signal }, () => {
    if (!isAborted) throw new Error("no more");
    abort.abort(new Error("no more"));
  });
  await expect(failed).rejects.toThrow("no more");
  expect(readFileSync(path, "utf8")).toBe("first");
  expect(readFileSync(currentPath, "utf8")).toBe("first");
  expect(readdirSync(join(folder, "store/app")).sort()).toEqual(["app.ext4", "generations"]);
  expect((await build("second", { settings, generation: 2 })).others).toEqual([path]);
});

test("a first build that fails leaves the store empty", async () => {
  const folder = tempFolder();
  const failed = build("first", { settings: settingsIn(folder) }, () => {
    throw new Error("no");
  });
  await expect(failed).rejects.toThrow("no");
  expect(readdirSync(folder, { recursive: true })).toEqual(["store"]);
});

test("what builds left that were killed at any moment goes with the next one", async () => {
  const folder = tempFolder();
  const settings = settingsIn(folder);
  await build("first", { settings });
  const store = join(folder, "store/app");
  const before = readdirSync(store, { recursive: true });
  const partial = ".11111111-2222-3333-4444-555555555555.partial";
  for (const made of [".build-abcdef", "generations/7"]) mkdirSync(join(store, made));
  const left = [
    `${markerName}.token`,
    partial,
    `generations/1/${partial}`,
    `generations/7/${partial}`,
    ".build-abcdef/a",
  ];
  for (const name of left) writeFileSync(join(store, name), "");
  await build("first", { settings });
  expect(readdirSync(store, { recursive: true }).sort()).toEqual(before.sort());
});

test("one build of an artifact is under way at a time", async () => {
  const settings = settingsIn(tempFolder());
  await using first = await ArtifactBuild.begin("app", { settings });
  await expect(ArtifactBuild.begin("app", { settings })).rejects.toMatchObject({ code: "ARTIFACT_BUSY" });
  expect(existsSync(first.folder)).toBe(true);
  expect(await artifactBuildInProgress(first.store)).toBe(true);
});

test("for a store on a network the build is elsewhere, and the copy into the store needs room as well", async () => {
  const folder = tempFolder();
  const settings = { ...settingsIn(folder), diskSpaceSafetyMargin: 2 };
  const ask = async (path: string) => ({
    type: path.startsWith(join(folder, "store")) ? 0x6969 : 0xef53,
    bsize: 1,
    bavail: 1000,
  });
  {
    await using one = await ArtifactBuild.begin("app", { settings, ask });
    expect(one.folder.startsWith(join(folder, "work/app/"))).toBe(true);
    await one.reserve([{ path: one.folder, bytes: 500, isEstimate: false }]);
    const more = one.reserve([{ path: one.places.image, bytes: 501, isEstimate: false }]);
    await expect(more).rejects.toMatchObject({ code: "NO_SPACE", details: { neededBytes: 1002 } });
  }
  expect(readdirSync(join(folder, "work"))).toEqual([]);
  expect(readdirSync(join(folder, "store"))).toEqual([]);
});

test("what a build cannot begin with is told before anything is claimed", async () => {
  const folder = tempFolder();
  const settings = settingsIn(folder);
  await expect(ArtifactBuild.begin("../app", { settings })).rejects.toMatchObject({ code: "ARTIFACT_ID_INVALID" });
  writeFileSync(join(folder, "work"), "");
  const ask = async () => ({ type: 0x6969, bsize: 1, bavail: 1 });
  await expect(ArtifactBuild.begin("app", { settings, ask })).rejects.toMatchObject({ code: "FILE_FAILED" });
  expect(await artifactBuildInProgress(join(folder, "store/app"))).toBe(false);
});
