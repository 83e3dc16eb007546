import { type Digest, MemoryRegistry, manifestOf } from "@tranship/registry";
import { aLayer, anArtifact, anImage, anIndex, seedMemory } from "@tranship/registry/testing";
import { expect, test } from "vitest";
import type { MirrorEvent } from "../events.ts";
import { createDiscoveryImage } from "./discovery-image.ts";
import { pushBundle } from "./push-bundle.ts";

const base = aLayer({ size: 3_000, seed: "base" });
const own = aLayer({ size: 500, seed: "only the first has it" });

/** One image that another has the name of at the target, one that is there, one that is new. */
function aConflict() {
  const [source, target] = [new MemoryRegistry({ name: "source" }), new MemoryRegistry({ name: "target" })];
  const taken = anImage({ tag: "v1", layers: [base, own] });
  const there = anImage({ tag: "v2" });
  seedMemory(source, "packages/app", [taken, there, anImage({ tag: "v3", layers: [base] })]);
  const before = anImage({ tag: "v1", seed: "theirs" });
  seedMemory(target, "packages/app", [before, there]);
  const tagOf = async (tag: string): Promise<Digest | undefined> =>
    (await target.repository("packages/app").resolve(tag))?.digest;
  return { source, target, taken, before: before.manifest.descriptor.digest, tagOf };
}

test("a tag that names another image moves, and is counted as replaced", async () => {
  const { source, target, taken, tagOf } = aConflict();
  const report = await pushBundle(source, target);
  expect(report.images).toEqual({ written: 1, present: 1, replaced: 1, kept: 0 });
  expect(await tagOf("v1")).toBe(taken.manifest.descriptor.digest);
});

test("told to skip, it stays, and what only it needs is not sent", async () => {
  const { source, target, taken, before, tagOf } = aConflict();
  const sbom = anArtifact({ subject: taken, artifactType: "application/sbom" });
  const tag = `sha256-${taken.manifest.descriptor.digest.slice(7)}`;
  seedMemory(source, "packages/app", [anIndex({ images: [sbom], tag })]);
  const warnings: MirrorEvent[] = [];
  const onEvent = (event: MirrorEvent) => {
    if (event.type === "warning.raised") warnings.push(event);
  };
  const report = await pushBundle(source, target, { onConflict: "skip", onEvent });
  expect(report.images).toEqual({ written: 1, present: 1, replaced: 0, kept: 1 });
  expect(report.referrers).toEqual({ written: 0, present: 0, kept: 1 });
  expect(await tagOf("v1")).toBe(before);
  const repository = target.repository("packages/app");
  expect(await repository.statBlob(own.digest)).toBeUndefined();
  expect(await repository.resolve(sbom.manifest.descriptor.digest)).toBeUndefined();
  expect(await repository.statBlob(base.digest)).toBeDefined();
  expect(warnings).toMatchObject([{ code: "TAG_KEPT", message: expect.stringContaining("packages/app:v1") }]);
});

test("told to fail, nothing is written and every such tag is named", async () => {
  const { source, target, before, tagOf } = aConflict();
  seedMemory(source, "zoo", [anImage({ tag: "latest" })]);
  seedMemory(target, "zoo", [anImage({ tag: "latest", seed: "theirs" })]);
  for (const dryRun of [true, false]) {
    await expect(pushBundle(source, target, { onConflict: "fail", dryRun })).rejects.toMatchObject({
      code: "TAG_CONFLICT",
      message: "cannot push to target: 2 tags name other images there: packages/app:v1, zoo:latest",
      details: { target: "target", references: ["packages/app:v1", "zoo:latest"] },
    });
  }
  expect([await tagOf("v1"), await tagOf("v3")]).toEqual([before, undefined]);
  await expect(Array.fromAsync(target.repositories())).resolves.toEqual(["packages/app", "zoo"]);
});

test.for(["overwrite", "skip", "fail"] as const)(
  "a discovery tag that names any image is good as it is, with %s",
  async (onConflict) => {
    const [source, target] = [new MemoryRegistry(), new MemoryRegistry()];
    seedMemory(source, "packages/app", [anImage({ tag: "v1" })]);
    const foreign = anImage({ tag: "app", seed: "placeholder of another tool" });
    seedMemory(target, "packages", [foreign]);
    const report = await pushBundle(source, target, { onConflict });
    expect(report.discovery).toEqual({ written: 0, present: 1 });
    expect(report.images).toEqual({ written: 1, present: 0, replaced: 0, kept: 0 });
    expect((await target.repository("packages").resolve("app"))?.digest).toBe(foreign.manifest.descriptor.digest);
  },
);

test("a discovery tag that names an image in part, as a push that failed may leave it, is given the whole one", async () => {
  const [source, target] = [new MemoryRegistry(), new MemoryRegistry()];
  seedMemory(source, "packages/app", [anImage({ tag: "v1" })]);
  const own = createDiscoveryImage().manifest;
  const damaged = Buffer.from(own.bytes);
  const at = damaged.indexOf("sha256:") + "sha256:".length;
  damaged[at] = damaged[at] === 0x30 ? 0x31 : 0x30; // another digit: the digest of a config that is nowhere
  await target.repository("packages").pushManifest(manifestOf(damaged, own.descriptor.mediaType), { tags: ["app"] });
  const tagged = async () => (await target.repository("packages").resolve("app"))?.digest;
  expect(await tagged()).not.toBe(own.descriptor.digest);
  const report = await pushBundle(source, target);
  expect(report.discovery).toEqual({ written: 1, present: 0 });
  expect(await tagged()).toBe(own.descriptor.digest);
  expect((await pushBundle(source, target)).discovery).toEqual({ written: 0, present: 1 });
});

test("a foreign discovery tag says nothing of what its repository holds: the next one still gets its blobs", async () => {
  const [source, target] = [new MemoryRegistry(), new MemoryRegistry()];
  for (const name of ["app", "web"]) seedMemory(source, `packages/${name}`, [anImage({ tag: "v1", seed: name })]);
  seedMemory(target, "packages", [anImage({ tag: "app", seed: "placeholder of another tool" })]);
  const report = await pushBundle(source, target);
  expect(report.discovery).toEqual({ written: 1, present: 1 });
  const { manifest } = anImage({ tag: "x" });
  const placeholder = await target.repository("packages").manifest("web");
  expect(placeholder.descriptor.digest).not.toBe(manifest.descriptor.digest);
  const { config, layers } = JSON.parse(new TextDecoder().decode(placeholder.bytes));
  for (const { digest } of [config, ...layers]) {
    expect(await target.repository("packages").statBlob(digest)).toBeDefined();
  }
});
