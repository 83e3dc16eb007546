import { createHash, generateKeyPairSync, sign } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { createRegistry, type Digest, digestOf, type FileFetcher, webFileFetcher } from "@tranship/registry";
import {
  aBlob,
  anImage,
  type FileServer,
  faults,
  startFileServer,
  startTestRegistry,
} from "@tranship/registry/testing";
import { afterEach, beforeEach, expect, test } from "vitest";
import { tempFolder } from "../../../../../../tests/support/temp-folder.ts";
import { planDeps } from "../../apply/plan-deps.ts";
import { DepsCache } from "../../cache/deps-cache.ts";
import type { DepsEvent } from "../../events.ts";
import type { DepsItem } from "../../manifest.ts";
import { prunePlan } from "../../upkeep/plan-pruning.ts";
import { prune } from "../../upkeep/prune.ts";
import { podplaneProfiles } from "../well-known.ts";
import type { PodplaneDepsOptions, PodplaneDownloadOptions } from "./options.ts";
import { PodplaneDeps } from "./podplane-deps.ts";
import { isMendedByDownload } from "./verify.ts";

const hash = (algorithm: string, text: string) => `${algorithm}:${createHash(algorithm).update(text).digest("hex")}`;

/** A publisher of manifests, a server of files and a cache of its own. */
let server: FileServer;
let cacheDir: string;

beforeEach(async () => {
  server = await startFileServer();
  cacheDir = join(tempFolder(), "deps");
});
afterEach(() => server[Symbol.asyncDispose]());

function deps(options: Partial<PodplaneDepsOptions> = {}): PodplaneDeps {
  const access = { files: webFileFetcher(), registry: (host: string) => createRegistry(host) };
  return new PodplaneDeps({ cacheDir, baseUrl: server.origin, access, sleep: async () => {}, ...options });
}

function file(name: string, content: string, more: object = {}) {
  const url = server.put(`/files/${name}`, content);
  return { version: "1", url, type: "binary", digest: hash("sha256", content), size: content.length, ...more };
}

const stub = { version: "dev", url: "", type: "tar.gz", digest: "", size: 0 };

function vmConfig(arch: string, dependencies: object, more: object = {}) {
  const image = file(`d13-${arch}.qcow2`, `disk ${arch}`, { type: "qcow2" });
  return { vmconfig: { version: "1.8.0", kind: "knc", os: { name: "debian-13", arch, image }, dependencies, ...more } };
}

function publish(manifests: Readonly<Record<string, object>>): void {
  for (const [name, manifest] of Object.entries(manifests))
    server.put(`/manifests/${name}.json`, JSON.stringify(manifest), {
      etag: `"${hash("sha256", JSON.stringify(manifest))}"`,
    });
}

const machine = (arch: string) => `vmconfig_knc_debian-13_${arch}`;
const components = { components: { version: "2.3.0", images: [] } };
const templates = { templates: { version: "0.9.0", charts: [] } };
const seeds = { seeds: { version: "2.3.0-1", components: "2.3.0", snapshots: {} } };

function publishAll(dependencies: object, more: Readonly<Record<string, object>> = {}): void {
  publish({ [machine("amd64")]: vmConfig("amd64", dependencies), components, templates, seeds, ...more });
}

/** Every file below a folder, and when it was written. */
function treeOf(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((path) => `${path} ${statSync(join(folder, path)).mtimeMs}`)
    .sort();
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => "none",
    (error: { code?: string }) => error.code ?? String(error),
  );
}

const read = (path: string) => JSON.parse(readFileSync(path, "utf8"));
const paths = (requests: ReturnType<FileServer["requests"]>) => requests.map(({ path }) => path);

test("files are fetched at once, after all manifests, and the manifests written at the end", async () => {
  publishAll({ runc: file("runc", "runc!") });
  server.holdUntil(2, "/files/");
  const events: DepsEvent[] = [];
  const found = await deps().download({ arch: "amd64", concurrency: 2, onEvent: (event) => events.push(event) });
  expect(found).toMatchObject({ isComplete: true, plan: { missing: 2 }, report: { done: 2, failed: 0 } });
  expect(events.filter(({ type }) => type === "done")).toHaveLength(2);
  const told = { item: "file/knc/amd64/runc", name: "runc", path: join(cacheDir, "vmconfig/artifacts/runc/1/runc") };
  expect(events.filter((event) => "name" in event && event.name === "runc" && event.type !== "progress")).toEqual([
    { type: "checking", ...told, total: 5 },
    { type: "queued", ...told, total: 5 },
    { type: "started", ...told, total: 5 },
    { type: "done", ...told, current: 5, total: 5 },
  ]);
  const asked = paths(server.requests());
  expect(asked.slice(0, 4).sort()).toEqual(
    ["components", "seeds", "templates", machine("amd64")].map((name) => `/manifests/${name}.json`),
  );
  const manifest = read(deps().paths.vmConfigManifest("knc", "amd64").latest);
  expect([manifest.vmconfig.os.image.cached, manifest.vmconfig.dependencies.runc.cached]).toEqual([true, true]);
  expect(read(deps().paths.componentsManifest.latest)).toEqual(components);
  expect(readFileSync(join(cacheDir, "vmconfig/artifacts/runc/1/runc"), "utf8")).toBe("runc!");
  expect(found.manifests[0]).toMatchObject({ name: machine("amd64"), version: "1.8.0" });
  expect(events[0]).toEqual({ type: "status", message: expect.stringContaining(machine("amd64")) });
  expect(events.at(-1)).toEqual({ type: "status", message: "All dependencies are cached" });
});

test("a second download asks for manifests alone, offline for nothing, and writes no copy of what is the same", async () => {
  publishAll({ runc: file("runc", "runc!") });
  await deps().download({ arch: "amd64" });
  const history = readdirSync(join(cacheDir, "vmconfig/manifests"));
  server.reset();
  await deps().download({ arch: "amd64" });
  expect(server.requests().map(({ status }) => status)).toEqual([304, 304, 304, 304]);
  server.reset();
  const events: DepsEvent[] = [];
  const later = deps({ now: () => new Date(Date.now() + 3_600_000) }); // copies would be called otherwise
  const found = await later.download({ arch: "amd64", offline: true, onEvent: (event) => events.push(event) });
  expect(found).toMatchObject({ isComplete: true, report: { cached: 2, done: 0 } });
  expect(server.requests()).toEqual([]);
  expect(events).toContainEqual({ type: "status", message: "Everything is cached already" });
  expect(readdirSync(join(cacheDir, "vmconfig/manifests"))).toEqual(history);
});

test("offline, what is not kept is not asked for", async () => {
  publishAll({});
  expect(await codeOf(deps().download({ arch: "amd64", offline: true }))).toBe("OFFLINE");
  await deps().ensureVmConfigManifestCached("knc", "amd64");
  server.reset();
  expect(await codeOf(deps().download({ arch: "amd64", offline: true, only: ["vmconfig"] }))).toBe("OFFLINE");
  expect(server.requests()).toEqual([]);
});

