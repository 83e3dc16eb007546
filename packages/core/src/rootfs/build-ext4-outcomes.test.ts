import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { blobOf, createRegistry } from "@tranship/registry";
import { aLayer, anImage, startTestRegistry, type TestRegistry } from "@tranship/registry/testing";
import { describe, expect, test } from "vitest";
import { tempFolder } from "../../../../tests/support/temp-folder.ts";
import { noTmpfs, tmpfs } from "../../../../tests/support/tmpfs.ts";
import { lacking, pathWith } from "../../../../tests/support/tools.ts";
import { type BuildOptions, buildExt4 } from "./build-ext4.ts";
import type { RootfsEvent } from "./events.ts";
import { prepareSource } from "./source/prepare-source.ts";
import type { PreparedSource } from "./source/source.ts";

const programs = ["mke2fs", "debugfs", "e2fsck"];
const layer = aLayer({ files: { "etc/a": "one" } });

async function seeded(registry: TestRegistry, built = layer): Promise<PreparedSource> {
  registry.seed("demo/app", anImage({ tag: "v1", layers: [built] }));
  return await prepareSource({
    imageRef: `${registry.host}/demo/app:v1`,
    from: (host) => createRegistry(host, { attempts: 1 }),
    platform: { os: "linux", architecture: "amd64" },
    mode: "native",
  });
}

function inStore(store: string, more: Partial<BuildOptions> = {}): BuildOptions {
  const environment = {
    PATH: pathWith(...programs), // there is no other program, such as one that mounts
    CUBE_TEMPLATE_CENTER_LOOP_MOUNT_EXT4_ENABLED: "1",
    CUBE_TEMPLATE_CENTER_ARTIFACT_STORE_DIR: store,
  };
  return { artifactId: "rfs-1", environment, ...more };
}

const sha256Of = (path: string) => blobOf(readFileSync(path)).digest.slice("sha256:".length);
const filesBelow = (folder: string) =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();

describe.skipIf(lacking(...programs).length > 0)("an ext4 image in the store", () => {
  test("is what the result says, and all there is afterwards", async () => {
    await using registry = await startTestRegistry();
    const store = tempFolder();
    const events: RootfsEvent[] = [];
    const source = await seeded(registry);
    const built = await buildExt4(source, inStore(store, { onEvent: (event) => events.push(event) }));
    expect(built.ext4Path).toBe(join(store, "rfs-1", "rfs-1.ext4"));
    expect(sha256Of(built.ext4Path)).toBe(built.sha256);
    expect(statSync(built.ext4Path).size).toBe(built.sizeBytes);
    expect(built.sizeBytes % (2 * 1024 ** 2)).toBe(0);
    expect(filesBelow(store)).toEqual([`rfs-1/generations/1/${built.sha256}.ext4`, "rfs-1/rfs-1.ext4"]);
    const stages = events.flatMap((event) => (event.type === "stage.finished" ? [event.stage] : []));
    expect(stages).toEqual(["download", "merge", "write", "format", "check"]);
    expect(events.filter(({ type }) => type === "warning")).toEqual([]);
  });

  test("has what a hook made of it in one run, takes the place of the one before, and is the same again without", async () => {
    await using registry = await startTestRegistry();
    const store = tempFolder();
    const source = await seeded(registry);
    const plain = await buildExt4(source, inStore(store));
    const edited = await buildExt4(
      source,
      inStore(store, {
        postRootfsExport: (files) => {
          files.write("/etc/hostname", "vm\n");
          files.mkdir("/made-once"); // it would fail the second time
        },
      }),
    );
    expect(edited.sha256).not.toBe(plain.sha256);
    expect(filesBelow(store)).toEqual([`rfs-1/generations/1/${edited.sha256}.ext4`, "rfs-1/rfs-1.ext4"]);
    expect((await buildExt4(source, inStore(store))).sha256).toBe(plain.sha256);
  });

  test("of a generation leaves those of others", async () => {
    await using registry = await startTestRegistry();
    const store = tempFolder();
    const source = await seeded(registry);
    const first = await buildExt4(source, inStore(store, { generation: 1 }));
    const second = await buildExt4(source, inStore(store, { generation: 2, label: "two" }));
    expect([first.path, second.path].map((path) => existsSync(path))).toEqual([true, true]);
    expect(sha256Of(second.ext4Path)).toBe(second.sha256);
  });

  test.skipIf(noTmpfs !== undefined)("is not begun where its files would not fit, once they are known", async () => {
    await using registry = await startTestRegistry();
    const store = tmpfs(8 * 1024 ** 2);
    const events: RootfsEvent[] = [];
    const source = await seeded(registry, aLayer({ files: { large: "a".repeat(9_000_000) } })); // packed, it is small
    expect(source.compressedSizeBytes).toBeLessThan(100_000);
    const building = buildExt4(source, inStore(store, { onEvent: (event) => events.push(event) }));
    await expect(building).rejects.toMatchObject({ code: "NO_SPACE", details: { neededBytes: expect.any(Number) } });
    expect(events.flatMap((event) => (event.type === "stage.started" ? [event.stage] : []))).not.toContain("write");
    expect(filesBelow(store)).toEqual([]);
  });

  test.for<{ name: string; code: string; build: Partial<BuildOptions>; wrong?: true }>([
    {
      name: "whose hook fails",
      code: "HOOK_FAILED",
      build: {
        postRootfsExport: () => {
          throw new Error("no");
        },
      },
    },
    {
      name: "that would not fit",
      code: "SIZE_TOO_SMALL",
      build: { sizeBytes: 4096, postRootfsExport: (files) => files.write("/large", new Uint8Array(3_000_000).fill(1)) },
    },
    { name: "without its programs", code: "TOOL_MISSING", build: { environment: { PATH: "/nowhere" } } },
    { name: "of a layer that is another", code: "LAYER_MISMATCH", build: {}, wrong: true },
    { name: "under a bad name", code: "ARTIFACT_ID_INVALID", build: { artifactId: "../rfs-1" } },
  ])("a build $name leaves the last good image as it was", async ({ code, build, wrong }) => {
    await using registry = await startTestRegistry();
    const store = tempFolder();
    const good = await buildExt4(await seeded(registry), inStore(store));
    const other = aLayer({ files: { x: "y" } }).diffId;
    const source = await seeded(registry, wrong && other ? { ...layer, diffId: other } : layer);
    const options = inStore(store, build);
    const environment = { ...options.environment, CUBE_TEMPLATE_CENTER_ARTIFACT_STORE_DIR: store };
    await expect(buildExt4(source, { ...options, environment })).rejects.toMatchObject({ code });
    expect(sha256Of(good.ext4Path)).toBe(good.sha256);
    expect(filesBelow(store)).toEqual([`rfs-1/generations/1/${good.sha256}.ext4`, "rfs-1/rfs-1.ext4"]);
  });
});

test("a store that cannot be made is told before anything is fetched", async () => {
  await using registry = await startTestRegistry();
  const folder = tempFolder();
  writeFileSync(join(folder, "file"), "");
  const source = await seeded(registry);
  const asked = registry.requests().length;
  await expect(buildExt4(source, inStore(join(folder, "file", "store")))).rejects.toMatchObject({
    code: "STORE_UNUSABLE",
  });
  expect(registry.requests()).toHaveLength(asked);
});
