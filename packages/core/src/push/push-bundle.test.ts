import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Blob, type Digest, MemoryRegistry, type RegistryReader, type RepositoryReader } from "@tranship/registry";
import { aLayer, anImage, anIndex, seedMemory } from "@tranship/registry/testing";
import { describe, expect, onTestFinished, test } from "vitest";
import type { MirrorEvent, OnEvent } from "../events.ts";
import { LayoutRegistry } from "../layout/layout-registry.ts";
import { graphOf } from "../transfer/graph.ts";
import { pushBundle } from "./push-bundle.ts";

const base = aLayer({ size: 5_000, seed: "base" });

/** Two packages, one of them by its release metadata only, a module and a two-platform image with a digest's name. */
function aSource(): MemoryRegistry {
  const source = new MemoryRegistry({ name: "source" });
  const amd64 = anImage({ seed: "amd64", layers: [base, aLayer({ size: 100, seed: "amd64" })] });
  const arm64 = anImage({ seed: "arm64", layers: [base, aLayer({ size: 100, seed: "arm64" })] });
  seedMemory(source, "", [anIndex({ images: [amd64, anIndex({ images: [amd64, arm64] })], tag: "ab".repeat(32) })]);
  seedMemory(source, "packages/console", [anImage({ tag: "v1.0.0", layers: [base] })]);
  seedMemory(source, "packages/console/version", [anImage({ tags: ["v1.0.0", "stable"], layers: [base] })]);
  seedMemory(source, "packages/other/version", [anImage({ tags: ["v9.0.0", "alpha"] })]);
  seedMemory(source, "modules/net", [anImage({ tag: "v2.0.0", docker: true })]);
  seedMemory(source, "modules/net/release", [anImage({ tag: "lts" })]);
  return source;
}

/** What is reachable by name: each tag with its manifest's digest. */
async function namesIn(registry: RegistryReader): Promise<Record<string, Digest | undefined>> {
  const names: Record<string, Digest | undefined> = {};
  for await (const path of registry.repositories()) {
    const repository = registry.repository(path);
    for await (const tag of repository.tags()) names[`${path}:${tag}`] = (await repository.resolve(tag))?.digest;
  }
  return names;
}

/** The same registry, with blobs read by `fetchBlob` instead. */
function readingBlobs(
  registry: MemoryRegistry,
  fetchBlob: (path: string, ...args: Parameters<RepositoryReader["fetchBlob"]>) => AsyncIterable<Uint8Array>,
): RegistryReader {
  return {
    name: registry.name,
    repositories: (options) => registry.repositories(options),
    repository(path) {
      const repository = registry.repository(path);
      return {
        name: repository.name,
        resolve: (...args) => repository.resolve(...args),
        manifest: (...args) => repository.manifest(...args),
        statBlob: (...args) => repository.statBlob(...args),
        tags: (...args) => repository.tags(...args),
        referrers: (...args) => repository.referrers(...args),
        fetchBlob: (...args) => fetchBlob(path, ...args),
      };
    },
  };
}

