import { createRegistry, MemoryRegistry } from "@tranship/registry";
import {
  aLayer,
  anArtifact,
  anImage,
  anIndex,
  faults,
  seedMemory,
  startTestRegistry,
} from "@tranship/registry/testing";
import { describe, expect, test } from "vitest";
import type { MirrorEvent } from "../events.ts";
import { inventoryFrom } from "../plan/inventory.ts";
import { takeInventory } from "./take-inventory.ts";

describe("an inventory of a place", () => {
  test("lists the configs and layers of every tagged image, each once in a repository, and asks for each once", async () => {
    await using registry = await startTestRegistry();
    const shared = aLayer({ size: 100 });
    const [one, two] = [anImage({ tag: "one", layers: [shared] }), anImage({ tag: "two", layers: [shared] })];
    const both = anIndex({ tag: "both", images: [one, two] });
    registry.seed("demo/a", one, two, both);
    registry.seed("demo/b", anImage({ tag: "three", layers: [shared] }));
    await using place = createRegistry(`${registry.host}/demo`);
    registry.reset();
    const inventory = await takeInventory(place);
    const blobs = [shared, one.config, two.config].map(({ digest, size }) => ({ digest, size }));
    expect(inventory.repositories[0]).toEqual(inventoryFrom("", [{ path: "a", blobs }]).repositories[0]);
    expect(inventory.repositories[1]?.blobs).toContainEqual({ digest: shared.digest, size: shared.size });
    const asked = registry.requests().map(({ method, path }) => `${method} ${path}`);
    expect(asked.filter((line, at) => line.includes("sha256:") && asked.indexOf(line) !== at)).toEqual([]);
    expect(asked.filter((line) => line.startsWith("GET") && line.includes("/blobs/"))).toEqual([]);
  });

  test("leaves out what no tag leads to", async () => {
    const registry = new MemoryRegistry({ name: "mirror" });
    const image = anImage({ tag: "one" });
    const artifact = anArtifact({ subject: image, artifactType: "application/vnd.example.signature" });
    seedMemory(registry, "a", [image, artifact]);
    const { repositories } = await takeInventory(registry);
    const listed = repositories.flatMap(({ blobs }) => blobs.map(({ digest }) => digest)).sort();
    expect(listed).toEqual(image.blobs.map(({ digest }) => digest).sort());
  });

  test("does not list blobs that an image names and that are not there, and tells", async () => {
    const registry = new MemoryRegistry({ name: "mirror" });
    const [gone, kept] = [aLayer({ size: 50, seed: "gone" }), aLayer({ size: 60, seed: "kept" })];
    const image = anImage({ tag: "one", layers: [gone, kept] });
    const repository = registry.repository("a");
    for (const blob of image.blobs) if (blob.digest !== gone.digest) repository.putBlob(blob, blob.bytes);
    repository.putManifest(image.manifest, image.tags);
    const events: MirrorEvent[] = [];
    const inventory = await takeInventory(registry, { onEvent: (event) => events.push(event) });
    const listed = inventory.repositories[0]?.blobs.map(({ digest }) => digest);
    expect(listed).toEqual([kept.digest, image.config.digest].sort());
    expect(events).toMatchObject([
      { type: "warning.raised", code: "BLOB_ABSENT", reference: `mirror/a@${gone.digest}` },
    ]);
  });

  test("counts what an image that cannot be read whole is made of for nothing, and tells", async () => {
    const registry = new MemoryRegistry({ name: "mirror" });
    const whole = anImage({ tag: "whole" });
    const index = anIndex({ tag: "half", images: [anImage({ seed: "never stored" })] });
    seedMemory(registry, "a", [whole]);
    registry.repository("a").putManifest(index.manifest, index.tags);
    const events: MirrorEvent[] = [];
    const inventory = await takeInventory(registry, { onEvent: (event) => events.push(event) });
    expect(inventory.repositories[0]?.blobs.length).toBe(whole.blobs.length);
    expect(events).toMatchObject([{ type: "warning.raised", code: "IMAGE_UNUSABLE", reference: "mirror/a:half" }]);
  });

  test("tells of a tag that names nothing", async () => {
    await using registry = await startTestRegistry();
    registry.seed("demo/a", anImage({ tag: "one" }), anImage({ tag: "two" }));
    registry.fail(faults.status(404), { match: ({ path }) => path.endsWith("/manifests/two"), times: 10 });
    await using place = createRegistry(`${registry.host}/demo`, { retryDelayMs: 1 });
    const events: MirrorEvent[] = [];
    const inventory = await takeInventory(place, { onEvent: (event) => events.push(event) });
    expect(inventory.repositories[0]?.blobs.length).toBe(2);
    expect(events).toMatchObject([{ code: "IMAGE_UNUSABLE", reference: `${place.name}/a:two` }]);
  });

  test("counts what a bundle relies on as its own, and does not look for it", async () => {
    const registry = new MemoryRegistry({ name: "bundle" });
    const layer = aLayer({ size: 50 });
    const image = anImage({ tag: "one", layers: [layer] });
    const repository = registry.repository("a");
    repository.putBlob(image.config, image.config.bytes);
    repository.putManifest(image.manifest, image.tags);
    const { digest, size, mediaType } = layer;
    const based = Object.assign(registry, { assumed: () => [{ path: "a", digest, size, mediaType, from: ["a"] }] });
    const events: MirrorEvent[] = [];
    const inventory = await takeInventory(based, { onEvent: (event) => events.push(event) });
    expect(inventory.repositories[0]?.blobs).toContainEqual({ digest, size });
    expect(inventory.repositories[0]?.blobs.length).toBe(2);
    expect(events).toEqual([]);
  });
});

describe("a registry that does not list its repositories", () => {
  test("is refused with a code of its own, and looked into where paths are given", async () => {
    await using registry = await startTestRegistry();
    registry.seed("demo/a", anImage({ tag: "one" }));
    registry.fail(faults.status(401), { match: ({ path }) => path.endsWith("/_catalog"), times: 10 });
    await using place = createRegistry(`${registry.host}/demo`, { retryDelayMs: 1 });
    await expect(takeInventory(place)).rejects.toMatchObject({
      code: "REPOSITORIES_UNKNOWN",
      details: { place: place.name },
    });
    const inventory = await takeInventory(place, { paths: ["a", "never/pushed"] });
    expect(inventory.repositories.map(({ path }) => path)).toEqual(["a"]);
  });

  test("is not taken for one when it only fails to answer", async () => {
    await using registry = await startTestRegistry();
    registry.fail(faults.status(503), { match: ({ path }) => path.endsWith("/_catalog"), times: 100 });
    await using place = createRegistry(`${registry.host}/demo`, { retryDelayMs: 1, attempts: 2 });
    await expect(takeInventory(place)).rejects.toMatchObject({ code: "TRANSFER_FAILED" });
  });
});

test("an inventory that is given up ends with the reason", async () => {
  const reason = new Error("enough");
  await expect(takeInventory(new MemoryRegistry(), { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
});
