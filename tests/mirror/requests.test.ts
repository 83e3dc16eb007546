import { setImmediate } from "node:timers/promises";
import {
  BundleDirectory,
  type CatalogServiceOptions,
  ModulesService,
  PackagesService,
  type Planner,
  plan,
  pull,
} from "@tranship/core";
import { createRegistry, MemoryRegistry } from "@tranship/registry";
import { aLayer, anImage, faults, seedMemory, startTestRegistry, type TestRegistry } from "@tranship/registry/testing";
import { describe, expect, test } from "vitest";
import { tempFolder } from "../support/temp-folder.ts";

const component = anImage({ seed: "component" });
const base = aLayer({ files: { "etc/base": "base" }, seed: "base" });

/** A name of a catalog with three versions that share a layer, list an internal and an extra image, and five channels. */
function seedName(registry: TestRegistry, root: string, name: string, metadata: string): void {
  registry.seed(`demo/${root}`, anImage({ tag: name }));
  registry.seed(`demo/${root}/${name}`, component);
  for (const [version, ...channels] of [
    ["v1.0.0", "stable", "rock-solid"],
    ["v1.0.1"],
    ["v1.1.0", "alpha", "beta", "early-access"],
  ] as const) {
    const files = {
      "images_digests.json": `["${component.manifest.descriptor.digest}"]`,
      "extra_images.json": '{"scanner":"v7"}',
    };
    const own = aLayer({ files, seed: `${name} ${version}`, size: 2000 });
    registry.seed(`demo/${root}/${name}`, anImage({ tag: version, layers: [base, own] }));
    const release = { "version.json": JSON.stringify({ version, name }) };
    registry.seed(`demo/${root}/${name}/${metadata}`, anImage({ tags: [version, ...channels], files: release }));
  }
  registry.seed(`demo/${root}/${name}/extra/scanner`, anImage({ tag: "v7" }));
}

async function aSource(): Promise<TestRegistry> {
  const registry = await startTestRegistry();
  for (const name of ["app", "net"]) seedName(registry, "packages", name, "version");
  seedName(registry, "modules", "mod", "release");
  registry.reset();
  return registry;
}

/** Requests in the order they came: the method, and the path below the registry's root. */
function asked(registry: TestRegistry): readonly string[] {
  return registry.requests().map(({ method, path }) => `${method} ${path.replace("/v2/demo/", "")}`);
}

