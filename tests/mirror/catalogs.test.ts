import { copyFileSync } from "node:fs";
import { join } from "node:path";
import {
  Bundle,
  BundleDirectory,
  type CatalogServiceOptions,
  type DownloadList,
  type MirrorEvent,
  ModulesService,
  PackagesService,
  plan,
  pull,
  pushBundle,
  verify,
  verifyBundle,
} from "@tranship/core";
import { createRegistry, digestHex, MemoryRegistry, type RegistryReader } from "@tranship/registry";
import { aLayer, anImage, anIndex, faults, startTestRegistry } from "@tranship/registry/testing";
import { describe, expect, test } from "vitest";
import { startDockerRegistry } from "../support/docker-registry.ts";
import { aSource, digests, pullInto, readPlan } from "../support/mirror.ts";
import { pushAll } from "../support/push-all.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { lacking } from "../support/tools.ts";

/** A product of packages and modules as a vendor publishes one, with everything the two may lead to. */
async function publish(place: string): Promise<void> {
  await using registry = createRegistry(place);
  const to = (path: string) => registry.repository(path);
  const component = anImage({ seed: "component" });
  const base = aLayer({ files: { "etc/base": "base" }, seed: "base", size: 5000 });
  for (const [root, name, metadata] of [
    ["packages", "app", "version"],
    ["packages", "versions", "version"],
    ["modules", "net", "release"],
  ] as const) {
    await pushAll(to(root), anImage({ tag: name }));
    await pushAll(to(`${root}/${name}`), component);
    for (const [version, ...channels] of [
      ["v1.0.0", "rock-solid"],
      ["v1.0.3", "stable", "lts"],
      ["v1.1.0"],
      ["v1.2.0", "alpha", "beta"],
    ] as const) {
      const files = {
        "images_digests.json": JSON.stringify({ common: { component: component.manifest.descriptor.digest } }),
        "extra_images.json": JSON.stringify({ scanner: "v7", enforcer: 3 }),
      };
      const main = anImage({ tag: version, layers: [base, aLayer({ files, seed: `${name} ${version}` })], seed: name });
      const attestation = `sha256-${digestHex(main.manifest.descriptor.digest)}.att`;
      await pushAll(to(`${root}/${name}`), main, anImage({ tag: attestation, seed: `${name} ${version}` }));
      const release = { "version.json": JSON.stringify({ version }), "changelog.yaml": name };
      await pushAll(to(`${root}/${name}/${metadata}`), anImage({ tags: [version, ...channels], files: release }));
    }
    const scanner = anIndex({ images: [anImage({ seed: "one" }), anImage({ seed: "two" })], tag: "v7" });
    await pushAll(to(`${root}/${name}/extra/scanner`), scanner);
    await pushAll(to(`${root}/${name}/extra/enforcer`), anImage({ tag: "3" }));
  }
}

/** What the same selection makes of one side and the other. */
function servicesOf(source: RegistryReader) {
  const packages = new PackagesService({ source, include: ["app@=v1.0.0", "app@~1.0", "versions@=v1.0.3+stable"] });
  return { packages, modules: new ModulesService({ source, include: ["net@>=1.1.0 <1.2"] }) };
}

/** Every reference of a plan below the registry's root, with its digest, in each archive. */
function imagesOf({ archives }: DownloadList): readonly string[] {
  return archives.flatMap(({ archive, sections }) =>
    sections.flatMap(({ repositories }) =>
      repositories.flatMap(({ path, images }) =>
        images.map(({ tag, digest }) => `${archive} ${path}:${tag}@${digest}`),
      ),
    ),
  );
}

async function pullFrom(place: string, folder: string) {
  await using source = createRegistry(place);
  await using bundle = await BundleDirectory.open(folder);
  const { packages, modules } = servicesOf(source);
  const report = await pull([packages, modules], { to: bundle });
  return { report, stats: { packages: packages.stats(), modules: modules.stats() } };
}

