import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { createRegistry } from "@tranship/registry";
import {
  aLayer,
  anImage,
  type BuiltBlob,
  faults,
  startTestRegistry,
  type TestRegistry,
} from "@tranship/registry/testing";
import { expect, test } from "vitest";
import { tempFolder } from "../../../../tests/support/temp-folder.ts";
import { lacking } from "../../../../tests/support/tools.ts";
import { type BuildOptions, buildExt4 } from "./build-ext4.ts";
import { prepareSource } from "./source/prepare-source.ts";
import { artifactBuildInProgress, markArtifactBuildInProgress } from "./store/build-marker.ts";

const missing = lacking("mke2fs", "debugfs", "e2fsck");

/** Builds the image `tag` of a registry into a store in this folder. */
async function build(registry: TestRegistry, tag: string, folder: string, options: Partial<BuildOptions> = {}) {
  await using remote = createRegistry(registry.host, { attempts: 1 });
  const platform = { os: "linux", architecture: "amd64" };
  const imageRef = `${registry.host}/app:${tag}`;
  const source = await prepareSource({ imageRef, from: () => remote, platform, mode: "native" });
  const environment = {
    PATH: process.env.PATH,
    CUBE_TEMPLATE_CENTER_ARTIFACT_STORE_DIR: join(folder, "store"),
    CUBE_TEMPLATE_CENTER_ARTIFACT_WORK_DIR: join(folder, "work"),
    CUBE_TEMPLATECENTER_LAYER_CACHE_DIR: join(folder, "cache"),
  };
  return await buildExt4(source, { artifactId: "app", environment, ...options });
}

function layerOf(tag: string): BuiltBlob {
  return aLayer({ files: { "etc/version": tag } });
}

async function startRegistry(): Promise<TestRegistry> {
  const registry = await startTestRegistry();
  for (const tag of ["v1", "v2"]) registry.seed("app", anImage({ tag, layers: [layerOf(tag)] }));
  return registry;
}

test.skipIf(missing.length > 0)(
  "an image is built into the store, from the cache if it was there before, always the same",
  async () => {
    await using registry = await startRegistry();
    const folder = tempFolder();
    const first = await build(registry, "v1", folder);
    const store = join(folder, "store/app");
    expect(first.ext4Path).toBe(join(store, "app.ext4"));
    const bytes = readFileSync(first.ext4Path);
    expect(createHash("sha256").update(bytes).digest("hex")).toBe(first.sha256);
    expect(bytes.byteLength).toBe(first.sizeBytes);
    expect(readdirSync(store).sort()).toEqual(["app.ext4", "generations"]);
    const layerRequests = () => registry.requests().filter(({ path }) => path.endsWith(layerOf("v1").digest)).length;
    expect(layerRequests()).toBe(1);
    expect(await build(registry, "v1", folder)).toEqual(first);
    expect(layerRequests()).toBe(1);
    const second = await build(registry, "v2", folder);
    expect(second.sha256).not.toBe(first.sha256);
    expect(existsSync(first.path)).toBe(false);
  },
);

test.skipIf(missing.length > 0)("a build that fails leaves the image that was there, and nothing else", async () => {
  await using registry = await startRegistry();
  const folder = tempFolder();
  const { path, ext4Path, sha256 } = await build(registry, "v1", folder);
  const broken = new Error("no agent");
  const hook = () => {
    throw broken;
  };
  await expect(build(registry, "v2", folder, { postRootfsExport: hook })).rejects.toMatchObject({
    code: "HOOK_FAILED",
    cause: broken,
  });

  const abort = new AbortController();
  const reason = new Error("enough");
  const onEvent: BuildOptions["onEvent"] = (event) => {
    if (event.type === "stage.started" && event.stage === "format") abort.abort(reason);
  };
  await expect(build(registry, "v2", folder, { signal: abort.signal, onEvent })).rejects.toBe(reason);

  registry.fail(faults.status(404), { match: ({ path: asked }) => asked.endsWith(layerOf("v2").digest) });
  const other = tempFolder();
  const details = { layer: 0, failure: "missing" };
  await expect(build(registry, "v2", other)).rejects.toMatchObject({ code: "SOURCE_FAILED", details });
  expect(readdirSync(join(other, "store"))).toEqual([]);

  const store = join(folder, "store/app");
  expect(readdirSync(store).sort()).toEqual(["app.ext4", "generations"]);
  expect(await artifactBuildInProgress(store)).toBe(false);
  expect(existsSync(path)).toBe(true);
  expect(createHash("sha256").update(readFileSync(ext4Path)).digest("hex")).toBe(sha256);
});

test("an artifact is built by one at a time", async () => {
  await using registry = await startRegistry();
  const folder = tempFolder();
  await using _other = await markArtifactBuildInProgress(join(folder, "store/app"));
  await expect(build(registry, "v1", folder)).rejects.toMatchObject({ code: "ARTIFACT_BUSY", details: { id: "app" } });
});
