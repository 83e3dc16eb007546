import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as deps from "@tranship/core/deps";
import type { BuildResult, DockerImageConfig, PreparedSource, PullProgress, SourceSpec } from "@tranship/core/rootfs";
import * as api from "@tranship/core/rootfs";
import { createRegistry } from "@tranship/registry";
import { aLayer, anImage, startTestRegistry } from "@tranship/registry/testing";
import { expect, expectTypeOf, test } from "vitest";
import { tempFolder } from "../support/temp-folder.ts";
import { lacking } from "../support/tools.ts";

const page = fileURLToPath(new URL("../../docs/reference-api.md", import.meta.url));
const partOf = (title: string) => readFileSync(page, "utf8").split(`\n## ${title}\n`)[1]?.split("\n## ")[0] ?? "";
const part = partOf("The image package of CubeSandbox");

test("every function and method that stands for one of Podplane's deps package is there", () => {
  const rows = partOf("The deps package of Podplane")
    .split("\n")
    .filter((line) => line.startsWith("| "));
  const ours = rows.map((row) => row.split(" | ")[1] ?? "").join(" ");
  const methods = [...ours.matchAll(/`deps\.([A-Za-z]+)[(`]/g)].map(([, name = ""]) => name);
  const functions = [...ours.matchAll(/`([a-z][A-Za-z]+)\(/g)].map(([, name = ""]) => name);
  expect([methods.length > 20, functions.length > 20]).toEqual([true, true]);
  for (const name of methods) expect(name in deps.PodplaneDeps.prototype, name).toBe(true);
  const paths = deps.cachePaths("/cache");
  for (const name of functions)
    expect(
      [deps, paths, paths.seedsManifest].some((one) => name in one),
      name,
    ).toBe(true);
});

test("every function and class that stands for a Go name is exported", () => {
  const rows = part.split("\n").filter((line) => line.startsWith("| ") && !line.startsWith("| Go "));
  const ours = rows.flatMap((row) => [...(row.split(" | ")[1] ?? "").matchAll(/`([A-Za-z0-9]+)\(/g)]);
  const methods = ["cleanup", "postRootfsExport", "release"]; // of what functions give and take
  const names = ours.map(([, name = ""]) => name).filter((name) => !methods.includes(name));
  expect(names.length).toBeGreaterThan(20);
  for (const name of [...names, "LayerCache", "PullProgressSink", "Rootfs", "exportTar", "openSource"]) {
    expect(api).toHaveProperty(name, expect.any(Function));
  }
});

test("the fields that stand for Go's have their meaning's types", () => {
  type Given = "imageRef" | "registryUsername" | "registryPassword" | "downloadBaseUrl" | "onPullProgress";
  type Config = "entrypoint" | "cmd" | "env" | "workingDir" | "user";
  expectTypeOf<Given>().toExtend<keyof SourceSpec>();
  expectTypeOf<Config>().toExtend<keyof DockerImageConfig>();
  expectTypeOf<PreparedSource["exportMode"]>().toEqualTypeOf<"docker" | "dockerless" | "native">();
  expectTypeOf<PullProgress>().toHaveProperty("speedBps").toEqualTypeOf<number>();
  expectTypeOf<BuildResult>().toHaveProperty("sha256").toEqualTypeOf<string>();
  expectTypeOf<Parameters<typeof api.streamRegistryToDir>["length"]>().toEqualTypeOf<2 | 3>();
});

test.skipIf(lacking("mke2fs", "debugfs", "e2fsck").length > 0)(
  "a job of the Go program is the same calls: preflight, prepare, fingerprint, build, clean up, use again",
  async () => {
    await using registry = await startTestRegistry();
    registry.seed("demo/app", anImage({ tag: "v1", layers: [aLayer({ files: { "etc/a": "one" } })] }));
    await using remote = createRegistry(registry.host);
    const folder = tempFolder();
    const environment = { PATH: process.env.PATH, CUBEMASTER_ROOTFS_ARTIFACT_STORE_DIR: join(folder, "store") };
    const told: PullProgress[] = [];

    await api.ensureArtifactBuildPreflight({ environment, directory: folder });
    const source = await api.prepareSource({
      imageRef: `${registry.host}/demo/app:v1`,
      downloadBaseUrl: "master:8080",
      onPullProgress: (progress) => told.push(progress),
      platform: { os: "linux", architecture: "amd64" },
      environment,
      from: () => remote,
    });
    expect(Object.keys(source)).toEqual(
      expect.arrayContaining(
        "localRef digest config configJson masterNodeIp skopeoAuthFile compressedSizeBytes exportMode registryAuth".split(
          " ",
        ),
      ),
    );
    const fingerprint = api.artifactFingerprint({ source_image_digest: source.digest });
    const artifactId = api.artifactIdOf(fingerprint);
    expect(api.validArtifactId(artifactId)).toBe(true);
    const settings = api.readEnvironment(environment);
    const store = await api.resolveArtifactStoreDir(artifactId, { settings });
    const built = await api.buildExt4(source, {
      artifactId,
      environment,
      postRootfsExport: async (files) => {
        expect(await api.artifactBuildInProgress(store)).toBe(true);
        files.mkdir("/usr/local/bin", { recursive: true });
        files.write("/usr/local/bin/envd", "#!/bin/sh\n", { mode: 0o755 });
      },
    });
    await source.cleanup();
    expect(Object.keys(built).sort()).toEqual(["ext4Path", "path", "sha256", "sizeBytes"]);
    expect(built.ext4Path).toBe(join(store, `${artifactId}.ext4`));
    expect(told.at(-1)).toMatchObject({ completedLayers: 1, totalLayers: 1, percent: 100 });
    expect(await api.describeArtifactBuildMarker(store)).toBeUndefined();

    const wanted = { id: artifactId, fingerprint, store };
    const recorded = { ...wanted, path: built.ext4Path, sizeBytes: built.sizeBytes };
    expect(await api.artifactPresence(recorded, wanted)).toBe("present");
    expect(await api.removePublishedExt4(built.path, { store })).toBe(true);
    expect(existsSync(built.ext4Path)).toBe(false);
    expect(await api.artifactPresence(recorded, wanted)).toBe("missing");

    const { sidecar } = await api.streamRegistryToDir(source, join(folder, "rootfs"));
    expect(sidecar === undefined).toBe(process.getuid?.() === 0);
    expect(readFileSync(join(folder, "rootfs/etc/a"), "utf8")).toBe("one");
    const failing = api.buildExt4(source, { artifactId: "../other", environment });
    await expect(failing).rejects.toSatisfy((error) => api.isRootfsError(error, "ARTIFACT_ID_INVALID"));
  },
);
