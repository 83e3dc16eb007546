import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import {
  Bundle,
  BundleDirectory,
  type CatalogServiceOptions,
  ImagesService,
  type MirrorEvent,
  ModulesService,
  PackagesService,
  type Planner,
  plan,
  pull,
  pushBundle,
  type SyncReport,
  sync,
  verify,
} from "@tranship/core";
import {
  createRegistry,
  MemoryRegistry,
  type Registry,
  type RegistryReader,
  type RemoteRegistry,
} from "@tranship/registry";
import { type BodyTransform, type ServedRequest, startServer } from "@tranship/registry/server";
import {
  aBlob,
  anArtifact,
  anImage,
  anIndex,
  faults,
  startTestRegistry,
  type TestRegistry,
} from "@tranship/registry/testing";
import { describe, expect, test } from "vitest";
import { startDockerRegistry } from "../support/docker-registry.ts";
import { aSource, blobBytes } from "../support/mirror.ts";
import { runProgram, runProgramIn } from "../support/run-program.ts";
import { tempFolder } from "../support/temp-folder.ts";

const platforms = [
  { os: "linux", architecture: "amd64" },
  { os: "linux", architecture: "arm64" },
];
const index = anIndex({
  tag: "v2.0.0",
  platforms,
  images: platforms.map((platform) => anImage({ platform, seed: platform.architecture })),
});
const older = anImage({ tags: ["v1.9.0", "edge"], seed: "older" });
const signature = anArtifact({ subject: index, artifactType: "application/vnd.example.signature" });

/** A product with a module, and beside it an application for several platforms that is signed. */
async function aBusySource(): Promise<TestRegistry> {
  const source = await aSource();
  source.seed("demo/fe/modules", anImage({ tag: "net" }));
  source.seed("demo/fe/modules/net", anImage({ tag: "v1.0.0" }));
  const files = { "version.json": JSON.stringify({ version: "v1.0.0" }) };
  source.seed("demo/fe/modules/net/release", anImage({ tags: ["v1.0.0", "stable"], files }));
  source.seed("org/app", index, signature, older);
  return source;
}

/** Everything but one platform's share of an index. */
function plannersOf({ host }: TestRegistry, held: AsyncDisposableStack): readonly Planner[] {
  const options = { retryDelayMs: 1, attempts: 2 };
  const source = held.use(createRegistry(`${host}/demo/fe`, options));
  const from = () => held.use(createRegistry(host, options));
  const shared: CatalogServiceOptions = { source };
  return [
    new PackagesService(shared),
    new ModulesService(shared),
    new ImagesService({
      images: [`${host}/org/app@>=1.9`],
      from,
      platforms: ["linux/arm64"],
      paths: { prefix: "third", host: "strip" },
    }),
  ];
}

/** All there is: what each tag of each repository means, and what refers to it. */
async function contentOf(registry: RegistryReader, root = ""): Promise<Readonly<Record<string, unknown>>> {
  const content: Record<string, unknown> = {};
  for await (const path of registry.repositories()) {
    if (!path.startsWith(root)) continue;
    const repository = registry.repository(path);
    for await (const tag of repository.tags()) {
      const found = await repository.resolve(tag);
      const referrers: string[] = [];
      if (found) for await (const { digest } of repository.referrers(found.digest)) referrers.push(digest);
      content[`${path.slice(root.length)}:${tag}`] = [found?.digest, found?.mediaType, ...referrers.sort()];
    }
  }
  return content;
}

/** What a pull into a bundle and a push of it leave at an empty target. */
async function throughABundle(planners: readonly Planner[], target: Registry, keepGoing = false): Promise<void> {
  const folder = tempFolder();
  {
    await using to = await BundleDirectory.open(folder);
    await pull(planners, { to, keepGoing, retryDelayMs: 1 });
  }
  await using bundle = await Bundle.open(folder);
  await pushBundle(bundle, target, { modulesPathSuffix: "/extra/mods" });
}

const rootOf = (registry: { readonly host: string }): RemoteRegistry =>
  createRegistry(`${registry.host}/mirror`, { retryDelayMs: 1 });
const puts = (registry: TestRegistry, what: string) =>
  registry.requests().filter(({ method, path, status }) => method === "PUT" && path.includes(what) && status === 201);

