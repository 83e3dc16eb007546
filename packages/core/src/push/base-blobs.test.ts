import { createRegistry, MemoryRegistry, type Registry, type RegistryReader } from "@tranship/registry";
import { aLayer, anImage, type BuiltImage, faults, seedMemory, startTestRegistry } from "@tranship/registry/testing";
import { describe, expect, test, vi } from "vitest";
import type { BasedSource } from "../bundle/assumed.ts";
import { pushBundle } from "./push-bundle.ts";

const base = aLayer({ size: 4_000, seed: "base" });
const old = anImage({ tag: "v1", layers: [base, aLayer({ size: 100, seed: "v1" })] });
const own = aLayer({ size: 200, seed: "v2" });
const next = anImage({ tag: "v2", layers: [base, own] });

/** What a bundle over a base is: an image at each path, without the layer the base has at `from`. */
function aDelta(
  paths: readonly string[],
  from: readonly string[],
  image: BuiltImage = next,
): RegistryReader & BasedSource {
  const source = new MemoryRegistry({ name: "delta" });
  for (const path of paths) {
    const repository = source.repository(path);
    for (const blob of image.blobs) if (blob.digest !== base.digest) repository.putBlob(blob, blob.bytes);
    repository.putManifest(image.manifest, image.tags);
  }
  const { digest, size, mediaType } = base;
  return Object.assign(source, { assumed: () => paths.map((path) => ({ path, digest, size, mediaType, from })) });
}

async function holdsWhole(target: Registry, path: string): Promise<boolean> {
  const repository = target.repository(path);
  const stats = await Promise.all(next.blobs.map(({ digest }) => repository.statBlob(digest)));
  return !stats.includes(undefined) && (await repository.resolve("v2"))?.digest === next.manifest.descriptor.digest;
}

describe("pushing what was made over a base", () => {
  test("takes what is left out for present where it is there", async () => {
    const target = new MemoryRegistry();
    seedMemory(target, "packages/app", [old]);
    const dry = await pushBundle(aDelta(["packages/app"], ["packages/app"]), target, { dryRun: true });
    const report = await pushBundle(aDelta(["packages/app"], ["packages/app"]), target);
    expect(report).toEqual(dry);
    expect(report.blobs).toMatchObject({ present: 1, mounted: 0 });
    expect(await holdsWhole(target, "packages/app")).toBe(true);
  });

  test("mounts it from where the base has it, on the way the suffix leads", async () => {
    const target = new MemoryRegistry();
    seedMemory(target, "mods/other", [old]);
    const source = aDelta(["modules/app"], ["modules/nothing", "modules/other"]);
    const how = { modulesPathSuffix: "mods" };
    const dry = await pushBundle(source, target, { ...how, dryRun: true });
    const report = await pushBundle(source, target, how);
    expect(report).toEqual(dry);
    expect(report.bytes.mounted).toBe(base.size);
    expect(await holdsWhole(target, "mods/app")).toBe(true);
  });

  test("reads it from there and sends it where mounts are refused", async () => {
    await using server = await startTestRegistry();
    await using target = createRegistry(`${server.host}/fe`);
    server.seed("fe/packages/app", old);
    server.fail(faults.status(405), {
      match: ({ method, queryNames }) => method === "POST" && queryNames.includes("mount"),
      times: 99,
    });
    const report = await pushBundle(aDelta(["packages/web", "packages/zoo"], ["packages/app"]), target);
    expect(report.bytes.uploaded).toBeGreaterThanOrEqual(2 * base.size);
    for (const path of ["packages/web", "packages/zoo"]) expect(await holdsWhole(target, path)).toBe(true);
  });

  test("finds it in a repository the source is no longer asked about, when that is where it is needed too", async () => {
    const target = new MemoryRegistry();
    seedMemory(target, "packages/zoo", [old]);
    await pushBundle(aDelta(["packages/web", "packages/zoo"], []), target);
    for (const path of ["packages/web", "packages/zoo"]) expect(await holdsWhole(target, path)).toBe(true);
  });

  test("sends it from the source where another of its repositories has it after all", async () => {
    const source = aDelta(["packages/web"], ["packages/app"]);
    seedMemory(source as unknown as MemoryRegistry, "packages/app", [old]);
    const target = new MemoryRegistry();
    await pushBundle(source, target);
    expect(await holdsWhole(target, "packages/web")).toBe(true);
  });

  test.for([true, false])("says what is nowhere, and writes nothing (dry run: %s)", async (dryRun) => {
    await using server = await startTestRegistry();
    await using target = createRegistry(`${server.host}/fe`);
    const source = aDelta(["packages/app", "packages/web"], ["packages/app", "elsewhere"]);
    await expect(pushBundle(source, target, { dryRun })).rejects.toMatchObject({
      code: "BASE_MISSING",
      message: expect.stringContaining(`${server.host}/fe`),
      details: {
        place: `${server.host}/fe`,
        blobs: 1,
        bytes: base.size,
        references: [`packages/app@${base.digest}`, `packages/web@${base.digest}`],
      },
    });
    expect(server.requests().filter(({ method }) => !["GET", "HEAD"].includes(method))).toEqual([]);
  });

  test("says what is nowhere in the order of what it would push, whichever answer comes first", async () => {
    const [first, second] = [aLayer({ size: 10, seed: "first" }), aLayer({ size: 10, seed: "second" })];
    const source = aDelta(["packages/app"], [], anImage({ tag: "v3", layers: [first, second] }));
    const assumed = [first, second].map((blob) => ({ ...blob, path: "packages/app", from: [] }));
    const target = new MemoryRegistry();
    const repository = target.repository("packages/app");
    const other = Promise.withResolvers<void>();
    vi.spyOn(target, "repository").mockReturnValue(repository);
    vi.spyOn(repository, "statBlob").mockImplementation(async (digest) => {
      if (digest === first.digest) await other.promise;
      else other.resolve();
      return undefined;
    });
    await expect(pushBundle(Object.assign(source, { assumed: () => assumed }), target)).rejects.toMatchObject({
      details: { references: [first, second].map(({ digest }) => `packages/app@${digest}`) },
    });
  });

  test("a repository that may not be looked into is passed over", async () => {
    await using server = await startTestRegistry();
    await using target = createRegistry(`${server.host}/fe`);
    server.seed("fe/packages/zoo", old);
    server.fail(faults.status(403), { match: ({ path }) => path.includes("/secret/"), times: 9 });
    await pushBundle(aDelta(["packages/web"], ["packages/secret", "packages/zoo"]), target);
    expect(await holdsWhole(target, "packages/web")).toBe(true);
  });

  test("a second push asks for names only", async () => {
    await using server = await startTestRegistry();
    await using target = createRegistry(`${server.host}/fe`);
    server.seed("fe/packages/app", old);
    await pushBundle(aDelta(["packages/app"], []), target);
    server.reset();
    await pushBundle(aDelta(["packages/app"], []), target);
    expect(server.requests().map(({ method }) => method)).toEqual(["HEAD", "HEAD"]);
  });
});
