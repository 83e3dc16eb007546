import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import {
  Bundle,
  type Inventory,
  inventoryOf,
  joinInventories,
  pushBundle,
  takeInventory,
  verify,
  verifyBundle,
} from "@tranship/core";
import { createRegistry, type RegistryReader } from "@tranship/registry";
import { startServer } from "@tranship/registry/server";
import { faults, startTestRegistry, type TestRegistry } from "@tranship/registry/testing";
import { describe, expect, test } from "vitest";
import { startDockerRegistry } from "../support/docker-registry.ts";
import { aSource, pullInto, readPlan } from "../support/mirror.ts";
import { type ProductPackage, seedProduct, smallProduct } from "../support/product.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { lacking } from "../support/tools.ts";

const layerBytes = 100_000;

/** The product, and what it becomes: each release adds a version of `console` that one channel points at. */
const products: readonly (readonly ProductPackage[])[] = ["v1.46.0", "v1.47.0", "v1.48.0"].map((newest, at, all) =>
  smallProduct.map((one) => {
    if (one.name !== "console") return { ...one, layerBytes };
    const versions = [...new Set([...one.versions, ...all.slice(0, at + 1)])];
    return { ...one, layerBytes, versions, channels: { ...one.channels, alpha: newest } };
  }),
);

/**
 * Bundles of the product's releases one after another, each over all before it, and one of the last release that is
 * whole.
 */
async function releases(count: number): Promise<{ readonly chain: readonly string[]; readonly whole: string }> {
  const folder = tempFolder();
  await using registry = await aSource(products[0]);
  const chain: string[] = [];
  let base: Inventory | undefined;
  for (const [at, product] of products.slice(0, count).entries()) {
    await using client = createRegistry(`${registry.host}/demo/fe`);
    await seedProduct(client, product);
    const bundle = join(folder, `bundle-${at}`);
    await pullInto(bundle, registry.host, [], base ? { base } : {});
    const brought = inventoryOf(readPlan(bundle));
    base = base ? joinInventories([base, brought]) : brought;
    chain.push(bundle);
  }
  const whole = join(folder, "whole");
  await pullInto(whole, registry.host);
  return { chain, whole };
}

async function push(
  places: string | readonly string[],
  registry: { readonly host: string },
): ReturnType<typeof pushBundle> {
  await using bundle = await Bundle.open(places);
  await using target = createRegistry(`${registry.host}/mirror/fe`);
  return await pushBundle(bundle, target);
}

/** Every tag with what it means, and every config and layer, by repository. */
async function contentOf(place: RegistryReader): Promise<unknown> {
  const tags: Record<string, string | undefined> = {};
  for await (const path of place.repositories()) {
    const repository = place.repository(path);
    for await (const tag of repository.tags()) tags[`${path}:${tag}`] = (await repository.resolve(tag))?.digest;
  }
  return { tags, blobs: (await takeInventory(place)).repositories };
}

async function contentAt(registry: TestRegistry): Promise<unknown> {
  await using place = createRegistry(`${registry.host}/mirror/fe`);
  return await contentOf(place);
}