describe.skipIf(lacking("docker-registry").length > 0)("packages and modules", () => {
  test("go from one registry through a bundle into another, which the same selection mirrors alike", async () => {
    await using one = await startDockerRegistry();
    await using other = await startDockerRegistry();
    const [from, to] = [`${one.host}/vendor/fe`, `${other.host}/mirror/fe`];
    await publish(from);
    const [first, second] = [join(tempFolder(), "first"), join(tempFolder(), "second")];

    await using source = createRegistry(from);
    const { packages, modules } = servicesOf(source);
    const planned = await plan([packages, modules]);
    const { report, stats } = await pullFrom(from, first);
    expect(planned.missing).toEqual([]);
    expect(report.missing).toEqual([]);
    expect(imagesOf(readPlan(first))).toEqual(imagesOf(planned));
    expect({ packages: packages.stats(), modules: modules.stats() }).toEqual(stats); // a dry run counts like a real one
    expect(Object.keys(digests(first))).toEqual([
      "module-net.tar",
      "package-_versions.tar",
      "package-app.tar",
      "package-versions.tar",
    ]);

    {
      await using bundle = await Bundle.open(first);
      expect((await verifyBundle(bundle)).ok).toBe(true);
      await using target = createRegistry(to);
      await pushBundle(bundle, target);
    }
    await pullFrom(to, second);
    expect(imagesOf(readPlan(second))).toEqual(imagesOf(planned));
  });
});