test("a synced mirror is, digest for digest and tag for tag, the one that was pulled and pushed", async () => {
  await using held = new AsyncDisposableStack();
  await using source = await aBusySource();
  await using pushed = await startTestRegistry();
  await using synced = await startTestRegistry();
  await throughABundle(plannersOf(source, held), held.use(rootOf(pushed)));
  const planners = plannersOf(source, held);
  const to = held.use(rootOf(synced));
  const how = { to, modulesPathSuffix: "/extra/mods" };

  const dry = await sync(planners, { ...how, dryRun: true });
  expect(synced.requests().filter(({ method }) => !["GET", "HEAD"].includes(method))).toEqual([]);
  const report = await sync(planners, how);
  expect(report).toEqual(dry);
  expect(report).toMatchObject({ missing: [], failed: [], packages: ["alb", "console"], modules: ["net"] });
  expect(report.blobs.mounted).toBeGreaterThan(0);

  const content = await contentOf(synced.registry);
  expect(content).toEqual(await contentOf(pushed.registry));
  for (const name of ["packages:console", "extra/mods:net", "packages/alb/version:stable", "third/org/app:v2.0.0"]) {
    const found = Object.keys(content).filter((key) => key.endsWith(name));
    expect(found, name).toHaveLength(1);
  }

  synced.reset();
  expect(await sync(planners, how)).toMatchObject({
    images: { written: 0, replaced: 0 },
    blobs: { written: 0, mounted: 0 },
  });
  expect(synced.requests().filter(({ method }) => method === "PUT" || method === "PATCH")).toEqual([]);
});

test("each thing of the source is asked for once, and small ones that were planned by are not asked for again", async () => {
  await using held = new AsyncDisposableStack();
  await using source = await aBusySource();
  await using target = await startTestRegistry();
  await sync(plannersOf(source, held), { to: held.use(rootOf(target)) });
  const asked = source.requests().map(({ method, path }) => `${method} ${path}`);
  expect(asked.filter((one, at) => asked.indexOf(one) !== at && !one.endsWith("/v2/"))).toEqual([]);
  expect(asked.filter((one) => one.startsWith("HEAD"))).toEqual([]);
});

test("through docker-registry and back, every digest is the same and all of it is verified", async () => {
  await using held = new AsyncDisposableStack();
  await using source = await aBusySource();
  await using docker = await startDockerRegistry();
  await using end = await startTestRegistry();
  const middle = held.use(createRegistry(`${docker.host}/demo/fe`));
  const planners = plannersOf(source, held);
  const list = await plan(planners);
  await sync(planners, { to: middle });
  expect(await verify(middle, list)).toMatchObject({ ok: true, findings: [] });

  const back = [new PackagesService({ source: middle }), new ModulesService({ source: middle })];
  await sync(back, { to: held.use(rootOf(end)) });
  const within = await sync(back, { to: held.use(createRegistry(`${docker.host}/elsewhere`)) });
  expect(within.blobs.mounted).toBeGreaterThan(20);
  expect(within.blobs.written).toBeLessThanOrEqual(2); // of the image behind the names of catalogs, which is made here
  const [first, last] = [await contentOf(source.registry, "demo/fe/"), await contentOf(end.registry, "mirror/")];
  const isCatalog = (name: string) => /^(?:packages|modules):/.test(name); // its names have an image of their own
  const images = (content: typeof first) => Object.entries(content).filter(([name]) => !isCatalog(name));
  expect(Object.keys(first)).toEqual(expect.arrayContaining(Object.keys(last)));
  expect(Object.fromEntries(images(first))).toMatchObject(Object.fromEntries(images(last)));
  expect(images(last).length).toBeGreaterThan(20);
});

test("a blob is never whole in memory: a target that takes no more stops the source", async () => {
  const [size, most] = [64 * 1024 * 1024, 24 * 1024 * 1024]; // the kernel keeps some on both ways
  await using source = await startTestRegistry();
  const layer = aBlob({ content: new Uint8Array(size).fill(7) });
  source.seed("org/big", anImage({ tag: "v1", layers: [layer] }));
  let held = 0;
  /** Lets nothing through before the source has come to rest. */
  const hold: BodyTransform = async function* (body) {
    for (let before = -1; before < held; await setTimeout(50)) [before, held] = [held, blobBytes(source)];
    yield* body;
  };
  const target = new MemoryRegistry();
  await using server = await startServer(target, {
    onRequest: ({ contentLength = 0 }) => (contentLength < size ? undefined : { received: hold }),
  });
  await using from = createRegistry(source.host);
  await using to = createRegistry(server.host);
  await sync(
    [new ImagesService({ images: [`${source.host}/org/big:v1`], from: () => from, paths: { host: "strip" } })],
    { to },
  );
  expect(held).toBeGreaterThan(0);
  expect(held).toBeLessThan(most);
  expect(blobBytes(source)).toBeGreaterThan(size);
  expect(await target.repository("org/big").statBlob(layer.digest)).toEqual({ size });
});