describe("a bundle over a base", () => {
  test("brings a mirror with the base to the next release, sending what is new alone", async () => {
    const { chain, whole } = await releases(2);
    const [first = "", second = ""] = chain;
    await using mirror = await startTestRegistry();
    await push(first, mirror);
    await using place = createRegistry(`${mirror.host}/mirror/fe`);
    const before = inventoryOf(readPlan(first)).repositories;
    const taken = await takeInventory(place);
    for (const { path, blobs } of before) {
      const there = taken.repositories.find((other) => other.path === path)?.blobs.map(({ digest }) => digest);
      expect(there).toEqual(expect.arrayContaining(blobs.map(({ digest }) => digest)));
    }
    const report = await push(second, mirror);
    expect(report.bytes.uploaded).toBeGreaterThan(layerBytes);
    expect(report.bytes.uploaded).toBeLessThan(layerBytes + 20_000);
    for (const lock of [second, whole]) {
      expect(await verify(place, readPlan(lock))).toMatchObject({ ok: true, findings: [] });
    }
  });

  test("alone is refused by a registry without the base, which stays empty", async () => {
    const { chain } = await releases(2);
    await using empty = await startTestRegistry();
    await expect(push(chain[1] ?? "", empty)).rejects.toMatchObject({
      code: "BASE_MISSING",
      details: { place: `${empty.host}/mirror/fe` },
    });
    expect(empty.requests().filter(({ method }) => method === "PUT")).toEqual([]);
    expect(await contentAt(empty)).toEqual({ tags: {}, blobs: [] });
  });

  test("tells, when a mirror is verified against it, which of the base's blobs were lost", async () => {
    const { chain } = await releases(2);
    await using mirror = await startTestRegistry();
    await push(chain, mirror);
    const list = readPlan(chain[1] ?? "");
    const [lost] = list.archives
      .flatMap(({ sections }) => sections.flatMap(({ repositories }) => repositories))
      .flatMap(({ path, assumed = [] }) => assumed.map(({ digest }) => ({ path, digest })));
    mirror.fail(faults.status(404), { match: ({ path }) => path.endsWith(`/${lost?.path}/blobs/${lost?.digest}`) });
    await using place = createRegistry(`${mirror.host}/mirror/fe`);
    const { findings } = await verify(place, list);
    expect(findings).toMatchObject([
      { code: "BLOB_MISSING", reference: `${place.name}/${lost?.path}@${lost?.digest}` },
    ]);
    const taken = await takeInventory(place);
    const there = taken.repositories.find(({ path }) => path === lost?.path)?.blobs.map(({ digest }) => digest);
    expect(there).not.toContain(lost?.digest);
  });
});

describe("a chain of bundles, each over those before", () => {
  test("opened together is whole, and fills an empty registry as its releases do one after another", async () => {
    const { chain, whole } = await releases(3);
    await using together = await startTestRegistry();
    await using stepwise = await startTestRegistry();
    await using all = await Bundle.open(chain);
    expect(all.assumed()).toEqual([]);
    expect(await verifyBundle(all)).toMatchObject({ ok: true, findings: [] });
    await push(chain, together);
    for (const bundle of chain) await push(bundle, stepwise);
    expect(await contentAt(together)).toEqual(await contentAt(stepwise));
    await using place = createRegistry(`${together.host}/mirror/fe`);
    expect(await verify(place, readPlan(whole))).toMatchObject({ ok: true, findings: [] });
  });

  test("is a registry when it is served, with the last release under its tags", async () => {
    const { chain, whole } = await releases(3);
    await using all = await Bundle.open(chain);
    await using server = await startServer(all);
    await using client = createRegistry(new URL(server.url).host);
    expect(await verify(client, readPlan(whole))).toMatchObject({ ok: true, findings: [] });
  });

  test("has an inventory that counts what its last bundle relies on, and makes the next one as small as can be", async () => {
    const { chain, whole } = await releases(2);
    await using last = await Bundle.open(chain[1] ?? "");
    const taken = await takeInventory(last);
    expect(taken.repositories).toEqual(inventoryOf(readPlan(chain[1] ?? "")).repositories);
    expect(taken.repositories).toEqual(inventoryOf(readPlan(whole)).repositories);
  });
});

const programs = lacking("docker-registry", "skopeo");

if (programs.length > 0) console.warn(`mirror/delta-push: skipped without ${programs.join(" and ")}`);

test.skipIf(programs.length > 0)(
  "a mirror of another maker says what it has, takes the bundle over it, and gives the new image to another client",
  async () => {
    const work = tempFolder();
    const [first, second] = [join(work, "first"), join(work, "second")];
    await using registry = await aSource(products[0]);
    await pullInto(first, registry.host);
    await using mirror = await startDockerRegistry();
    await push(first, mirror);
    await using place = createRegistry(`${mirror.host}/mirror/fe`);
    const base = await takeInventory(place);
    await using client = createRegistry(`${registry.host}/demo/fe`);
    await seedProduct(client, products[1]);
    const { assumed } = await pullInto(second, registry.host, [], { base });
    expect(assumed.blobs).toBeGreaterThan(10);
    const { bytes } = await push(second, mirror);
    expect(bytes.uploaded).toBeLessThan(layerBytes + 20_000);
    expect(await verify(place, readPlan(second))).toMatchObject({ ok: true, findings: [] });
    const copy = [
      "copy",
      "--src-tls-verify=false",
      `docker://${place.name}/packages/console:v1.47.0`,
      `dir:${work}/image`,
    ];
    await expect(promisify(execFile)("skopeo", copy)).resolves.toBeDefined();
  },
);