test("a local manifest may have the stub: it is kept, not fetched, and the published manifest not asked for", async () => {
  publishAll({});
  const path = join(tempFolder(), "vmconfig.json");
  writeFileSync(path, JSON.stringify(vmConfig("amd64", { runc: file("runc", "runc!"), vmconfig: stub })));
  await deps().download({ arch: "amd64", manifests: { vmconfig: path } });
  expect(paths(server.requests())).not.toContain(`/manifests/${machine("amd64")}.json`);
  const { dependencies } = read(deps().paths.vmConfigManifest("knc", "amd64").latest).vmconfig;
  expect(dependencies.vmconfig).toEqual(stub);
  expect(dependencies.runc.cached).toBe(true);
  expect((await deps().verify("knc", "amd64")).vmconfig.version).toBe("1.8.0");
});

const image = (more: object = {}) => ({ image: "q.io/pause:3", digest: `sha256:${"a".repeat(64)}`, ...more });

test.for([
  { name: "the stub", dependencies: { vmconfig: stub }, code: "STUB_PUBLISHED", says: "vmconfig" },
  {
    name: "a vmconfig without digest",
    dependencies: { vmconfig: { ...stub, url: "https://e.org/v" } },
    code: "DIGEST_MISSING",
    says: "vmconfig",
  },
  {
    name: "a disk image without size",
    more: { os: { image: { url: "https://e.org/d", digest: image().digest } } },
    code: "SIZE_MISSING",
    says: "os-image",
  },
  { name: "an image without size", more: { images: [image()] }, code: "SIZE_MISSING", says: "q.io/pause:3" },
  { name: "nothing in it", more: { os: {} }, code: "DIGEST_MISSING", says: "os-image" },
  { name: "another architecture", more: { os: { arch: "arm64" } }, code: "MANIFEST_PARSE", says: "arm64" },
  { name: "another kind", more: { kind: "knd" }, code: "MANIFEST_PARSE", says: "knd" },
])(
  "a published manifest with $name is refused before anything is fetched, in a dry run too",
  async ({ dependencies = {}, more, code, says }) => {
    publishAll({}, { [machine("amd64")]: vmConfig("amd64", dependencies, more) });
    for (const dryRun of [true, false]) {
      const failure = await deps()
        .download({ arch: "amd64", dryRun })
        .catch((error: unknown) => error);
      expect(failure).toMatchObject({ code, message: expect.stringContaining(says) });
    }
    expect(paths(server.requests()).filter((path) => path.startsWith("/files/"))).toEqual([]);
  },
);

test("what is of no one architecture is left out when told, seeds alone too, and not even fetched", async () => {
  publishAll({}, { seeds: { seeds: { version: "1", components: "2", snapshots: { a: snapshot("a") } } } });
  const asked = async (more: Partial<PodplaneDownloadOptions>) => {
    server.reset();
    const { plan } = await deps().download({ arch: "amd64", dryRun: true, ...more });
    const ids = plan.items.map(({ item }) => item.id);
    return [
      ...paths(server.requests())
        .map((path) => path.slice("/manifests/".length, -".json".length))
        .sort(),
      ...ids,
    ];
  };
  const disk = "file/knc/amd64/os-image";
  expect(await asked({})).toEqual(["components", "seeds", "templates", machine("amd64"), disk, "seed/a"]);
  expect(await asked({ skipSeeds: true })).toEqual(["components", "templates", machine("amd64"), disk]);
  expect(await asked({ skipCrossArchDependencies: true })).toEqual([machine("amd64"), disk]);
});

test("everything is where its functions say", async () => {
  const source = { url: "https://git.example.org/acme/components.git", ref: { tag: "v1" } };
  await deps().writeCachedComponentsManifest(JSON.stringify({ components: { version: "1", source, images: [] } }));
  const one = deps();
  const mirror = join(cacheDir, "git/git.example.org/acme/components.git");
  expect([one.gitCacheDir, one.gitCachePath(source.url), await one.componentsGitCachePath()]).toEqual([
    join(cacheDir, "git"),
    mirror,
    mirror,
  ]);
  expect([one.registryCacheDir, one.componentsImagesCacheDir, one.templateChartsCacheDir]).toEqual([
    join(dirname(cacheDir), "registry"),
    join(cacheDir, "components/images"),
    join(cacheDir, "templates/charts"),
  ]);
  expect(deps({ profile: "v0.1" }).registryCacheDir).toBe(one.componentsImagesCacheDir);
  expect(one.vmConfigArtifactCachePath({ name: "runc", version: "1", url: "https://e.org/x/runc.amd64" })).toBe(
    join(cacheDir, "vmconfig/artifacts/runc/1/runc.amd64"),
  );
});

test("a registry that bears no more is asked for one thing at a time, while others are asked", async () => {
  const names = ["a", "b", "c", "d"];
  const slow = names.map((name) => {
    const row = file(`slow/${name}`, name.repeat(50_000));
    return [name, { ...row, url: `https://public.ecr.aws${new URL(row.url).pathname}` }];
  });
  publishAll({ ...Object.fromEntries(slow), e: file("other/e", "e"), f: file("other/f", "f") });
  const web = webFileFetcher();
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const open = { others: 0, slow: 0, most: 0 };
  const files: FileFetcher = {
    async fetch(url, options) {
      if (url.includes("/files/other/") && ++open.others === 2) release();
      if (!url.startsWith("https://public.ecr.aws")) return web.fetch(url, options);
      open.slow += 1;
      open.most = Math.max(open.most, open.slow);
      if (open.slow > 1) release();
      await released; // by the others, or by a second one of its own
      const answer = await web.fetch(url.replace("https://public.ecr.aws", server.origin), options);
      open.slow -= 1;
      return answer;
    },
  };
  await deps({ access: { files, registry: (host) => createRegistry(host) } }).download({ arch: "amd64" });
  expect(open).toEqual({ others: 2, slow: 0, most: 1 });
});

test("a manifest is asked for four times before it counts as not to be had", async () => {
  publishAll({});
  server.fail(faults.status(502), { times: 3, match: "/manifests/templates.json" });
  await deps().download({ arch: "amd64" });
  expect(paths(server.requests()).filter((path) => path === "/manifests/templates.json")).toHaveLength(4);
});

test("a dry run writes nothing and tells bytes and misses, with a cache and without", async () => {
  await using registry = await startTestRegistry();
  const digest = anImage({ seed: "x" }).manifest.descriptor.digest;
  const row = { image: `${registry.host}/a/b:1`, digest, size: 100 };
  publishAll(
    {},
    {
      [machine("amd64")]: vmConfig("amd64", { runc: file("runc", "runc!") }, { images: [row] }),
      templates: { templates: { version: "1", charts: [], images: [{ ...row, image: `${registry.host}/c/d:1` }] } },
    },
  );
  const events: DepsEvent[] = [];
  const without = await deps().download({ arch: "amd64", dryRun: true, onEvent: (event) => events.push(event) });
  expect(existsSync(cacheDir)).toBe(false);
  expect(without).toMatchObject({ isComplete: false, plan: { present: 0, missing: 4, missingBytes: 215 } });
  expect(without.report).toBeUndefined();
  const images = without.plan.items.filter(({ item }) => item.source.type === "image");
  expect(images.map(({ item }) => item.labels.domain)).toEqual(["vmconfig", "templates"]);
  expect(events.filter(({ type }) => type === "queued")).toHaveLength(4);

  publishAll({ runc: file("runc", "runc!") });
  await deps().download({ arch: "amd64" });
  publishAll({ runc: file("runc", "runc!"), cni: file("cni", "cni") });
  const before = treeOf(cacheDir);
  const again = await deps().download({ arch: "amd64", dryRun: true });
  expect(again.plan).toMatchObject({ present: 2, missing: 1, missingBytes: 3 });
  expect(treeOf(cacheDir)).toEqual(before);
  expect(registry.requests()).toEqual([]);
});