test("stopped and run again, it sends what is missing and comes to the same", async () => {
  await using held = new AsyncDisposableStack();
  await using source = await aBusySource();
  await using target = await startTestRegistry();
  await using whole = await startTestRegistry();
  const [planners, to] = [plannersOf(source, held), held.use(rootOf(target))];
  const stop = new AbortController();
  let finished = 0;
  const onEvent = ({ type }: MirrorEvent) => {
    if (type === "blob.finished") finished += 1;
    if (finished === 1) stop.abort(new Error("enough for now")); // every image has more blobs than that
  };
  await expect(sync(planners, { to, signal: stop.signal, onEvent })).rejects.toThrow("enough for now");
  expect(puts(target, "/manifests/")).toEqual([]); // no name before what it promises
  const before = puts(target, "/blobs/").length;
  expect(before).toBeGreaterThanOrEqual(1);

  const report = await sync(planners, { to });
  expect(report.blobs.written).toBe(puts(target, "/blobs/").length - before);
  expect(report.blobs.present).toBeGreaterThanOrEqual(1);
  await sync(planners, { to: held.use(rootOf(whole)) });
  expect(await contentOf(target.registry)).toEqual(await contentOf(whole.registry));
});

test("inside a blob it goes on where either side broke off", async () => {
  await using source = await startTestRegistry();
  await using target = await startTestRegistry();
  const layer = aBlob({ size: 900_000 });
  source.seed("org/app", anImage({ tag: "v1", layers: [layer] }));
  source.failOnce(faults.cutAfter(300_000), ({ path }) => path.endsWith(layer.digest));
  target.failOnce(faults.dropUpload(600_000), ({ contentLength = 0 }) => contentLength > 100_000);
  await using from = createRegistry(source.host, { retryDelayMs: 1 });
  await using to = createRegistry(target.host, { retryDelayMs: 1 });
  await sync([new ImagesService({ images: [`${source.host}/org/app:v1`], from: () => from })], { to });
  expect(source.requests().some(({ range = "" }) => /^bytes=[1-9]/.test(range))).toBe(true);
  const parts = target.requests().filter(({ contentLength = 0 }) => contentLength > 100_000);
  expect(parts.map(({ method, status }) => [method, status])).toEqual([
    ["PUT", 0],
    ["PATCH", 202],
  ]);
  expect(parts[1]?.contentLength).toBeLessThan(layer.size);
});

describe("inside one host", () => {
  const layers = Array.from({ length: 3 }, (_, seed) => aBlob({ size: 6_000_000, seed }));
  const isRead = ({ method, path }: ServedRequest) => method === "GET" && path.includes("/blobs/");

  /** Copies one part of a registry to another, with one slot of each kind. */
  async function syncWithin(server: TestRegistry, dryRun = false): Promise<SyncReport> {
    server.seed("org/app", anImage({ tag: "v1", layers }), index);
    await using one = createRegistry(server.host, { limits: { meta: 1, down: 1, up: 1 }, retryDelayMs: 1 });
    const paths = { prefix: "mirror", host: "strip" } as const;
    const images = new ImagesService({ images: [`${server.host}/org/app@*`], from: () => one, paths });
    return await sync([images], { to: one, dryRun });
  }

  test("nothing is sent: all is mounted from where it is, as the dry run says", async () => {
    await using server = await startTestRegistry();
    const dry = await syncWithin(server, true);
    expect(dry.blobs).toMatchObject({ written: 0, present: 0, mounted: expect.any(Number) });
    expect((await syncWithin(server)).blobs).toEqual(dry.blobs);
    expect(server.requests().filter(isRead)).toEqual([]);
    expect(await contentOf(server.registry, "mirror/org/")).toEqual(await contentOf(server.registry, "org/"));
  });

  test("where mounts are refused it never stalls, with one slot of each kind", { timeout: 20_000 }, async () => {
    await using server = await startTestRegistry();
    server.fail(faults.status(405), { times: 99, match: ({ queryNames }) => queryNames.includes("mount") });
    server.failOnce(faults.cutAfter(3_000_000), isRead);
    expect((await syncWithin(server)).blobs).toMatchObject({ mounted: 0, present: 0, written: expect.any(Number) });
    expect(await contentOf(server.registry, "mirror/org/")).toEqual(await contentOf(server.registry, "org/"));
  });
});

