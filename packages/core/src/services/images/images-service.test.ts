import { createRegistry, MemoryRegistry } from "@tranship/registry";
import {
  anArtifact,
  anImage,
  anIndex,
  faults,
  type Seedable,
  seedMemory,
  startTestRegistry,
} from "@tranship/registry/testing";
import { describe, expect, test } from "vitest";
import { isMirrorError } from "../../errors.ts";
import type { MirrorEvent } from "../../events.ts";
import type { DownloadList } from "../../plan/download-list.ts";
import { itemVersions } from "../../plan/item-versions.ts";
import { PackagesService } from "../catalog/packages-service.ts";
import { listedHosts, listPlanner } from "../list-planner.ts";
import { type PlanOptions, plan } from "../plan.ts";
import { ImagesService, type ImagesServiceOptions } from "./images-service.ts";

const two = anImage({ tag: "v1.1.0", seed: "two" });
const signature = anArtifact({ subject: two, artifactType: "application/vnd.example.signature" });
const platforms = [
  { os: "linux", architecture: "amd64" },
  { os: "linux", architecture: "arm64" },
];
const index = anIndex({
  tag: "v2.0.0",
  images: platforms.map((platform) => anImage({ platform, seed: platform.architecture })),
  platforms,
});
const app = [
  anImage({ tags: ["v1.0.0", "1.0.0"], seed: "one" }),
  two,
  signature,
  index,
  anImage({ tags: ["latest", "edge"] }),
];

/** Registries in memory by host, with what lies in them. */
function registries(content: Readonly<Record<string, Readonly<Record<string, readonly Seedable[]>>>>) {
  const byHost = new Map(
    Object.entries(content).map(([host, repositories]) => {
      const registry = new MemoryRegistry({ name: host });
      for (const [path, things] of Object.entries(repositories)) seedMemory(registry, path, things);
      return [host, registry] as const;
    }),
  );
  return (host: string) => {
    const registry = byHost.get(host);
    if (registry) return registry;
    throw new Error(`${host} was not to be asked`);
  };
}

const from = registries({
  "a.example": { "org/app": app },
  "b.example:5000": { "org/app": [anImage({ tag: "v1.1.0", seed: "another" }), anImage({ tag: "only-b" })] },
  "docker.io": { "library/alpine": [anImage({ tag: "latest", seed: "alpine" })] },
});

const serviceOf = (images: ImagesServiceOptions["images"], options: Partial<ImagesServiceOptions> = {}) =>
  new ImagesService({ images, from, ...options });

/** Archive, path and tags of a plan. */
function shape(list: DownloadList) {
  return list.archives.map(({ archive, sections }) => {
    const repositories = sections.flatMap((section) => section.repositories);
    const tags = repositories.flatMap(({ images }) => images.map(({ tag }) => tag));
    return [archive, [...new Set(repositories.map(({ path }) => path))].join(), ...tags];
  });
}

/** The code and message with which a plan fails. */
async function failure(planning: Promise<unknown>): Promise<string> {
  try {
    await planning;
  } catch (error) {
    if (isMirrorError(error)) return `${error.code} ${error.message}`;
    throw error;
  }
  return "no failure";
}

test("images of many registries are in one plan, an archive each, with what is attached to them", async () => {
  const hex = two.manifest.descriptor.digest.slice("sha256:".length);
  const service = serviceOf([
    "alpine",
    "a.example/org/app@^1",
    { repository: "a.example/org/app", tags: ["edge"] },
    `b.example:5000/org/app:only-b`,
    `a.example/org/app@${two.manifest.descriptor.digest}`,
  ]);
  expect(service.hosts).toEqual(["a.example", "b.example:5000", "docker.io"]);
  const list = await service.plan();
  expect(shape(list)).toEqual([
    ["image-a.example_-org_-app.tar", "a.example/org/app", "1.0.0", hex, "edge", "v1.0.0", "v1.1.0", `sha256-${hex}`],
    ["image-b.example_.5000_-org_-app.tar", "b.example_5000/org/app", "only-b"],
    ["image-docker.io_-library_-alpine.tar", "docker.io/library/alpine", "latest"],
  ]);
  expect(list.archives[0]?.sections[0]?.repositories[0]?.images.find(({ tag }) => tag === "edge")?.why).toEqual([
    "pin",
  ]);
  expect(service.stats()).toMatchObject({ attempted: true, totalImages: 8 });
  expect(service.stats().repositories[0]?.tags).toEqual(["1.0.0", hex, "edge", "v1.0.0", "v1.1.0"]);
  expect(listedHosts(list)).toEqual(service.hosts);
  expect(itemVersions(list).map(({ item, versions }) => [item, versions])).toEqual([
    ["a.example/org/app", ["v1.1.0", "v1.0.0", "1.0.0", "edge"]],
    ["b.example:5000/org/app", ["only-b"]],
    ["docker.io/library/alpine", ["latest"]],
  ]);
  expect(await plan([listPlanner(list, from)])).toEqual(list);
  expect(() => listPlanner(list, from("a.example"))).toThrow("b.example:5000/org/app is not below a.example");
});

