import { createRegistry, digestOf, MemoryRegistry } from "@tranship/registry";
import { anArtifact, anImage, anIndex, type Seedable, seedMemory, startTestRegistry } from "@tranship/registry/testing";
import { describe, expect, test } from "vitest";
import { type DownloadList, downloadTotals } from "../plan/download-list.ts";
import type { PlannedRepository } from "../plan/section.ts";
import { PackagesService } from "./catalog/packages-service.ts";
import { ImagesService } from "./images/images-service.ts";
import { ItemFailures } from "./item-failures.ts";
import { listPlanner } from "./list-planner.ts";
import { plan, planRun } from "./plan.ts";
import { startRun } from "./run-context.ts";

const child = anImage({ seed: "child" });
const main = anIndex({ tag: "v1.0.0", images: [child], platforms: [{ os: "linux", architecture: "amd64" }] });
const signature = anArtifact({ subject: main, artifactType: "application/vnd.example.signature" });

/** Fills a registry with one package whose only version is an index with something attached to it. */
function seed(put: (path: string, things: readonly Seedable[]) => void): void {
  put("packages", [anImage({ tag: "app" })]);
  put("packages/app", [main, signature]);
  const files = { "version.json": '{"version":"v1.0.0"}' };
  put("packages/app/version", [anImage({ tags: ["v1.0.0", "stable"], files })]);
}

function aSource(): MemoryRegistry {
  const source = new MemoryRegistry({ name: "source" });
  seed((path, things) => seedMemory(source, path, things));
  return source;
}

const planOf = (source: MemoryRegistry) => plan([new PackagesService({ source, include: ["app"] })]);

/** The list with other repositories in it. */
function changed(list: DownloadList, change: (repository: PlannedRepository) => PlannedRepository): DownloadList {
  const archives = list.archives.map((archive) => ({
    ...archive,
    sections: archive.sections.map(({ repositories }) => ({ repositories: repositories.map(change) })),
  }));
  return { ...list, archives };
}

describe("a list", () => {
  test("comes out of its own planner as it went in", async () => {
    const source = aSource();
    const list = await planOf(source);
    expect(list.archives[0]?.sections.length).toBeGreaterThan(2);
    expect(await plan([listPlanner(list, source)])).toEqual(list);
  });

  test("is followed where images give one blob two types", async () => {
    const source = new MemoryRegistry({ name: "a.example" });
    const [older, newer] = [anImage({ tag: "v1", seed: "app", docker: true }), anImage({ tag: "v2", seed: "app" })];
    expect(newer.config).toMatchObject({ digest: older.config.digest });
    seedMemory(source, "app", [older, newer]);
    const images = (...tags: readonly string[]) => tags.map((tag) => `a.example/app:${tag}`);
    const list = await plan([new ImagesService({ images: images("v1", "v2"), from: () => source })]);
    expect(await plan([new ImagesService({ images: images("v2", "v1"), from: () => source })])).toEqual(list);
    expect(await plan([listPlanner(list, () => source)])).toEqual(list);
  });

  test("is followed without a request for a tag, a list of tags or of referrers, and by digests that tags have left", async () => {
    await using registry = await startTestRegistry();
    seed((path, things) => registry.seed(path, ...things));
    await using source = createRegistry(registry.host);
    const list = await plan([new PackagesService({ source, include: ["app"] })]);
    registry.seed("packages/app/version", anImage({ tag: "stable", seed: "moved" }));
    registry.reset();
    expect(await plan([listPlanner(list, source)])).toEqual(list);
    const paths = registry.requests().map(({ path }) => path);
    expect(paths.length).toBeGreaterThan(3);
    expect(paths.filter((path) => !/\/manifests\/sha256:/.test(path))).toEqual([]);
    expect(new Set(paths).size).toBe(paths.length);
  });

  test("is followed with one request for each manifest, also where a run can hold none of them", async () => {
    await using registry = await startTestRegistry();
    const tags = Array.from({ length: 40 }, (_, at) => `v1.${at}.0`);
    registry.seed("app", ...tags.map((tag) => anImage({ tag, seed: tag })));
    await using source = createRegistry(registry.host);
    const list = await plan([new ImagesService({ images: [`${registry.host}/app@*`], from: () => source })]);
    registry.reset();
    const planners = [listPlanner(list, source)];
    using run = startRun(planners, { heldBytes: 1 });
    expect((await planRun(planners, run, new ItemFailures(run))).list).toEqual(list);
    expect(registry.requests().map(({ path }) => path)).toHaveLength(tags.length);
  });

  test("keeps what is missing, also where nothing else of its component is there", async () => {
    const source = aSource();
    const list = await planOf(source);
    const missing = [
      { reference: "source/modules/net:v1.0.0", why: "version", component: "modules" },
      { reference: "source/packages/app:v0.9.0", why: "constraint, version", component: "packages" },
    ];
    expect(await plan([listPlanner({ ...list, missing }, source)])).toEqual({ ...list, missing });
    const alone = { ...list, archives: [], missing };
    expect(await plan([listPlanner(alone, source)])).toEqual(alone);
  });
});