/** The digests of blobs that were asked for, from whichever repository. */
function blobsOf(registry: TestRegistry): readonly string[] {
  const blobs = asked(registry).flatMap((one) => (one.includes("/blobs/") ? one.replace(/^.*\//, "") : []));
  expect(blobs.length).toBeGreaterThan(0);
  return blobs;
}

/** What was asked more than once. */
function repeated(requests: readonly string[]): readonly string[] {
  return [...new Set(requests.filter((one, at) => requests.indexOf(one) !== at))];
}

const runs = {
  plan: (services: readonly Planner[]) => plan(services),
  pull: async (services: readonly Planner[]) => {
    await using bundle = await BundleDirectory.open(tempFolder());
    return await pull(services, { to: bundle });
  },
};

describe.for(["plan", "pull"] as const)("a %s", (kind) => {
  test("asks for everything once, by GET, and lists each catalog once", async () => {
    await using registry = await aSource();
    await using source = createRegistry(`${registry.host}/demo`);
    const shared = { source, attached: "none" } as const; // what is attached is looked for in each repository's list
    const packages = new PackagesService({ ...shared, include: ["app@>=1.0.0", "net"] });
    await runs[kind]([packages, new ModulesService(shared)]);
    const requests = asked(registry);
    expect(repeated(requests)).toEqual([]);
    expect(requests.filter((one) => !one.startsWith("GET "))).toEqual([]);
    expect(requests.filter((one) => one.endsWith("/tags/list")).sort()).toEqual([
      "GET modules/tags/list",
      "GET packages/app/tags/list", // the range
      "GET packages/app/version/tags/list", // package-versions.tar
      "GET packages/net/version/tags/list",
      "GET packages/tags/list",
    ]);
    const channels = requests.filter((one) => /version\/manifests\/(stable|lts)$/.test(one));
    expect(channels.sort()).toEqual(
      ["app", "net"].flatMap((name) => [
        `GET packages/${name}/version/manifests/lts`,
        `GET packages/${name}/version/manifests/stable`,
      ]),
    );
  });

  test("lists each repository once, and fetches no layer twice, not even one that many images share", async () => {
    await using registry = await aSource();
    await using source = createRegistry(`${registry.host}/demo`);
    await runs[kind]([
      new PackagesService({ source, include: ["app@>=1.0.0", "net"] }),
      new ModulesService({ source }),
    ]);
    expect(repeated(asked(registry))).toEqual([]);
    expect(repeated(blobsOf(registry))).toEqual([]);
  });

  test.for<{ readonly name: string; readonly options: Partial<CatalogServiceOptions> }>([
    { name: "only one platform is wanted", options: { platforms: ["linux/arm64"] } },
    { name: "only extra images are wanted", options: { onlyExtraImages: true } },
    {
      name: "only extra images of one platform are wanted",
      options: { onlyExtraImages: true, platforms: ["linux/amd64"] },
    },
  ])("reads what it decides by once, and does not fetch it again, when $name", async ({ options }) => {
    await using registry = await aSource();
    await using source = createRegistry(`${registry.host}/demo`);
    const shared = { source, attached: "none", ...options } as const;
    await runs[kind]([new PackagesService({ ...shared, include: ["app@>=1.0.0", "net"] }), new ModulesService(shared)]);
    expect(repeated(blobsOf(registry))).toEqual([]);
    expect(repeated(asked(registry))).toEqual([]);
  });
});

test("what a pull decides by is waited for while it is on its way into another archive", async () => {
  const source = new MemoryRegistry();
  const channels = ["alpha", "beta", "early-access", "rock-solid", "stable"]; // so many are read at a time but for the last
  const layers = channels.map((tag, at) =>
    aLayer({ files: { "version.json": `{"version":"v1.${at}.0"}` }, seed: tag }),
  );
  seedMemory(source, "packages", [anImage({ tag: "app" })]);
  for (const [at, layer] of layers.entries()) {
    seedMemory(source, "packages/app", [anImage({ tag: `v1.${at}.0` })]);
    seedMemory(source, "packages/app/version", [
      anImage({ tags: [channels[at] ?? "", `v1.${at}.0`], layers: [layer] }),
    ]);
  }
  const fetched: string[] = [];
  const isOnItsWay = Promise.withResolvers<void>();
  const { repository } = source;
  source.repository = (path) => {
    const own = repository.call(source, path);
    const fetchBlob = own.fetchBlob.bind(own);
    own.fetchBlob = async function* (blob, options) {
      fetched.push(blob.digest);
      const at = layers.findIndex(({ digest }) => digest === blob.digest);
      if (at === channels.length - 1) {
        isOnItsWay.resolve();
        for (let turn = 0; turn < 100; turn += 1) await setImmediate(); // whoever does not wait asks now
      } else if (at >= 0) await isOnItsWay.promise;
      yield* fetchBlob(blob, options);
    };
    return own;
  };
  await runs.pull([new PackagesService({ source, onlyExtraImages: true, attached: "none" })]);
  expect(fetched).toEqual(expect.arrayContaining(layers.map(({ digest }) => digest)));
  expect(repeated(fetched)).toEqual([]);
});

test.for(["vendor/fe", "vendor/cse", "vendor", ""])(
  "whatever is asked of a source at %j lies below that path",
  async (root) => {
    await using registry = await startTestRegistry();
    const below = (path: string) => (root === "" ? path : `${root}/${path}`);
    for (const [catalog, metadata] of [
      ["packages", "version"],
      ["modules", "release"],
    ]) {
      const files = { "version.json": '{"version":"v1.0.0"}', "extra_images.json": '{"scanner":"v7"}' };
      registry.seed(below(`${catalog}`), anImage({ tag: "app" }));
      registry.seed(below(`${catalog}/app`), anImage({ tag: "v1.0.0", files }));
      registry.seed(below(`${catalog}/app/${metadata}`), anImage({ tags: ["stable", "v1.0.0"], files }));
      registry.seed(below(`${catalog}/app/extra/scanner`), anImage({ tag: "v7" }));
    }
    registry.reset();
    await using source = createRegistry(root === "" ? registry.host : `${registry.host}/${root}`);
    const list = await plan([new PackagesService({ source }), new ModulesService({ source })]);
    expect(list.missing).toEqual([]);
    const paths = registry.requests().map(({ path }) => path);
    expect(paths.filter((path) => !/^(?:packages|modules)\//.test(path.slice(`/v2/${below("")}`.length)))).toEqual([]);
    expect(paths.filter((path) => path.endsWith("/extra/scanner/manifests/v7"))).toHaveLength(2);
  },
);

describe("packages with exact tags and channels alone", () => {
  test("are not listed", async () => {
    await using registry = await aSource();
    await using source = createRegistry(`${registry.host}/demo`);
    const service = new PackagesService({
      source,
      include: ["app@=v1.0.1", "net"],
      attached: "none",
      catalogMetadata: false,
    });
    await service.plan();
    const lists = asked(registry).filter((one) => one.endsWith("/tags/list"));
    expect(lists).toEqual(["GET packages/tags/list"]);
  });
});

describe("a source that cannot list tags", () => {
  /** What a plan asks for, without blobs. */
  async function trace(include: readonly string[], options: Partial<CatalogServiceOptions> = {}) {
    await using registry = await aSource();
    await using source = createRegistry(`${registry.host}/demo`);
    const shared = { source, include, proxy: true, attached: "none", catalogMetadata: false } as const;
    const list = await new PackagesService({ ...shared, ...options }).plan();
    const requests = asked(registry);
    expect(requests.filter((one) => one.endsWith("/tags/list"))).toEqual([]);
    expect(repeated(requests)).toEqual([]);
    const images = list.archives.flatMap(({ sections }) => sections.flatMap(({ repositories }) => repositories));
    const tags = images
      .filter(({ path }) => path === "packages/app")
      .flatMap((one) => one.images.map(({ tag }) => tag));
    return {
      versions: requests.flatMap(
        (one) => /^(GET|HEAD) packages\/app\/manifests\/(v.*)$/.exec(one)?.slice(1).join(" ") ?? [],
      ),
      tags: tags.filter((tag) => tag.startsWith("v")),
      requests,
    };
  }

  test("is asked for one version after another, each once, and for what it has by one GET", async () => {
    const { versions, tags } = await trace(["app@~1.0.0"]);
    expect([...versions].sort()).toEqual(["GET v1.0.0", "GET v1.0.1", "GET v1.0.2", "GET v1.1.0"]); // v1.1.0: the channels
    expect(tags).toEqual(["v1.0.0", "v1.0.1", "v1.1.0"]);
  });

  test.for([
    ["^1.64.0", "1.64.0 1.64.1 1.64.2", "1.64.0 1.64.1 1.64.2 1.64.3 1.65.0", "1.64.2"],
    [">=1.64.0 <2.0.0", "1.65.0 1.65.1", "1.64.0 1.65.0 1.65.1 1.65.2 1.66.0", "1.65.1"],
    [">=1.64.0 <=1.65.0", "1.64.0 1.64.1 1.65.0 1.65.1 1.65.2", "1.64.0 1.64.1 1.64.2 1.65.0", "1.64.0 1.64.1 1.65.0"],
    [">=1.0.0 <3.0.0", "1.0.0 2.0.0 2.0.1", "1.0.0 1.0.1 1.1.0 2.0.0 2.0.1 2.0.2 2.1.0", "1.0.0 2.0.1"],
    ["^1.99.0", "", "1.99.0 1.100.0", ""],
  ] as const)(
    "is asked for %j of the published %j by exactly %j, and gives %j",
    async ([range, published, expected, selected]) => {
      await using registry = await startTestRegistry();
      for (const version of published.split(" ").filter(Boolean))
        registry.seed("demo/packages/app", anImage({ tag: `v${version}` }));
      registry.reset();
      await using source = createRegistry(`${registry.host}/demo`);
      const include = [`app@${range}`];
      const list = await new PackagesService({ source, include, proxy: true, attached: "none" }).plan();
      const probes = asked(registry).flatMap((one) => /^GET packages\/app\/manifests\/v(.*)$/.exec(one)?.[1] ?? []);
      expect(probes.join(" ")).toBe(expected);
      const tags = list.archives.flatMap(({ sections }) =>
        sections.flatMap(({ repositories }) => repositories.flatMap(({ images }) => images.map(({ tag }) => tag))),
      );
      expect(tags.map((tag) => tag.slice(1)).join(" ")).toBe(selected);
    },
  );

  test("is asked for the versions of every range of a name, each once", async () => {
    const { versions } = await trace(["app@~1.0.0", "app@>=1.0.1 <1.0.3", "app@~1.1.0"]);
    expect([...versions].sort()).toEqual(["GET v1.0.0", "GET v1.0.1", "GET v1.0.2", "GET v1.1.0", "GET v1.1.1"]);
  });

  test("is asked for nothing but exact tags and their metadata where no range is", async () => {
    const { requests } = await trace(["app@=v1.0.1", "app@=v1.0.0+stable"]);
    const manifests = requests.filter((one) => !one.includes("/blobs/") && !one.includes("sha256:"));
    expect([...manifests].sort()).toEqual([
      "GET packages/app/extra/scanner/manifests/v7",
      "GET packages/app/manifests/v1.0.0",
      "GET packages/app/manifests/v1.0.1",
      "GET packages/app/version/manifests/v1.0.0",
      "GET packages/app/version/manifests/v1.0.1",
    ]);
  });

  test("gives its channels for the catalog", async () => {
    const { requests } = await trace(["app@=v1.0.1", "net@^1"], { catalogMetadata: true });
    const channels = requests.filter((one) => /version\/manifests\/(?!v1|sha)/.test(one));
    expect([...new Set(channels.map((one) => one.split("/")[1]))]).toEqual(["net"]); // app's stand for v1.0.1
  });

  test.for([401, 500])("that answers %i for a version is an error, not a source without it", async (status) => {
    await using registry = await aSource();
    await using source = createRegistry(`${registry.host}/demo`, { retryDelayMs: 1 });
    registry.fail(faults.status(status), { times: 20, match: ({ path }) => path.endsWith("/app/manifests/v1.0.1") });
    const service = new PackagesService({ source, include: ["app@~1.0.0"], proxy: true, attached: "none" });
    await expect(service.plan()).rejects.toMatchObject({ code: "TRANSFER_FAILED" });
  });
});