test("tags are listed once, manifests asked for once, and nothing is listed for a tag when nothing may be attached", async () => {
  await using registry = await startTestRegistry();
  registry.seed("org/app", ...app);
  await using remote = createRegistry(registry.host);
  const name = `${registry.host}/org/app`;
  const images = [`${name}@^1`, `${name}@/^v2/`, `${name}@*`, `${name}:edge`];
  await new ImagesService({ images, from: () => remote }).plan();
  const paths = registry.requests().map(({ path }) => path.replace(/\?.*$/, ""));
  expect(paths.filter((path) => path.endsWith("/tags/list"))).toHaveLength(1);
  expect(new Set(paths).size).toBe(paths.length);
  registry.reset();
  await new ImagesService({ images: [`${name}:edge`], attached: "none", from: () => remote }).plan();
  expect(registry.requests().map(({ path }) => path)).toEqual(["/v2/org/app/manifests/edge"]);
});

describe("what cannot be had", () => {
  test.for([
    ["a.example/org/app:gone", "IMAGE_NOT_FOUND a.example/org/app:gone is not at the source"],
    ["a.example/org/none@^1", "IMAGE_NOT_FOUND a.example/org/none is not at the source"],
    ["a.example/org/app@^9", "of 6 tags, 4 outside the range, 2 no versions"],
    [`a.example/org/app@sha256:${"0".repeat(64)}`, "IMAGE_NOT_FOUND"],
    [`a.example/org/app:edge@${two.manifest.descriptor.digest}`, "TAG_MOVED a.example/org/app:edge is sha256:"],
  ] as const)("%s: %s", async ([image, said]) => {
    expect(await failure(serviceOf([image], { exclude: [] }).plan())).toContain(said);
    const list = await serviceOf([image, "alpine"]).plan({ keepGoing: true });
    expect(list.failed?.map(({ component }) => component)).toEqual(["images"]);
    expect(list.archives.map(({ archive }) => archive)).toEqual(["image-docker.io_-library_-alpine.tar"]);
  });

  test("a tag with its digest is brought under the tag, whole where platforms are asked for", async () => {
    const image = `a.example/org/app:v2.0.0@${index.manifest.descriptor.digest}`;
    const list = await serviceOf([image], { platforms: ["linux/arm64"] }).plan();
    const [planned] = list.archives[0]?.sections[0]?.repositories[0]?.images ?? [];
    expect(planned).toMatchObject({ tag: "v2.0.0", digest: index.manifest.descriptor.digest });
    const narrowed = await serviceOf(["a.example/org/app:v2.0.0"], { platforms: ["linux/arm64"] }).plan();
    expect(narrowed.archives[0]?.sections[0]?.repositories[0]?.made).toHaveLength(1);
  });

  test("an exclusion that takes everything is no silence, and one of nothing that is asked for is told", async () => {
    expect(await failure(serviceOf(["alpine"], { exclude: ["*@l*"] }).plan())).toContain("of 1 tags, 1 excluded");
    const service = serviceOf(["alpine"], { exclude: ["a.example/org/app@*-rc*"] });
    const warnings: MirrorEvent[] = [];
    service.on("warning.raised", (event) => warnings.push(event));
    await service.plan();
    expect(warnings).toMatchObject([{ code: "EXCLUSION_ABSENT", reference: "a.example/org/app" }]);
  });

  test("a proxy is not asked which tags there are", async () => {
    expect(() => serviceOf(["alpine@^1"], { proxy: true })).toThrow("a proxy lists no tags");
    expect(shape(await serviceOf(["alpine"], { proxy: true }).plan())).toHaveLength(1);
    expect(() => serviceOf([])).toThrow("no image is asked for");
  });
});

test("a host that refuses everything does not end what others still give", async () => {
  await using closed = await startTestRegistry({ credentials: { username: "robot", password: "right" } });
  await using slow = await startTestRegistry();
  slow.seed("app", anImage({ tag: "latest" }));
  slow.failOnce(faults.slow({ delayMs: 100 }));
  await using one = createRegistry(closed.host);
  await using other = createRegistry(slow.host);
  const images = [...["a", "b", "c", "d"].map((name) => `${closed.host}/${name}`), `${slow.host}/app`];
  const list = await new ImagesService({ images, from: (host) => (host === closed.host ? one : other) }).plan({
    keepGoing: true,
  });
  expect([list.failed?.length, list.archives.length]).toEqual([4, 1]);
});