test("a failed download leaves all manifests as they were, and what was fetched", async () => {
  publishAll({ runc: file("runc", "one") });
  await deps().download({ arch: "amd64" });
  const before = ["vmconfig", "components", "templates", "seeds"].flatMap((name) =>
    treeOf(join(cacheDir, name, "manifests")),
  );
  const next = { runc: file("runc", "two"), cni: file("cni", "cni") };
  publishAll(next, { components: { components: { version: "3", images: [] } } });
  server.put("/files/cni", "bad");
  for (const keepGoing of [false, true]) {
    const failure = await deps()
      .download({ arch: "amd64", keepGoing })
      .catch((error: unknown) => error);
    if (keepGoing) expect(failure).toMatchObject({ isComplete: false, report: { failed: 1 } });
    else expect(failure).toMatchObject({ code: "DIGEST_MISMATCH", message: expect.stringContaining("cni") });
  }
  const after = ["vmconfig", "components", "templates", "seeds"].flatMap((name) =>
    treeOf(join(cacheDir, name, "manifests")),
  );
  expect(after).toEqual(before);
  expect((await deps().readCachedVmConfigManifest("knc", "amd64"))?.manifest.vmconfig.dependencies.runc?.size).toBe(3);
});

const linksTo = (items: readonly DepsItem[], path: string) =>
  items.flatMap(({ id, sink }) => (sink.type === "file" && sink.links.includes(path) ? [id] : []));

test("two architectures are one download, and each is whole though they share names", async () => {
  const kubelet = (arch: string) => ({ kubelet: file(`${arch}/kubelet`, `kubelet for ${arch}`) });
  publishAll(
    {},
    {
      [machine("amd64")]: vmConfig("amd64", kubelet("amd64")),
      [machine("arm64")]: vmConfig("arm64", kubelet("arm64")),
    },
  );
  await deps().download({ arch: "arm64", archs: "amd64, arm64" });
  const byName = join(cacheDir, "vmconfig/artifacts/kubelet/1/kubelet");
  expect(readFileSync(byName, "utf8")).toBe("kubelet for arm64");
  expect(linksTo(await deps().cachedItems(), byName)).toEqual(["file/knc/arm64/kubelet"]);
  await deps().verify("knc", "amd64");
  await deps().verify("knc", "arm64", { isDeep: true });
  await deps().download({ arch: "amd64" });
  expect(readFileSync(byName, "utf8")).toBe("kubelet for amd64");
  await deps().verify("knc", "arm64");
  expect((await deps().cachedItems()).map(({ id }) => id)).toEqual([
    "file/knc/amd64/os-image",
    "file/knc/amd64/kubelet",
    "file/knc/arm64/os-image",
    "file/knc/arm64/kubelet",
  ]);
  expect(linksTo(await deps().cachedItems(), byName)).toEqual(["file/knc/amd64/kubelet"]);
  rmSync(byName);
  expect(await codeOf(deps().verify("knc", "amd64"))).toBe("INCOMPLETE");
  expect(await codeOf(deps().download({ arch: "amd64", archs: "s390x" }))).toBe("ARCH_UNSUPPORTED");
  expect(await codeOf(deps().download({ arch: "amd64", archs: " , " }))).toBe("ARCH_UNSUPPORTED");
});

test("what was asked for earlier stays noted after a narrower download, as long as it is there", async () => {
  const both = { aws: file("aws", "aws", { providers: ["aws"] }), gcp: file("gcp", "gcp", { providers: ["gcp"] }) };
  publishAll(both);
  await deps().download({ arch: "amd64", providers: "aws,gcp" });
  rmSync(join(cacheDir, "vmconfig/artifacts/gcp"), { recursive: true });
  await deps().download({ arch: "amd64" });
  const { dependencies } = read(deps().paths.vmConfigManifest("knc", "amd64").latest).vmconfig;
  expect([dependencies.aws.cached, dependencies.gcp.cached]).toEqual([true, undefined]);
  // Also where somebody wrote the manifest without what was noted in it.
  await deps().writeCachedVmConfigManifest("knc", "amd64", JSON.stringify(vmConfig("amd64", both)));
  await deps().verify("knc", "amd64");
  rmSync(join(cacheDir, "vmconfig/artifacts/aws"), { recursive: true });
  expect(
    await deps()
      .verify("knc", "amd64")
      .catch((error: unknown) => error),
  ).toMatchObject({
    code: "INCOMPLETE",
    details: { item: "aws" },
  });
});

test("what an older tool noted stays noted after a narrower download, as long as it is there", async () => {
  const aws = { aws: file("aws", "aws", { providers: ["aws"] }), ebs: file("ebs", "ebs", { providers: ["aws"] }) };
  publishAll(aws);
  const noted = Object.fromEntries(Object.entries(aws).map(([name, row]) => [name, { ...row, cached: true }]));
  await deps().writeCachedVmConfigManifest("knc", "amd64", JSON.stringify(vmConfig("amd64", noted)));
  const path = join(cacheDir, "vmconfig/artifacts/aws/1/aws");
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, "aws");
  await deps().download({ arch: "amd64" });
  const { dependencies } = read(deps().paths.vmConfigManifest("knc", "amd64").latest).vmconfig;
  expect([dependencies.aws.cached, dependencies.ebs.cached]).toEqual([true, undefined]);
  expect(paths(server.requests())).not.toContain("/files/aws");
  await deps().verify("knc", "amd64");
});

test("what nobody asked for is not noted, though what was asked for has its content", async () => {
  await using registry = await startTestRegistry();
  const built = anImage({ seed: "x" });
  registry.seed("a/b", built);
  const row = { digest: built.manifest.descriptor.digest, size: 100 };
  const images = ["1", "2"].map((tag) => ({
    components: [tag],
    image: `${registry.host}/a/b:${tag}`,
    ...row,
    addon: true,
  }));
  publishAll(
    { runc: file("runc", "same"), aws: file("aws", "same", { providers: ["aws"] }) },
    { components: { components: { version: "1", images } } },
  );
  const noted = () => [
    read(deps().paths.vmConfigManifest("knc", "amd64").latest).vmconfig.dependencies.aws.cached,
    ...read(deps().paths.componentsManifest.latest).components.images.map((one: { cached?: boolean }) => one.cached),
  ];
  await deps().download({ arch: "amd64", addons: "1" });
  expect(noted()).toEqual([undefined, true, undefined]);
  await deps().verify("knc", "amd64");
  await deps().download({ arch: "amd64", addons: "2", providers: "aws" });
  expect(noted()).toEqual([true, true, true]);
  await deps().download({ arch: "amd64", addons: "none" });
  expect(noted()).toEqual([true, true, true]);
  await deps().verify("knc", "amd64");
});