describe("when one item cannot be read", () => {
  /** A source that does not have a blob of the package console: of its content a layer or the config, or of its metadata. */
  async function aBrokenSource(what: "layer" | "config" | "metadata"): Promise<TestRegistry> {
    const source = await aBusySource();
    const path = `demo/fe/packages/console${what === "metadata" ? "/version" : ""}`;
    const { bytes } = await source.registry.repository(path).manifest("v1.46.0");
    const { layers, config } = JSON.parse(new TextDecoder().decode(bytes));
    const { digest } = what === "layer" ? layers.at(-1) : config;
    source.fail(faults.status(404), {
      times: 99,
      match: ({ path: asked }) => asked.endsWith(`${path}/blobs/${digest}`),
    });
    return source;
  }

  test("the run ends, and names the side and the reference", async () => {
    await using held = new AsyncDisposableStack();
    await using source = await aBrokenSource("config");
    await using target = await startTestRegistry();
    await expect(sync(plannersOf(source, held), { to: held.use(rootOf(target)) })).rejects.toMatchObject({
      code: "TRANSFER_FAILED",
      details: { side: "source", failure: "missing", reference: `${source.host}/demo/fe/packages/console:v1.46.0` },
    });
  });

  test.for([
    { what: "layer", when: "planning", failed: ["package-console.tar"], blobs: 0 },
    { what: "config", when: "copying", failed: ["package-console.tar"], blobs: 1 },
    { what: "metadata", when: "copying", failed: ["package-console.tar", "package-versions.tar"], blobs: 1 },
  ] as const)(
    "a $what while $when: with keepGoing the others come as through a bundle, and the next run brings the rest",
    async ({ what, failed, blobs }) => {
      await using held = new AsyncDisposableStack();
      await using source = await aBrokenSource(what);
      await using pushed = await startTestRegistry();
      await using synced = await startTestRegistry();
      await throughABundle(plannersOf(source, held), held.use(rootOf(pushed)), true);
      const [planners, to] = [plannersOf(source, held), held.use(rootOf(synced))];
      const events: MirrorEvent[] = [];
      const how = { to, modulesPathSuffix: "/extra/mods", keepGoing: true };
      const report = await sync(planners, { ...how, onEvent: (event) => events.push(event) });
      expect(report).toMatchObject({ packages: ["alb"], modules: ["net"] });
      expect(report.failed).toMatchObject(failed.map((archive) => ({ archive, code: "TRANSFER_FAILED" })));
      expect(events.filter(({ type }) => type === "item.failed")).toHaveLength(failed.length);
      expect(events.filter(({ type }) => type === "blob.failed")).toHaveLength(blobs);
      expect(report.blobs.written).toBe(puts(synced, "/blobs/").length);
      expect(report.images.written + report.discovery.written).toBe(
        new Set(puts(synced, "/manifests/").flatMap(({ path }) => (path.includes("sha256:") ? [] : path))).size,
      );
      expect(await contentOf(synced.registry)).toEqual(await contentOf(pushed.registry));

      source.reset();
      expect(await sync(planners, how)).toMatchObject({ failed: [], packages: ["alb", "console"] });
    },
  );

  test("with keepGoing a target that refuses ends the run all the same", async () => {
    await using held = new AsyncDisposableStack();
    await using source = await aBusySource();
    await using target = await startTestRegistry();
    target.fail(faults.status(400), {
      times: 99,
      match: ({ method, path }) => method === "PUT" && path.includes("alb"),
    });
    const to = held.use(rootOf(target));
    await expect(sync(plannersOf(source, held), { to, keepGoing: true })).rejects.toMatchObject({
      code: "TRANSFER_FAILED",
      details: { side: "target" },
    });
  });
});