describe("a path that packages have too", () => {
  const source = new MemoryRegistry({ name: "source" });
  const files = { "version.json": '{"version":"v1.1.0"}' };
  seedMemory(source, "packages", [anImage({ tag: "app" })]);
  seedMemory(source, "packages/app", [two]);
  seedMemory(source, "packages/app/version", [anImage({ tags: ["v1.1.0", "stable"], files })]);
  const both = (image: string, options?: PlanOptions) => {
    const paths = { rewrites: [{ from: image.replace(/:[^:]*$/, ""), to: "packages/app" }] };
    return plan([new PackagesService({ source, include: ["app"] }), serviceOf([image], { paths })], options);
  };

  test("takes the same image, and another one under another tag", async () => {
    for (const image of ["a.example/org/app:v1.1.0", "b.example:5000/org/app:only-b"])
      expect((await both(image)).archives.map(({ component }) => component)).toContain("images");
  });

  test("takes no other image under a tag of theirs", async () => {
    expect(await failure(both("b.example:5000/org/app:v1.1.0"))).toMatch(
      /^PATH_CONFLICT packages\/app:v1\.1\.0 would be two images: b\.example:5000\/.*, source\/packages\/app:v1\.1\.0 is /,
    );
    const { failed } = await both("b.example:5000/org/app:v1.1.0", { keepGoing: true });
    expect(failed?.map(({ code }) => code)).toEqual(["PATH_CONFLICT"]);
  });
});

describe("one tag of one repository for two images", () => {
  const { digest } = index.manifest.descriptor;

  test.for([
    ["a.example/org/app:v2.0.0", `a.example/org/app:v2.0.0@${digest}`],
    [`a.example/org/app:v2.0.0@${digest}`, "a.example/org/app@^2"],
  ])("%s and %s, only one of which is narrowed, are told", async (images) => {
    const said = failure(serviceOf(images, { platforms: ["linux/arm64"] }).plan());
    expect(await said).toMatch(/^PATH_CONFLICT a\.example\/org\/app:v2\.0\.0 would be two images: /);
    expect(shape(await serviceOf(images).plan())).toHaveLength(1);
  });

  test("a tag that is spelled like the digest of another image is told", async () => {
    const hex = digest.slice("sha256:".length);
    const source = registries({ "a.example": { app: [index, anImage({ tag: hex })] } });
    const service = serviceOf([`a.example/app@${digest}`, `a.example/app:${hex}`], { from: source });
    expect(await failure(service.plan())).toContain("PATH_CONFLICT a.example/app:");
  });
});

describe("two sources at one path", () => {
  const strip = { paths: { host: "strip" } } as const;

  test("are told when a tag would be two images, whichever comes first", async () => {
    const images = ["a.example/org/app:v1.1.0", "b.example:5000/org/app:v1.1.0"];
    const said = await failure(serviceOf(images, strip).plan());
    expect(said).toMatch(/^PATH_CONFLICT org\/app:v1\.1\.0 would be two images: a\.example\/.*, b\.example:5000\//);
    expect(await failure(serviceOf(images.toReversed(), strip).plan())).toBe(said);
  });

  test("are brought when their tags differ", async () => {
    const list = await serviceOf(["a.example/org/app:v1.1.0", "b.example:5000/org/app:only-b"], strip).plan();
    expect(shape(list).map(([, path, tag]) => [path, tag])).toEqual([
      ["org/app", "v1.1.0"],
      ["org/app", "only-b"],
    ]);
  });

  test("are brought as far as they can be read", async () => {
    const images = ["a.example/org/app:v1.1.0", "b.example:5000/org/app:absent"];
    const list = await serviceOf(images, strip).plan({ keepGoing: true });
    expect(shape(list).map(([, path, tag]) => [path, tag])).toEqual([["org/app", "v1.1.0"]]);
    expect(list.failed?.map(({ item, code }) => [item, code])).toEqual([["b.example:5000/org/app", "IMAGE_NOT_FOUND"]]);
  });

  test("are told when different things are attached to the same image there", async () => {
    const other = anArtifact({ subject: two, artifactType: "application/vnd.example.other" });
    const both = registries({ "a.example": { app: [two, signature] }, "b.example": { app: [two, other] } });
    const images = ["a.example/app:v1.1.0", "b.example/app:v1.1.0"];
    expect(await failure(serviceOf(images, { ...strip, from: both }).plan())).toContain("PATH_CONFLICT app:sha256-");
    expect(shape(await serviceOf(images, { ...strip, from: both, attached: "none" }).plan())).toHaveLength(2);
  });
});

test.for([
  "/tmp/layouts/app",
  "a.example",
  "user:secret@a.example/app",
  "a.example/../app",
  "a.example/app:v1",
  "a.example//app",
])("a list from %s is on no host, and nothing is asked for it", async (source) => {
  const list = await serviceOf(["a.example/org/app:edge"]).plan();
  const moved = JSON.parse(
    JSON.stringify(list).replaceAll('"source":"a.example/org/app"', JSON.stringify({ source }).slice(1, -1)),
  );
  expect(() => listedHosts(moved)).toThrow("is on no registry's host");
  const asked: string[] = [];
  const spy = (host: string) => {
    asked.push(host);
    return from("a.example");
  };
  expect(() => listPlanner(moved, spy)).toThrow(expect.objectContaining({ code: "PLAN_INVALID" }));
  expect(asked).toEqual([]);
});

test("explains every tag by expression", async () => {
  const explained = [];
  for await (const one of serviceOf(["a.example/org/app@~1.1", "alpine"]).explain()) explained.push(one);
  expect(explained.map(({ repository, asked, verdicts }) => [repository, asked, verdicts.length])).toEqual([
    ["a.example/org/app", "~1.1", 6],
    ["docker.io/library/alpine", ":latest", 1],
  ]);
});