test("what fails for a moment, on the way in or out, is not lost", async () => {
  await using registry = await aSource();
  await using mirror = await startTestRegistry();
  const folder = tempFolder();
  for (const fault of [faults.status(503), faults.cutAfter(10), faults.corrupt()])
    registry.fail(fault, { match: /\/packages\/alb\/blobs\//, times: 1 });
  const sends = (what: string) => (request: { readonly method: string; readonly path: string }) =>
    request.method === "PUT" && request.path.includes(what);
  mirror.fail(faults.status(503), { match: sends("/blobs/uploads/"), times: 1 });
  mirror.fail(faults.reset(), { match: sends("/manifests/"), times: 1 });
  await pullInto(folder, registry.host);
  await using target = createRegistry(`${mirror.host}/mirror`, { retryDelayMs: 1 });
  await using bundle = await Bundle.open(folder);
  await pushBundle(bundle, target);
  const { findings, ok } = await verify(target, readPlan(folder));
  expect([findings, ok]).toEqual([[], true]);
  const timesAsked = Map.groupBy(registry.requests(), ({ path }) => path).values();
  const again = [...timesAsked].reduce((sum, { length }) => sum + length - 1, 0);
  expect(again).toBe(3); // each fault was met, and nothing else was asked twice
  const puts = mirror.requests().filter(sends("/manifests/"));
  expect(puts.length).toBe(new Set(puts.map(({ path }) => path)).size + 1);
});

test("three archives with parts of one package have all its tags, whatever they are called", async () => {
  await using registry = await aSource([
    { name: "app", versions: ["v1.0.0", "v1.1.0", "v1.2.0"], channels: { stable: "v1.0.0", beta: "v1.1.0" } },
  ]);
  await using source = createRegistry(`${registry.host}/demo/fe`);
  const archives: string[] = [];
  for (const tag of ["v1.0.0+stable", "v1.1.0+beta", "v1.2.0+alpha"]) {
    await using bundle = await BundleDirectory.open(tempFolder());
    await new PackagesService({ source, include: [`app@=${tag}`] }).pullPackages({ to: bundle });
    archives.push(join(bundle.directory, "package-app.tar"));
  }
  for (const order of ["123", "132", "213", "231", "312", "321"]) {
    const folder = tempFolder();
    for (const [at, archive] of archives.entries()) copyFileSync(archive, join(folder, `${order[at]}.tar`));
    await using bundle = await Bundle.open(folder);
    const tagsOf = async (path: string) => (await Array.fromAsync(bundle.repository(path).tags())).sort();
    expect(await tagsOf("packages/app")).toEqual(["v1.0.0", "v1.1.0", "v1.2.0"]);
    expect(await tagsOf("packages/app/version")).toEqual(["alpha", "beta", "stable", "v1.0.0", "v1.1.0", "v1.2.0"]);
  }
});

describe("a bundle as the source", () => {
  const product = [
    { name: "app", versions: ["v1.0.0", "v1.1.0"], channels: { stable: "v1.0.0", alpha: "v1.1.0" } },
    { name: "other", versions: ["v2.0.0"], channels: { stable: "v2.0.0" } },
  ];

  /** The images of a plan, but not where they are read from. */
  async function planOf(source: RegistryReader, options: Partial<CatalogServiceOptions> = {}) {
    const list = await plan([new PackagesService({ source, ...options }), new ModulesService({ source })]);
    return imagesOf(list);
  }

  async function aBundle(options: Partial<CatalogServiceOptions>): Promise<string> {
    await using registry = await aSource(product);
    await using source = createRegistry(`${registry.host}/demo/fe`);
    await using bundle = await BundleDirectory.open(tempFolder());
    await new PackagesService({ source, ...options }).pullPackages({ to: bundle });
    await new PackagesService({ source, ...options }).pullPackageVersions({ to: bundle });
    return bundle.directory;
  }

  test("is mirrored without naming anything, as what was pushed from it would be", async () => {
    const folder = await aBundle({});
    await using bundle = await Bundle.open(folder);
    const target = new MemoryRegistry();
    await pushBundle(bundle, target);
    const planned = await planOf(bundle);
    expect(planned).toEqual(await planOf(target));
    expect(planned).toEqual(imagesOf(readPlan(folder)));
    await using again = await BundleDirectory.open(tempFolder());
    await pull([new PackagesService({ source: bundle })], { to: again });
    expect(imagesOf(readPlan(again.directory))).toEqual(planned);
  });

  test("gives the release metadata of all it has any of, and is asked for names it does not have in vain", async () => {
    const folder = await aBundle({ include: ["app"] });
    await using bundle = await Bundle.open(folder);
    expect(await planOf(bundle)).toEqual(imagesOf(readPlan(folder)));
    const named = new PackagesService({ source: bundle, include: ["other"] });
    await expect(named.plan()).rejects.toMatchObject({ code: "NOT_IN_CATALOG" });
    const events: MirrorEvent[] = [];
    await plan([new ModulesService({ source: bundle })], { onEvent: (event) => events.push(event) });
    expect(events).toMatchObject([{ type: "warning.raised", code: "NO_CATALOG" }]);
  });
});

describe("counts", () => {
  test("of a package whose five channels point at one version are its channels, its metadata and itself", async () => {
    await using registry = await startTestRegistry();
    const channels = ["alpha", "beta", "early-access", "stable", "rock-solid"];
    const files = { "version.json": '{"version":"v1.45.2"}' };
    registry.seed("demo/packages", anImage({ tag: "console" }));
    registry.seed("demo/packages/console", anImage({ tag: "v1.45.2" }));
    registry.seed("demo/packages/console/version", anImage({ tags: ["v1.45.2", ...channels], files }));
    await using source = createRegistry(`${registry.host}/demo`);
    const service = new PackagesService({ source });
    expect(service.stats()).toMatchObject({ attempted: false, packages: [] });
    await service.plan();
    const planned = service.stats();
    expect(planned).toEqual({
      attempted: true,
      onlyExtraImages: false,
      packages: [{ name: "console", images: 7, vex: 0, versions: ["v1.45.2"] }],
      totalImages: 7,
      totalVex: 0,
    });
    await using bundle = await BundleDirectory.open(tempFolder());
    await service.pullPackages({ to: bundle });
    expect(service.stats()).toEqual(planned);
  });
});