describe("on the command line", () => {
  const reader = { username: "reader", password: "may read" };
  const writer = { username: "writer", password: "may write" };

  test("it brings what was selected, each side by its own login, and says what it did", async () => {
    await using source = await aSource();
    const { registry } = source;
    await using from = await startTestRegistry({ registry, auth: { scheme: "basic", credentials: reader } });
    await using target = await startTestRegistry({ auth: { scheme: "bearer", credentials: writer } });
    const words = ["sync", `${from.host}/demo/fe`, `${target.host}/fe`, "--include-package", "alb@=v1.0.3"];
    const logins = ["--source-login", "reader", "--registry-login", "writer"];
    const environment = { TRANSHIP_SOURCE_PASSWORD: "may read", TRANSHIP_REGISTRY_PASSWORD: "may write" };

    const dry = await runProgramIn(environment, ...words, ...logins, "--dry-run");
    expect(dry).toMatchObject({ code: 0, stdout: expect.stringContaining(`would sync to ${target.host}/fe\n`) });
    expect(puts(target, "/")).toEqual([]);
    const done = await runProgramIn(environment, ...words, ...logins);
    expect(done).toMatchObject({ code: 0, stdout: expect.stringContaining(`synced to ${target.host}/fe\n`) });
    const report = (text: string) => /tags .*\n(?: .*\n)*? {2}blobs .*\n/.exec(text)?.[0];
    expect(report(done.stdout)).toBe(report(dry.stdout));
    expect(await target.registry.repository("fe/packages").resolve("alb")).toBeDefined();
    const again = await runProgramIn(environment, ...words, ...logins);
    expect(again.stdout).toContain("nothing has changed");

    const wrong = await runProgramIn(environment, ...words, "--source-login", "writer", "--registry-login", "writer");
    expect(wrong.code).toBe(1);
    expect(wrong.stderr).toContain("--source-login");
    const swapped = await runProgramIn(environment, ...words, "--source-login", "reader", "--registry-login", "reader");
    expect(swapped.code).toBe(1);
    expect(swapped.stderr).toContain("push to this path");
  });

  test("what cannot be read ends with 1, or with 3 where the rest is to come", async () => {
    await using source = await aSource();
    await using target = await startTestRegistry();
    source.fail(faults.status(404), { times: 99, match: ({ path }) => /packages\/console\/blobs/.test(path) });
    const words = ["sync", `${source.host}/demo/fe`, `${target.host}/fe`];
    const ended = await runProgram(...words);
    expect(ended.code).toBe(1);
    const gone = await runProgram(...words, "--keep-going");
    expect(gone).toMatchObject({ code: 3, stdout: expect.stringContaining("failed: package-console.tar: ") });
    expect(gone.stdout).toContain("1 item failed: run again, it brings the rest");
  });

  test("a plan is followed digest by digest, images need no source", async () => {
    await using source = await aBusySource();
    await using target = await startTestRegistry();
    const file = join(tempFolder(), "plan.json");
    const image = `${source.host}/org/app:v1.9.0`;
    await runProgram("plan", "--image", image, "--image-path", "strip", "-o", file);
    source.seed("org/app", anImage({ tag: "v1.9.0", seed: "moved since" }));
    const { code } = await runProgram("sync", `${target.host}/by-plan`, "--plan", file);
    const moved = await runProgram("sync", `${target.host}/by-name`, "--image", image, "--image-path", "strip");
    expect([code, moved.code]).toEqual([0, 0]);
    const digestAt = async (path: string) => (await target.registry.repository(path).resolve("v1.9.0"))?.digest;
    expect(await digestAt("by-plan/org/app")).toBe(older.manifest.descriptor.digest);
    expect(await digestAt("by-name/org/app")).not.toBe(older.manifest.descriptor.digest);
  });

  test.for([
    { words: ["a.invalid/x", "b.invalid/x", "c.invalid/x"], says: "a source and a target, and got 3 places" },
    { words: ["a.invalid/x", "b.invalid/x", "--source", "c.invalid/x"], says: "two sources" },
    { words: ["b.invalid/x"], says: "no source was given" },
    { words: ["a.invalid/x", "bundle:b"], says: "only a pull writes a bundle" },
    { words: ["a.invalid/x", "b.invalid/x", "--source-client-cert", "f"], says: "need each other" },
    {
      words: ["b.invalid/x", "--image", "c.invalid/x:1", "--image", "d.invalid/x:1", "--source-insecure"],
      says: "--source-insecure: it is about one",
    },
    { words: ["a.invalid/x", "b.invalid/x", "--source-password", "p"], says: "give --source-login" },
    { words: ["a.invalid/x", "b.invalid/x", "--target-modules-path-suffix", "A B"], says: "A B" },
    { words: ["a.invalid/x", "b.invalid/x", "--plan", "p", "--no-modules"], says: "contradict each other" },
  ])("$words is wrong usage", async ({ words, says }) => {
    const { code, stderr } = await runProgram("sync", ...words);
    expect([code, stderr]).toEqual([2, expect.stringContaining(says)]);
  });
});