test("verifying finds what is missing or wrong, and what can be mended is mended", async () => {
  const empty = await deps()
    .verify("knc", "amd64")
    .catch((error: unknown) => error);
  expect([empty, isMendedByDownload(empty), existsSync(cacheDir)]).toMatchObject([{ code: "NOT_CACHED" }, true, false]);
  await using registry = await startTestRegistry();
  const pause = anImage({ seed: "pause", tag: "3" });
  registry.seed("a/pause", pause);
  const row = { image: `${registry.host}/a/pause:3`, digest: pause.manifest.descriptor.digest, size: 100 };
  const disk = file("disk", "disk");
  publish({
    [machine("amd64")]: vmConfig(
      "amd64",
      { runc: file("runc", "runc!") },
      { images: [row], os: { arch: "amd64", image: disk } },
    ),
  });
  await deps().ensureVmConfigManifestCached("knc", "amd64");
  // Nothing is there: no mark says so, and none is needed.
  const nothing = await deps()
    .verify("knc", "amd64")
    .catch((error: unknown) => error);
  expect(nothing).toMatchObject({ code: "INCOMPLETE", message: expect.stringMatching(/os-image, runc, .*a\/pause:3/) });
  const only: PodplaneDownloadOptions = { arch: "amd64", only: ["vmconfig"] };
  await deps().download(only);
  await deps().verify("knc", "amd64");

  const content = deps().paths.vmConfigContent(digestOf(new TextEncoder().encode("runc!")));
  const breaks = {
    "a flipped byte": () => writeFileSync(content, "runc?"),
    "a missing file": () => rmSync(content),
    "a missing image": () => rmSync(deps().paths.imageRepository(row.image, "mirror"), { recursive: true }),
    "a torn manifest": () => writeFileSync(deps().paths.vmConfigManifest("knc", "amd64").latest, '{"vmconfig":{"ver'),
  };
  const found: Record<string, unknown> = {};
  for (const [name, spoil] of Object.entries(breaks)) {
    spoil();
    const error = (await deps()
      .verify("knc", "amd64")
      .catch((thrown: unknown) => thrown)) as { code?: string; details?: object };
    expect(isMendedByDownload(error), name).toBe(true);
    found[name] = [error.code, (error.details as { item?: string }).item];
    await deps().download(only);
    await deps().verify("knc", "amd64", { isDeep: true });
  }
  expect(found).toEqual({
    "a flipped byte": ["INCOMPLETE", "runc"],
    "a missing file": ["INCOMPLETE", "runc"],
    "a missing image": ["INCOMPLETE", row.image],
    "a torn manifest": ["MANIFEST_PARSE", undefined],
  });
});

test("an image that is missing is told, though files are not noted as cached", async () => {
  const row = { image: "q.io/pause:3", digest: `sha256:${"a".repeat(64)}`, size: 1 };
  const manifest = vmConfig("amd64", {}, { images: [row] });
  await deps().writeCachedVmConfigManifest("knc", "amd64", JSON.stringify(manifest));
  const path = deps().vmConfigArtifactCachePath({ ...manifest.vmconfig.os.image, name: "os-image" });
  const content = deps().paths.vmConfigContent(digestOf(new TextEncoder().encode("disk amd64")));
  for (const place of [path, content]) {
    mkdirSync(dirname(place), { recursive: true });
    writeFileSync(place, "disk amd64");
  }
  expect(
    await deps()
      .verify("knc", "amd64")
      .catch((error: unknown) => error),
  ).toMatchObject({
    code: "INCOMPLETE",
    details: { item: row.image },
  });
});

test("a cache that an older tool filled is taken over: nothing that is right is fetched again", async () => {
  const files = { runc: file("runc", "runc!"), cni: file("cni", "cni") };
  publishAll(files);
  const { image } = vmConfig("amd64", {}).vmconfig.os;
  const older = { runc: "runc!", cni: "bad", "os-image": "disk amd64" };
  for (const [name, content] of Object.entries(older)) {
    const path = deps().vmConfigArtifactCachePath({ ...image, ...files[name as "cni"], name });
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
  }
  await deps().writeCachedVmConfigManifest("knc", "amd64", JSON.stringify(vmConfig("amd64", { runc: files.runc })));
  await deps().verify("knc", "amd64");
  expect(server.requests()).toEqual([]);
  await deps().download({ arch: "amd64" });
  expect(paths(server.requests()).filter((path) => path.startsWith("/files/"))).toEqual(["/files/cni"]);
  expect(readFileSync(join(cacheDir, "vmconfig/artifacts/cni/1/cni"), "utf8")).toBe("cni");
  await deps().verify("knc", "amd64", { isDeep: true });
});

test("status compares all manifests, whatever the cache noted in them", async () => {
  publishAll({ runc: file("runc", "runc!") });
  expect(await deps().status("knc", "amd64")).toMatchObject({
    needsUpdate: true,
    vmconfig: { needsUpdate: true, latest: "1.8.0" },
  });
  expect(existsSync(cacheDir)).toBe(false);
  await deps().download({ arch: "amd64" });
  expect(await deps().status("knc", "amd64")).toMatchObject({
    needsUpdate: false,
    vmconfig: { needsUpdate: false, cached: "1.8.0", latest: "1.8.0" },
    seeds: { needsUpdate: false, cached: "2.3.0-1" },
  });
  publish({ components: { components: { version: "2.4.0", images: [] } } });
  expect(await deps().status("knc", "amd64")).toMatchObject({
    needsUpdate: true,
    vmconfig: { needsUpdate: false },
    components: { needsUpdate: true, cached: "2.3.0", latest: "2.4.0" },
  });
  server.fail(faults.status(403), { match: "/manifests/components.json" });
  expect(await codeOf(deps().status("knc", "amd64"))).toBe("HTTP_STATUS");
});

test("a manifest is stale by its age, and users are told of newer ones, or that nobody could look", async () => {
  const day = 24 * 60 * 60 * 1000;
  const time = new Date("2026-07-24T10:15:00Z");
  const one = deps({ now: () => time });
  expect([await one.isStale("knc", "amd64", day), await one.checkUpdateNudge("knc", "amd64")]).toEqual([true, ""]);
  publishAll({});
  await one.download({ arch: "amd64" });
  const { latest } = one.paths.vmConfigManifest("knc", "amd64");
  const setAge = (ms: number) => utimesSync(latest, time, new Date(time.getTime() - ms));
  setAge(day);
  expect([await one.isStale("knc", "amd64", day), await one.isStale("knc", "amd64", day - 1)]).toEqual([false, true]);
  setAge(2.9 * day);
  server.fail(faults.status(403), { times: 1 });
  expect(await one.checkUpdateNudge("knc", "amd64")).toContain("2 days ago");
  expect(await one.isStale("knc", "amd64", 2 * day)).toBe(true);
  expect(await one.checkUpdateNudge("knc", "amd64", { signal: AbortSignal.abort() })).toContain("2 days ago");
  expect(await one.checkUpdateNudge("knc", "amd64")).toBe("");
  expect(statSync(latest).mtime).toEqual(time);
  publishAll({}, { [machine("amd64")]: vmConfig("amd64", {}, { version: "1.9.0" }) });
  expect(await one.checkUpdateNudge("knc", "amd64")).toContain("1.8.0 → 1.9.0");
  writeFileSync(latest, "{");
  expect(await one.checkUpdateNudge("knc", "amd64")).toBe("");
});

test("what was published is kept by its digest beside what podplane reads, unknown keys and all", async () => {
  const published = { components: { version: "2.3.0", images: [], novelty: { a: 1 } }, more: [null] };
  publishAll({}, { components: published });
  await deps({ now: () => new Date("2026-07-24T10:15:00Z") }).download({ arch: "amd64" });
  const text = JSON.stringify(published);
  const hex = hash("sha256", text).slice(7);
  expect(readFileSync(join(cacheDir, ".tranship/manifests/sha256", `${hex}.json`), "utf8")).toBe(text);
  const latest = readFileSync(join(cacheDir, "components/manifests/components.json"), "utf8");
  expect(JSON.parse(latest)).toEqual(published);
  const h12 = hash("sha256", latest).slice(7, 19);
  expect(readdirSync(join(cacheDir, "components/manifests")).sort()).toEqual([
    `components-20260724T101500Z-${h12}.json`,
    "components.json",
  ]);
});