describe("pushBundle", () => {
  test("copies every image whole, with the same digests, and announces what can be used", async () => {
    const [source, target] = [aSource(), new MemoryRegistry({ name: "target" })];
    const report = await pushBundle(source, target);
    const { "packages:console": announced, "modules:net": module, ...copied } = await namesIn(target);
    const expected = await namesIn(source);
    expect(copied).toEqual(expected);
    expect([announced, module]).toEqual([expect.stringMatching(/^sha256:/), announced]);
    for (const [name, digest] of Object.entries(expected)) {
      const path = name.slice(0, name.lastIndexOf(":"));
      const descriptor = await source.repository(path).resolve(digest ?? "");
      if (!descriptor) return expect.unreachable();
      const graph = await graphOf(target.repository(path), descriptor);
      expect(graph).toEqual(await graphOf(source.repository(path), descriptor));
      for (const blob of graph.blobs) expect(await target.repository(path).statBlob(blob.digest)).toBeDefined();
    }
    expect(report).toMatchObject({
      images: { written: 8, present: 0 },
      discovery: { written: 2, present: 0 },
      packages: ["console"],
      modules: ["net"],
      metadataOnly: ["packages/other"],
    });
  });

  test("sends a blob once, and lets the other repositories take it over", async () => {
    const sent: Digest[] = [];
    const planned = { blobs: 0, bytes: 0 };
    const told = { blobs: 0, bytes: 0 };
    const report = await pushBundle(aSource(), new MemoryRegistry(), {
      onEvent: (event) => {
        if (event.type === "work.planned") Object.assign(planned, { blobs: event.blobs, bytes: event.bytes });
        if (event.type === "blob.finished") sent.push(event.digest);
        if (event.type !== "blob.finished" && event.type !== "blob.skipped") return;
        told.blobs += 1;
        told.bytes += event.size;
      },
    });
    expect(told).toEqual(planned);
    expect(new Set(sent).size).toBe(sent.length);
    expect(sent).toContain(base.digest);
    expect(report.blobs).toMatchObject({ written: sent.length, present: 0 });
    expect(report.blobs.mounted).toBe(2 + 2); // base in two repositories of console, both parts of the discovery image
  });

  test("a second push writes nothing, and says so", async () => {
    const [source, target] = [aSource(), new MemoryRegistry()];
    const first = await pushBundle(source, target);
    const events: MirrorEvent[] = [];
    const second = await pushBundle(source, target, { onEvent: (event) => events.push(event) });
    expect(second).toEqual({
      ...first,
      images: { written: 0, present: 8, replaced: 0, kept: 0 },
      discovery: { written: 0, present: 2 },
      blobs: { written: 0, mounted: 0, present: 0 },
      bytes: { uploaded: 0, mounted: 0, present: 0, manifests: 0 },
      repositories: [],
    });
    expect(new Set(events.map(({ type }) => type))).toEqual(
      new Set(["warning.raised", "work.planned", "image.finished"]),
    );
  });

  test("gives equal reports and the same registry whatever runs at a time", async () => {
    const [one, many] = [new MemoryRegistry(), new MemoryRegistry()];
    expect(await pushBundle(aSource(), one, { inFlight: 1 })).toEqual(
      await pushBundle(aSource(), many, { inFlight: 50 }),
    );
    expect(await namesIn(one)).toEqual(await namesIn(many));
  });

  test("a dry run reports what a push then does, and writes and tells nothing but warnings", async () => {
    const [source, target] = [aSource(), new MemoryRegistry()];
    seedMemory(target, "packages/console", [anImage({ tag: "v0.9.0", layers: [base] })]);
    const events: string[] = [];
    const dry = await pushBundle(source, target, { dryRun: true, onEvent: ({ type }) => events.push(type) });
    expect(Object.keys(await namesIn(target))).toEqual(["packages/console:v0.9.0"]);
    expect(events).toEqual(["warning.raised"]);
    expect(dry.blobs.present).toBe(1);
    expect(dry).toEqual(await pushBundle(source, target));
  });

  test("one warning names everything that is not announced", async () => {
    const source = aSource();
    seedMemory(source, "modules/cni/release", [anImage({ tag: "v1" })]);
    const warnings: MirrorEvent[] = [];
    const onEvent = (event: MirrorEvent) => {
      if (event.type === "warning.raised") warnings.push(event);
    };
    await pushBundle(source, new MemoryRegistry(), { onEvent });
    expect(warnings).toMatchObject([{ code: "METADATA_ONLY" }]);
    expect(warnings[0]).toMatchObject({ message: expect.stringContaining("packages/other, modules/cni") });
  });

  test("an image the source keeps in the catalog itself stays what the name means", async () => {
    const source = aSource();
    const catalog = anImage({ tag: "console" });
    seedMemory(source, "packages", [catalog]);
    const target = new MemoryRegistry();
    const report = await pushBundle(source, target);
    expect((await target.repository("packages").resolve("console"))?.digest).toBe(catalog.manifest.descriptor.digest);
    expect(report.discovery.written).toBe(1);
  });

  test("moves a tag, and another name for an image that is there costs one manifest", async () => {
    const target = new MemoryRegistry();
    await pushBundle(aSource(), target);
    const source = aSource();
    const console = anImage({ tag: "v1.0.0", layers: [base] });
    seedMemory(source, "packages/console/version", [anImage({ tag: "stable", files: { "version.json": "{}" } })]);
    source.repository("packages/console").putManifest(console.manifest, ["v1"]);
    const report = await pushBundle(source, target);
    expect(report.images).toEqual({ written: 1, present: 7, replaced: 1, kept: 0 });
    expect(report.blobs).toEqual({ written: 2, mounted: 0, present: 0 });
    expect(await namesIn(target)).toMatchObject(await namesIn(source));
  });

  test("checks the source's graphs before anything else, where it can", async () => {
    const damaged = Object.assign(aSource(), {
      checkGraphs: async () => {
        throw new Error("damaged");
      },
    });
    const target = new MemoryRegistry();
    await expect(pushBundle(damaged, target)).rejects.toThrow("damaged");
    expect(await namesIn(target)).toEqual({});
  });

  test("an image that cannot be read is found before the first write", async () => {
    const source = aSource();
    const { manifest } = anIndex({ images: [anImage({ seed: "nowhere" })] });
    source.repository("zoo").putManifest(manifest, ["v1"]);
    const target = new MemoryRegistry({ name: "target" });
    await expect(pushBundle(source, target)).rejects.toMatchObject({
      code: "TRANSFER_FAILED",
      message: expect.stringMatching(/^cannot push zoo:v1 to target\/zoo: /),
      details: { side: "source", reference: "source/zoo:v1", failure: "missing", code: "NOT_FOUND" },
    });
    await expect(Array.fromAsync(target.repositories())).resolves.toEqual([]);
  });

  test("a blob whose bytes rotted at the source fails as the source's, and what needs it is not published", async () => {
    const memory = aSource();
    const source = readingBlobs(memory, async function* (path: string, blob: Blob, options) {
      for await (const chunk of memory.repository(path).fetchBlob(blob, options)) {
        if (blob.digest === base.digest) chunk[9] = (chunk[9] ?? 0) ^ 1;
        yield chunk;
      }
    });
    const target = new MemoryRegistry();
    await expect(pushBundle(source, target)).rejects.toMatchObject({
      code: "TRANSFER_FAILED",
      details: { side: "source", failure: "corrupt", code: "DIGEST_MISMATCH" },
    });
    const names = Object.keys(await namesIn(target));
    expect(names.filter((name) => !name.startsWith("modules"))).toEqual([]);
  });

  test("an aborted push rejects with the reason, unwrapped, and publishes nothing more", async () => {
    const controller = new AbortController();
    const reason = new Error("enough");
    const target = new MemoryRegistry();
    const events: string[] = [];
    const onEvent = ({ type }: MirrorEvent) => {
      events.push(type);
      if (type === "blob.started") controller.abort(reason);
    };
    await expect(pushBundle(aSource(), target, { signal: controller.signal, onEvent })).rejects.toBe(reason);
    expect(events).not.toContain("image.finished");
    expect(await namesIn(target)).toEqual({});
    await expect(pushBundle(aSource(), target, { signal: controller.signal })).rejects.toBe(reason);
  });
});

test("a new index over an image that the target names but does not hold whole makes it whole first", async () => {
  const [source, target] = [new MemoryRegistry({ name: "source" }), new MemoryRegistry({ name: "target" })];
  const child = anImage({ tag: "child", layers: [base] });
  seedMemory(source, "app", [child, anIndex({ images: [child], tag: "all" })]);
  target.repository("app").putManifest(child.manifest, ["child"]);
  const report = await pushBundle(source, target);
  expect(report.images).toMatchObject({ written: 1, present: 1 });
  expect(await target.repository("app").statBlob(base.digest)).toEqual({ size: base.size });
  expect((await pushBundle(source, target)).blobs).toEqual({ written: 0, mounted: 0, present: 0 });
});

test("what is only reckoned up before a folder is written is not told as done", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tranship-push-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const target = await LayoutRegistry.open(join(folder, "out"), { create: true });
  const told: string[] = [];
  const onEvent: OnEvent = (event) => {
    if (event.type === "image.finished") told.push(event.reference);
  };
  const { images, discovery } = await pushBundle(aSource(), target, { onEvent });
  expect(told.length).toBe(images.written + discovery.written);
  expect(new Set(told).size).toBe(told.length);
});