describe("a list that the source has left behind", () => {
  test.for([
    { what: "an image", gone: main.manifest.descriptor.digest, why: /v1\.0\.0 was planned as .*, which is no longer/ },
    { what: "a part of one", gone: child.manifest.descriptor.digest, why: /, a part of which is no longer/ },
    { what: "an attachment", gone: signature.manifest.descriptor.digest, why: /, a part of which is no longer/ },
  ])("without $what is outdated, and the error names the reference", async ({ gone, why }) => {
    const source = aSource();
    const list = await planOf(source);
    await source.repository("packages/app").deleteManifest(gone);
    await expect(plan([listPlanner(list, source)])).rejects.toMatchObject({
      code: "PLAN_OUTDATED",
      message: expect.stringMatching(why),
      details: { reference: expect.stringMatching(/^source\/packages\/app:(v1\.0\.0|sha256-[0-9a-f]{64})$/) },
    });
  });
});

describe("a list that lies", () => {
  const other = digestOf(new Uint8Array([1]));
  const lies: readonly { readonly about: string; readonly change: (one: PlannedRepository) => PlannedRepository }[] = [
    {
      about: "a blob's size",
      change: (one) => ({ ...one, blobs: one.blobs.map((b) => ({ ...b, size: b.size + 1 })) }),
    },
    { about: "the blobs, of which one is left out", change: (one) => ({ ...one, blobs: one.blobs.slice(1) }) },
    {
      about: "the blobs, of which one is too many",
      change: (one) => ({ ...one, blobs: [...one.blobs, { digest: other, size: 1, mediaType: "text/plain" }] }),
    },
    {
      about: "what references name",
      change: (one) => ({ ...one, images: one.images.map((image) => ({ ...image, reference: "source/other:v1" })) }),
    },
    {
      about: "an image's size",
      change: (one) => ({ ...one, images: one.images.map((image) => ({ ...image, size: image.size + 1 })) }),
    },
    {
      about: "the text of what was made",
      change: (one) =>
        one.made ? { ...one, made: one.made.map((made) => ({ ...made, text: `${made.text} ` })) } : one,
    },
    {
      about: "what had to be made",
      change: (one) => ({ ...one, made: [{ digest: other, mediaType: "text/plain", text: "\u0001" }] }),
    },
    { about: "the source", change: (one) => ({ ...one, source: `elsewhere/${one.path}` }) },
  ];
  test.for(lies)("about $about is refused", async ({ change }) => {
    const source = aSource();
    const lie = changed(await planOf(source), change);
    const follow = async () => plan([listPlanner(lie, source)]);
    await expect(follow()).rejects.toMatchObject({ code: "PLAN_INVALID" });
  });
});

test("a list over a base is followed as it is, and leaves out what it says", async () => {
  const source = aSource();
  const service = new PackagesService({ source, include: ["app"] });
  const whole = await plan([service]);
  const blobs = child.blobs.map(({ digest, size }) => ({ digest, size }));
  const base = {
    version: 1,
    kind: "inventory",
    place: "there",
    repositories: [{ path: "packages/app", blobs }],
  } as const;
  const list = await plan([service], { base });
  expect(downloadTotals(list).assumed.blobs).toBe(child.blobs.length);
  expect(downloadTotals(list).fetchBytes).toBeLessThan(downloadTotals(whole).fetchBytes);
  expect(await plan([listPlanner(list, source)])).toEqual(list);
});