test("a pinned manifest is that one, and is not asked for again", async () => {
  publishAll({});
  const pins = { components: digestOf(new TextEncoder().encode(JSON.stringify(components)), "sha512") };
  const only: PodplaneDownloadOptions = { arch: "amd64", only: ["components"] };
  await deps({ trust: { pins } }).download(only);
  publish({ components: { components: { version: "9", images: [] } } });
  server.reset();
  await deps({ trust: { pins } }).download(only);
  expect(server.requests()).toEqual([]);
  expect(await deps().cachedComponentsVersion()).toBe("2.3.0");
  const wrong = { trust: { pins: { components: digestOf(new Uint8Array()) } } };
  expect(
    await deps(wrong)
      .download(only)
      .catch((error: unknown) => error),
  ).toMatchObject({
    code: "PIN_MISMATCH",
    details: { manifest: "manifest components" },
  });
});

test("a pin of a manifest that does not exist is refused", () => {
  const pin = digestOf(new Uint8Array());
  expect(() => deps({ trust: { pins: { component: pin } } })).toThrow(TypeError);
  expect(() => deps({ trust: { pins: { [machine("arm64")]: pin, vmconfig: pin } } })).not.toThrow();
});

test("with keys, only signed manifests are used, from the cache too", async () => {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const trust = { signature: { publicKeys: [String(publicKey.export({ type: "spki", format: "pem" }))] } };
  const only: PodplaneDownloadOptions = { arch: "amd64", only: ["components"] };
  publish({ components });
  await deps().download(only);
  expect(await codeOf(deps({ trust }).download({ ...only, offline: true }))).toBe("SIGNATURE_INVALID");
  expect(
    await deps({ trust })
      .download(only)
      .catch((error: unknown) => error),
  ).toMatchObject({
    code: "SIGNATURE_INVALID",
    details: { manifest: "manifest components" },
  });
  server.put(
    "/manifests/components.json.sig",
    sign(null, Buffer.from(JSON.stringify(components)), privateKey).toString("base64"),
  );
  await deps({ trust }).download(only);
  server.reset();
  await deps({ trust }).download(only);
  expect(paths(server.requests())).toEqual(["/manifests/components.json"]); // the signature is kept with it
  await deps({ trust }).download({ ...only, offline: true });
  publish({ components: { components: { version: "9", images: [] } } });
  expect(await codeOf(deps({ trust }).download(only))).toBe("SIGNATURE_INVALID");
  // What others wrote into a cache is signed by nobody.
  const others = deps({ trust, cacheDir: join(tempFolder(), "deps") });
  await others.writeCachedComponentsManifest(JSON.stringify(components));
  expect(await codeOf(others.download({ ...only, offline: true }))).toBe("OFFLINE");
  const path = join(tempFolder(), "components.json");
  writeFileSync(path, JSON.stringify(components));
  await deps({ trust }).download({ ...only, manifests: { components: path } }); // whoever names it answers for it
});

test("a signed manifest older than the one that was there before is refused, unless it is pinned or that is allowed", async () => {
  const { publicKey, privateKey } = generateKeyPairSync("ed25519");
  const signature = { publicKeys: [String(publicKey.export({ type: "spki", format: "pem" }))] };
  const careful = (more: object = {}) => deps({ trust: { signature, ...more } });
  const only: PodplaneDownloadOptions = { arch: "amd64", only: ["seeds"] };
  const version = (text: string) => ({ seeds: { version: text, components: "2.3.0", snapshots: {} } });
  const publishSeeds = (text: string) => {
    const manifest = version(text);
    publish({ seeds: manifest });
    server.put("/manifests/seeds.json.sig", sign(null, Buffer.from(JSON.stringify(manifest)), privateKey));
  };
  publishSeeds("2.3.0-10");
  await careful().download(only);
  publishSeeds("2.3.0-9");
  expect(
    await careful()
      .download(only)
      .catch((error: unknown) => error),
  ).toMatchObject({ code: "DOWNGRADE", details: { manifest: "seeds", known: "2.3.0-10", actual: "2.3.0-9" } });
  const pins = { seeds: digestOf(new TextEncoder().encode(JSON.stringify(version("2.3.0-9")))) };
  await careful({ pins }).download(only);
  expect(await deps().cachedSeedsVersion()).toBe("2.3.0-9");
  publishSeeds("v2.2");
  await careful({ allowDowngrade: true }).download(only);
  for (const text of ["dev", "2.1.0-01"]) {
    publishSeeds(text); // no version: nobody knows whether it is older
    await careful().download(only);
  }
  publishSeeds("2.1.9");
  expect(await codeOf(careful().download(only))).toBe("DOWNGRADE");
  expect(await codeOf(careful().ensureSeedSnapshotsCached())).toBe("DOWNGRADE");
  publishSeeds("2.2.0");
  await careful().download(only);
  server.put("/elsewhere/manifests/seeds.json", JSON.stringify(version("1.0.0")));
  server.put(
    "/elsewhere/manifests/seeds.json.sig",
    sign(null, Buffer.from(JSON.stringify(version("1.0.0"))), privateKey),
  );
  await careful().download(only);
  await deps({ baseUrl: `${server.origin}/elsewhere`, trust: { signature } }).download(only); // whoever goes elsewhere means to
  publishSeeds("0.9.0");
  await deps().download(only); // without keys, a publisher may take a version back
});

test("hosts that are not allowed are not asked, for manifests nor for what they name", async () => {
  publishAll({ runc: { ...file("runc", "runc!"), url: `http://localhost:${new URL(server.origin).port}/files/runc` } });
  expect(await codeOf(deps({ trust: { allowedHosts: ["deps.example.org"] } }).download({ arch: "amd64" }))).toBe(
    "HOST_FORBIDDEN",
  );
  expect(server.requests()).toEqual([]);
  expect(await codeOf(deps({ trust: { allowedHosts: ["127.0.0.1"] } }).download({ arch: "amd64" }))).toBe(
    "HOST_FORBIDDEN",
  );
  const nobody = { files: { fetch: () => Promise.reject(new Error("nobody")) }, registry: () => Promise.reject() };
  const plain = deps({ baseUrl: "http://deps.example.org", access: nobody });
  expect(await codeOf(plain.download({ arch: "amd64" }))).toBe("URL_INVALID");
});

const snapshot = (content: string, name = content) => ({
  url: server.put(`/files/${name}.netsy`, content),
  digest: hash("sha512", content),
  size: content.length,
});

test("one snapshot is brought alone, also of a version that is not the latest any more", async () => {
  const publishSeeds = (version: string) =>
    publish({
      seeds: {
        seeds: { version, components: "2", snapshots: { a: snapshot(`a${version}`), b: snapshot(`b${version}`) } },
      },
    });
  publishSeeds("1");
  expect((await deps().ensureSeedsManifestCached()).seeds.version).toBe("1");
  expect(await codeOf(deps().cachedSeedSnapshotPath("a"))).toBe("NOT_CACHED");
  const first = await deps().ensureSeedSnapshot("a", "1");
  expect(readFileSync(first, "utf8")).toBe("a1");
  expect(paths(server.requests())).not.toContain("/files/b1.netsy");
  expect(await deps().cachedSeedSnapshotPath("a", "1")).toBe(first);
  publishSeeds("2");
  expect(await codeOf(deps().ensureSeedSnapshot("a", "3"))).toBe("SEED_VERSION");
  expect([paths(server.requests()).includes("/files/a2.netsy"), await deps().cachedSeedsVersion()]).toEqual([
    false,
    "1",
  ]);
  await deps().ensureSeedSnapshotsCached();
  expect(await deps().cachedSeedsVersion()).toBe("2");
  // The file of the older version is still there; the other one is fetched from where it was.
  server.reset();
  expect(await deps().ensureSeedSnapshot("a", "1")).toBe(first);
  expect(server.requests()).toEqual([]);
  expect(readFileSync(await deps().ensureSeedSnapshot("b", "1"), "utf8")).toBe("b1");
  expect(await deps().cachedSeedsVersion()).toBe("2");
  expect(readFileSync(await deps().ensureSeedSnapshot("b", undefined), "utf8")).toBe("b2");
  expect(await codeOf(deps().ensureSeedSnapshot("c", undefined))).toBe("SEED_SOURCE");
});

test("local snapshots are copied below their version and noted", async () => {
  const folder = tempFolder();
  mkdirSync(join(folder, "manifests"));
  writeFileSync(join(folder, "minimal.netsy"), "local");
  const path = join(folder, "manifests/seeds.json");
  writeFileSync(
    path,
    JSON.stringify({ seeds: { version: "dev", snapshots: { minimal: { path: "../minimal.netsy" } } } }),
  );
  expect(await codeOf(deps().cachedSeedSnapshotPath("minimal"))).toBe("NOT_CACHED");
  await deps().download({ arch: "amd64", only: ["seeds"], manifests: { seeds: path } });
  const cached = await deps().cachedSeedSnapshotPath("minimal", "dev");
  expect(cached).toBe(join(cacheDir, "seeds/snapshots/minimal/dev/minimal.netsy"));
  expect(readFileSync(cached, "utf8")).toBe("local");
  // Once it is there, nobody needs what it was made of.
  rmSync(join(folder, "minimal.netsy"));
  const items = await deps().cachedItems();
  expect(items).toMatchObject([{ id: "seed/minimal", digest: hash("sha256", "local"), sink: { path: cached } }]);
  await using cache = await DepsCache.open(cacheDir, { readOnly: true });
  expect(await planDeps(items, cache)).toMatchObject({ present: 1, missing: 0 });
});

const helmLayer = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";

test("one chart is brought without anything else, and found by its layer", async () => {
  await using registry = await startTestRegistry();
  const layer = aBlob({ content: "chart", mediaType: helmLayer });
  const chart = anImage({ layers: [layer], tag: "0.9.0" });
  registry.seed("t/web", chart);
  const row = {
    name: "web",
    version: "0.9.0",
    type: "oci",
    url: `oci://${registry.host}/t/web`,
    digest: chart.manifest.descriptor.digest,
  };
  publish({
    templates: {
      templates: { version: "1", charts: [row, { ...row, name: "other", url: `oci://${registry.host}/t/other` }] },
    },
  });
  const found = await deps().ensureTemplateChart("web");
  expect(found.chart).toMatchObject({ cached: true, chartLayerDigest: layer.digest });
  expect(readFileSync(found.path, "utf8")).toBe("chart");
  expect(found.path).toBe(join(deps().paths.templateChart(row), "blobs/sha256", layer.digest.slice(7)));
  expect(await deps().cachedTemplateChartPath("web")).toBe(found.path);
  expect(paths(server.requests())).toEqual(["/manifests/templates.json"]);
  publish({ templates: { templates: { version: "1", charts: [row] } } });
  registry.reset();
  const events: DepsEvent[] = [];
  const onEvent = (event: DepsEvent) => events.push(event);
  await deps().download({ arch: "amd64", only: ["templates"], onEvent });
  expect(registry.requests()).toEqual([]); // its digest says that it is there
  expect(events.flatMap((event) => ("item" in event ? [[event.type, event.name]] : []))).toEqual([
    ["checking", "web"],
    ["cached", "web"],
  ]);
  expect(await codeOf(deps().cachedTemplateChart("other"))).toBe("CHART_TYPE");
  expect(await codeOf(deps().ensureTemplateChart("none"))).toBe("CHART_TYPE");
  const unmarked = { templates: { version: "1", charts: [{ ...row, chartLayerDigest: layer.digest }] } };
  await deps().writeCachedTemplatesManifest(JSON.stringify(unmarked));
  expect(await codeOf(deps().cachedTemplateChart("web"))).toBe("NOT_CACHED");
});

test("a local chart is packed, and looked for later without its folder", async () => {
  const folder = tempFolder();
  mkdirSync(join(folder, "worker"));
  writeFileSync(join(folder, "worker/Chart.yaml"), "apiVersion: v2\nname: worker\nversion: 0.1.0\n");
  const path = join(folder, "templates.json");
  const charts = [{ name: "worker", version: "dev", type: "chart", path: "worker" }];
  writeFileSync(path, JSON.stringify({ templates: { version: "dev", charts } }));
  const request: PodplaneDownloadOptions = { arch: "amd64", only: ["templates"], manifests: { templates: path } };
  await deps().download(request);
  const found = await deps().cachedTemplateChart("worker");
  expect(digestOf(readFileSync(found.path))).toBe(found.chart.chartLayerDigest);
  expect(found.path).toContain(join(cacheDir, "templates/charts/podplane.local/templates/worker/blobs/sha256"));
  expect(await deps().download(request)).toMatchObject({ report: { cached: 1, done: 0 } });
  expect((await deps().cachedTemplateChart("worker")).path).toBe(found.path);
  rmSync(join(folder, "worker"), { recursive: true });
  await using cache = await DepsCache.open(cacheDir, { readOnly: true });
  expect(await planDeps(await deps().cachedItems(), cache)).toMatchObject({ present: 1, missing: 0 });
  publish({ templates: { templates: { version: "1", charts } } });
  expect(await codeOf(deps().download({ arch: "amd64", only: ["templates"] }))).toBe("CHART_TYPE");
});

test("the components' git repository is mirrored by itself, and left out when told", async () => {
  const source = { url: "https://127.0.0.1:1/acme/components.git", ref: { tag: "v1" } };
  publishAll({}, { components: { components: { version: "2", source, images: [image({ size: 1 })] } } });
  const access = { files: webFileFetcher(), registry: (host: string) => createRegistry(host), git: "no-such-git" };
  expect(await codeOf(deps({ access }).ensureComponentsGitCached())).toBe("TOOL_MISSING");
  expect(await codeOf(deps().readCachedComponentsManifest())).toBe("NOT_CACHED");
  const only: PodplaneDownloadOptions = { arch: "amd64", only: ["components"], dryRun: true };
  const ids = async (more: object) =>
    (await deps().download({ ...only, ...more })).plan.items.map(({ item }) => item.id);
  expect(await ids({})).toEqual([expect.stringMatching("^image/"), expect.stringMatching("^git/.*components.git$")]);
  expect(await ids({ skipComponentsGit: true })).toEqual([expect.stringMatching("^image/")]);
  publish({ components });
  expect(await deps({ access }).ensureComponentsGitCached()).toBeUndefined();
});

test("who waited for the cache takes the manifest that arrived meanwhile, with what is noted in it", async () => {
  const { paths } = deps();
  const { latest } = paths.vmConfigManifest("knc", "amd64");
  const arrived = vmConfig("amd64", { runc: file("runc", "runc!", { cached: true }) });
  const holder = await DepsCache.open(cacheDir);
  const waits = Promise.withResolvers<void>();
  const onEvent = (event: DepsEvent) => event.type === "warning" && waits.resolve();
  const ensuring = deps().ensureVmConfigManifestCached("knc", "amd64", { onEvent });
  await waits.promise;
  await holder.commit([{ path: latest, bytes: JSON.stringify(arrived) }]);
  await holder[Symbol.asyncDispose]();
  await ensuring;
  expect(read(latest)).toEqual(arrived);
  expect(server.requests()).toEqual([]);
});

test("a comparison that fails has ended all its questions", async () => {
  let ended = 0;
  const files: FileFetcher = {
    fetch: async (url, { signal } = {}) => {
      if (url.includes("vmconfig")) throw new TypeError("no such luck");
      await new Promise((resolve) => signal?.addEventListener("abort", resolve));
      ended += 1;
      throw signal?.reason;
    },
  };
  const access = { files, registry: () => createRegistry("127.0.0.1:1") };
  expect(await codeOf(deps({ access }).status("knc", "amd64"))).toBe("TRANSFER_FAILED");
  expect(ended).toBe(3);
});

test("a manifest is written as it is given if it can be read, and images are noted by index", async () => {
  expect(await codeOf(deps().cachedComponentsVersion())).toBe("NOT_CACHED");
  const text = JSON.stringify({
    components: { version: "7", images: [{ image: "a" }, { image: "b" }, { image: "c" }] },
  });
  await deps().writeCachedComponentsManifest(text);
  const cached = await deps().readCachedComponentsManifest();
  expect(Buffer.from(cached.bytes).toString()).toBe(text);
  await deps().markImageCached("components", 1);
  const marked = (await deps().readCachedComponentsManifest()).manifest.components.images.map((row) => row.cached);
  expect(marked).toEqual([false, true, false]);
  await Promise.all([0, 2].map((index) => deps().markImageCached("components", index)));
  expect((await deps().readCachedComponentsManifest()).manifest.components.images.map((row) => row.cached)).toEqual([
    true,
    true,
    true,
  ]);
  expect(await codeOf(deps().writeCachedSeedsManifest("{}"))).toBe("MANIFEST_PARSE");
  expect([await deps().readCachedSeedsManifest(), await deps().readCachedTemplatesManifest()]).toEqual([
    undefined,
    undefined,
  ]);
});

test.for([
  { profile: "v0.1", key: { component: "lb" }, store: "deps/components/images" },
  { profile: "v0.8", key: { components: ["lb"] }, store: "registry/mirror" },
] as const)(
  "the images of a manifest of $profile are kept where that release looks for them",
  async ({ profile, key, store }) => {
    await using registry = await startTestRegistry();
    const lb = anImage({ seed: "lb", tag: "v1" });
    registry.seed("acme/lb", lb);
    const row = { ...key, image: `${registry.host}/acme/lb:v1`, digest: lb.manifest.descriptor.digest, size: 9 };
    publishAll(
      {},
      {
        components: {
          components: {
            version: "2",
            images: [
              { ...row, addon: true },
              { ...row, components: ["x"], addon: true },
            ],
          },
        },
      },
    );
    await deps({ profile }).download({ arch: "amd64", addons: "LB" });
    const layout = join(dirname(cacheDir), store, registry.host, "acme/lb/index.json");
    expect(readFileSync(layout, "utf8")).toContain(lb.manifest.descriptor.digest);
    expect(read(deps().paths.componentsManifest.latest).components.images[0]).toEqual({
      ...row,
      addon: true,
      cached: true,
    });
    expect((await deps({ profile }).status("knc", "amd64")).needsUpdate).toBe(false); // marks are no difference
    expect(await deps({ profile }).download({ arch: "amd64", addons: "lb", offline: true })).toMatchObject({
      report: { done: 0, failed: 0 },
    });
    // Without a choice, the addons are those that the release recommends.
    const wanted = async (recommendedAddons: readonly string[]) => {
      const one = deps({ profile: { ...podplaneProfiles[profile], recommendedAddons } });
      const { plan } = await one.download({ arch: "amd64", dryRun: true, offline: true });
      return plan.items.filter(({ item }) => item.labels.domain === "components").length;
    };
    expect([await wanted(["x"]), await wanted(["y"])]).toEqual([1, 0]);
  },
);

/** The same, with the keys of every object the other way round. */
function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, item]) => [key, reversed(item)]),
  );
}

test.for(["v0.1", "v0.8"] as const)(
  "a program of %s finds every manifest as it would have written it, with what is cached noted in it",
  async (profile) => {
    await using registry = await startTestRegistry();
    const layer = aBlob({ content: "chart", mediaType: helmLayer });
    const [lb, web] = [anImage({ seed: "lb", tag: "v1" }), anImage({ layers: [layer], tag: "1.0.0_k1" })];
    registry.seed("acme/lb", lb);
    registry.seed("t/web", web);
    const isFirst = profile === "v0.1";
    const cached = { cached: true };
    const owner = (name: string) => (isFirst ? { component: name } : { components: [name] });
    const image = {
      image: `${registry.host}/acme/lb:v1`,
      digest: lb.manifest.descriptor.digest,
      size: 9,
      platform: "linux/amd64",
    };
    const other = { ...image, digest: `sha256:${"e".repeat(64)}` };
    const os = {
      name: "debian-13",
      arch: "amd64",
      image: { ...file("d13.qcow2", "disk", { type: "qcow2" }), ...cached },
      boot: {
        cmdline: "ro",
        kernel: { partition: 1, path: "/k", digest: "sha256:k" },
        initrd: { partition: 1, path: "/i", digest: "sha256:i" },
      },
    };
    const dependencies = {
      Zed: file("zed", "zed", cached),
      aws: file("aws", "aws", { providers: ["aws"] }),
      runc: file("runc", "runc!", { ...cached, "a-novelty": [1], novelty: { b: 1, c: null } }),
    };
    const snapshots = { minimal: { ...snapshot("minimal"), ...cached } };
    const noted = {
      vmconfig: {
        vmconfig: {
          version: "1.8.0",
          kind: "knc",
          os,
          dependencies,
          ...(isFirst ? {} : { images: [{ ...image, ...cached }] }),
        },
      },
      components: {
        components: {
          version: "2.3.0",
          images: [
            { ...owner("lb"), ...image, index: "sha256:none", ...cached },
            { ...owner("lb"), ...other, platform: "linux/arm64" },
            { ...owner("ebs"), ...other, providers: ["aws"] },
            { ...owner("ebs"), ...other, addon: true },
          ],
        },
      },
      templates: {
        templates: {
          version: "0.9.0",
          charts: [
            {
              name: "web",
              version: "1.0.0+k1",
              type: "oci",
              url: `oci://${registry.host}/t/web`,
              digest: web.manifest.descriptor.digest,
              dependencies: { components: ["lb"] },
              ...cached,
              chartLayerDigest: layer.digest,
            },
          ],
          ...(isFirst ? {} : { images: [{ ...image, templates: { web: "lb" }, ...cached }] }),
        },
      },
      seeds: { seeds: { version: "2.3.0-1", components: "2.3.0", snapshots } },
    };
    // Noted by whoever published it: that says nothing of this cache.
    const published = JSON.parse(
      JSON.stringify(reversed(noted))
        .replaceAll('"cached":true', '"cached":false')
        .replace(layer.digest, `sha256:${"0".repeat(64)}`),
    );
    const { vmconfig, ...others } = published;
    publish({ [machine("amd64")]: vmconfig, ...others });
    const one = deps({ profile, now: () => new Date("2026-07-24T10:15:00.5Z") });
    await one.download({ arch: "amd64", addons: [] });

    const separators = { vmconfig: "_", components: "-", templates: "_", seeds: "_" };
    for (const [name, separator] of Object.entries(separators)) {
      const text = `${JSON.stringify(noted[name as keyof typeof noted], null, 2)}\n`;
      const stem = name === "vmconfig" ? machine("amd64") : name;
      const folder = join(cacheDir, name, "manifests");
      const history = [stem, "20260724T101500Z", hash("sha256", text).slice(7, 19)].join(separator);
      expect(readdirSync(folder).sort()).toEqual([`${history}.json`, `${stem}.json`].sort());
      for (const found of readdirSync(folder)) {
        expect(readFileSync(join(folder, found), "utf8")).toBe(text);
        expect(statSync(join(folder, found)).mode & 0o777).toBe(0o644 & ~process.umask());
      }
    }
    // What only this program knows is in files of its own, where the other one does not look.
    expect(readdirSync(cacheDir).sort()).toEqual([".tranship", "components", "seeds", "templates", "vmconfig"]);
    const { entries } = read(join(cacheDir, ".tranship/state.json"));
    expect(Object.keys(entries)).toContain("item/file/knc/amd64/runc");
    expect(entries["manifest/components"]).toMatchObject({ url: `${server.origin}/manifests/components.json` });
    // Layouts are looked up by their lists alone: tags there, and each image beside the index of its tag.
    for (const [layout, tag, { manifest, blobs }] of [
      [one.paths.imageRepository(image.image, isFirst ? "" : "mirror"), "v1", lb],
      [one.paths.templateChart({ name: "web", url: `oci://${registry.host}/t/web` }), "1.0.0_k1", web],
    ] as const) {
      expect(readdirSync(layout).sort()).toEqual(["blobs", "index.json", "oci-layout"]);
      expect(read(join(layout, "oci-layout"))).toEqual({ imageLayoutVersion: "1.0.0" });
      const { schemaVersion, mediaType, manifests } = read(join(layout, "index.json"));
      expect([schemaVersion, mediaType]).toEqual([2, "application/vnd.oci.image.index.v1+json"]);
      const listed = manifests as readonly { digest: string; annotations?: Record<string, string> }[];
      expect(listed.map(({ digest }) => digest)).toContain(manifest.descriptor.digest);
      expect(listed.map(({ annotations }) => annotations?.["org.opencontainers.image.ref.name"])).toContain(tag);
      for (const { digest } of [manifest.descriptor, ...blobs, ...listed] as readonly { digest: Digest }[])
        expect(digestOf(readFileSync(join(layout, "blobs/sha256", digest.slice(7))))).toBe(digest);
    }
    expect((await one.status("knc", "amd64")).needsUpdate).toBe(false);
  },
);

test("a pruning takes what only older manifests had, with their tags, and nobody else's", async () => {
  await using registry = await startTestRegistry();
  const versions = ["v1", "v2"].map((tag) => anImage({ seed: tag, tag }));
  registry.seed("a/lb", ...versions);
  const publishVersion = (index: number) => {
    const { digest } = versions[index]?.manifest.descriptor ?? {};
    const row = { components: ["lb"], image: `${registry.host}/a/lb:v${index + 1}`, digest, size: 9 };
    const tool = file("tool", `tool ${index}`, { version: String(index) });
    publishAll({ tool }, { components: { components: { version: `${index + 1}.0.0`, images: [row] } } });
  };
  const one = deps();
  const layout = one.paths.imageRepository(`${registry.host}/a/lb`, "mirror");
  for (const index of [0, 1]) {
    publishVersion(index);
    await one.download({ arch: "amd64" });
  }
  const [kept, gone] = ["1", "0"].map((version) => join(cacheDir, "vmconfig/artifacts/tool", version, "tool"));
  const before = read(join(layout, "index.json"));
  writeFileSync(join(cacheDir, "components/manifests/components-20200101T000000Z-0123456789ab.json"), "{");
  await using cache = await DepsCache.open(cacheDir, { also: [one.registryCacheDir] });
  const plan = async (former: readonly DepsItem[]) =>
    prunePlan(cache, await one.cachedItems(), { former, store: one.registryCacheDir });
  expect((await plan([])).layouts).toEqual([]);
  await prune(cache, await plan(await one.formerItems()));
  expect([existsSync(kept ?? ""), existsSync(gone ?? "")]).toEqual([true, false]);
  const tags = (index: { manifests: { annotations?: Record<string, string> }[] }) =>
    index.manifests.flatMap(({ annotations }) => annotations?.["org.opencontainers.image.ref.name"] ?? []);
  expect([tags(before), tags(read(join(layout, "index.json")))]).toEqual([["v1", "v2"], ["v2"]]);
});

test("two downloads into one cache at once wait for each other, and fetch each file once", async () => {
  publishAll({ runc: file("runc", "runc!") });
  const found = await Promise.all([deps().download({ arch: "amd64" }), deps().download({ arch: "amd64" })]);
  expect(found.map(({ report }) => report?.done).sort()).toEqual([0, 2]);
  expect(paths(server.requests()).filter((path) => path.startsWith("/files/"))).toHaveLength(2);
  // The image store may be another cache's, too.
  await using other = await DepsCache.open(join(tempFolder(), "other"), { also: [deps().registryCacheDir] });
  expect(await codeOf(deps().download({ arch: "amd64", lock: "fail" }))).toBe("CACHE_LOCKED");
  expect(other.path).not.toBe(cacheDir);
});

test("a download that is ended rejects with the caller's reason and writes no manifest", async () => {
  publishAll({ runc: file("runc", "runc!") });
  server.holdUntil(9, "/files/"); // whoever is not ended waits for ever
  const controller = new AbortController();
  const reason = new Error("enough");
  const onEvent = (event: DepsEvent) => {
    if (event.type === "started") controller.abort(reason);
  };
  const error = await deps()
    .download({ arch: "amd64", signal: controller.signal, onEvent })
    .catch((thrown: unknown) => thrown);
  expect(error).toBe(reason);
  expect(await deps().readCachedVmConfigManifest("knc", "amd64")).toBeUndefined();
});

test("the address of manifests is noted and told without what is secret in it, and known again", async () => {
  publishAll({});
  const own = deps({ baseUrl: server.origin.replace("//", "//ann:secret@") });
  const found = await own.download({ arch: "amd64" });
  server.reset();
  await own.download({ arch: "amd64" });
  expect(server.requests().map(({ status }) => status)).toEqual([304, 304, 304, 304]);
  const notes = readFileSync(join(cacheDir, ".tranship/state.json"), "utf8");
  expect(notes + JSON.stringify(found)).not.toContain("secret");
});
