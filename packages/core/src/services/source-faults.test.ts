import { createRegistry, type Digest, digestHex, type RegistryReader } from "@tranship/registry";
import { aLayer, anArtifact, anImage, faults, startTestRegistry, type TestRegistry } from "@tranship/registry/testing";
import { describe, expect, test } from "vitest";
import { tempFolder } from "../../../../tests/support/temp-folder.ts";
import { BundleDirectory } from "../bundle/bundle-directory.ts";
import { isMirrorError, MirrorError } from "../errors.ts";
import type { DownloadList } from "../plan/download-list.ts";
import { PackagesService } from "./catalog/packages-service.ts";
import { plan } from "./plan.ts";
import { pull } from "./pull.ts";

const component = anImage({ seed: "component" });
const files = {
  "images_digests.json": JSON.stringify({ component: component.manifest.descriptor.digest }),
  "extra_images.json": JSON.stringify({ scanner: "v7" }),
};
const lower = aLayer({ files, size: 30_000, seed: "lower" });
/** It has none of the files: only read to its end it proves that. */
const upper = aLayer({ size: 30_000, seed: "upper" });
const app = anImage({ tag: "v1.0.0", layers: [lower, upper] });
const versionFiles = { "version.json": JSON.stringify({ version: "v1.0.0" }) };
const release = anImage({ tags: ["stable", "v1.0.0"], files: versionFiles });

/** One package with everything a package can have. */
async function aSource(): Promise<TestRegistry> {
  const registry = await startTestRegistry();
  registry.seed("packages", anImage({ tag: "app" }));
  const attestation = anImage({ tag: `sha256-${digestHex(app.manifest.descriptor.digest)}.att` });
  registry.seed("packages/app", app, component, attestation, anArtifact({ artifactType: "text/plain", subject: app }));
  registry.seed("packages/app/version", release);
  registry.seed("packages/app/extra/scanner", anImage({ tag: "v7" }));
  registry.reset();
  return registry;
}

async function planOf(registry: TestRegistry): Promise<DownloadList> {
  await using source = createRegistry(registry.host, { retryDelayMs: 1 });
  return await plan([new PackagesService({ source })], { retryDelayMs: 1 });
}

async function pulled(registry: TestRegistry): Promise<DownloadList | undefined> {
  await using source = createRegistry(registry.host, { retryDelayMs: 1 });
  await using bundle = await BundleDirectory.open(tempFolder());
  await pull([new PackagesService({ source })], { to: bundle, retryDelayMs: 1 });
  return bundle.lockFile;
}

const places = [
  { place: "a channel", path: "/packages/app/version/manifests/stable" },
  { place: "a channel that is not there", path: "/packages/app/version/manifests/lts" },
  { place: "a version", path: "/packages/app/manifests/v1.0.0" },
  { place: "release metadata", path: "/packages/app/version/manifests/v1.0.0" },
  { place: "the tags of release metadata", path: "/packages/app/version/tags/list" },
  { place: "an internal image", path: `/packages/app/manifests/${component.manifest.descriptor.digest}` },
  { place: "an extra image", path: "/packages/app/extra/scanner/manifests/v7" },
  { place: "the tags of attestations", path: "/packages/app/tags/list" },
  { place: "an attestation", path: ".att" },
  { place: "referrers", path: `/packages/app/referrers/${app.manifest.descriptor.digest}` },
];

const statuses = [
  { status: 401, code: "UNAUTHORIZED" },
  { status: 403, code: "FORBIDDEN" },
  { status: 418, code: "UNEXPECTED_STATUS" },
  { status: 429, code: "RATE_LIMITED" },
  { status: 503, code: "SERVER_ERROR" },
];

describe.for(places)("$place", ({ path }) => {
  test.for(statuses)("is not missing because the source answers $status", async ({ status, code }) => {
    await using registry = await aSource();
    registry.fail(faults.status(status), { match: (request) => request.path.endsWith(path) });
    const error: unknown = await planOf(registry).catch((thrown: unknown) => thrown);
    if (!isMirrorError(error, "TRANSFER_FAILED")) throw new Error("nothing was said of it", { cause: error });
    expect(error.details).toMatchObject({ side: "source", code });
  });
});

test("nothing of a whole source is missing", async () => {
  await using registry = await aSource();
  const list = await planOf(registry);
  expect(list.missing).toEqual([]);
  const tags = list.archives.flatMap(({ sections }) =>
    sections.flatMap(({ repositories }) => repositories.flatMap(({ images }) => images.map(({ tag }) => tag))),
  );
  expect(tags).toEqual(expect.arrayContaining(["stable", "v1.0.0", "v7"]));
  expect(tags.filter((tag) => tag.startsWith("sha256-"))).toHaveLength(2);
});

describe.for([
  { name: "a plan", run: planOf },
  { name: "a pull", run: pulled },
])("files that $name reads inside images", ({ run }) => {
  const read = (layer: { readonly digest: Digest }) => ({
    match: ({ path }: { readonly path: string }) => path.endsWith(`/packages/app/blobs/${layer.digest}`),
  });

  test.for([
    { name: "answers 503", fault: faults.status(503) },
    { name: "answers 429", fault: faults.status(429) },
    { name: "breaks off before an answer", fault: faults.reset() },
    { name: "breaks off in the middle", fault: faults.cutAfter(10_000) },
    { name: "ends too early", fault: faults.truncate(10_000) },
  ])("are found when the source $name twice", async ({ fault }) => {
    await using registry = await aSource();
    const whole = await run(registry);
    registry.reset();
    registry.fail(fault, { ...read(upper), times: 2 });
    expect(await run(registry)).toEqual(whole);
    expect(registry.requests().filter(read(upper).match)).toHaveLength(3);
  });

  test.for([
    { name: "answers 503", fault: faults.status(503), code: "SERVER_ERROR" },
    { name: "breaks off before an answer", fault: faults.reset(), code: "NETWORK" },
    { name: "ends too early", fault: faults.truncate(10_000), code: "SIZE_MISMATCH" },
  ])("are asked for five times when the source $name, and then the item fails", async ({ fault, code }) => {
    await using registry = await aSource();
    registry.fail(fault, read(upper));
    const error: unknown = await run(registry).catch((thrown: unknown) => thrown);
    if (!isMirrorError(error, "TRANSFER_FAILED")) throw error;
    expect(error.details).toMatchObject({ side: "source", code });
    expect(registry.requests().filter(read(upper).match)).toHaveLength(5);
  });

  test.for([upper, lower])("are never absent because a layer is cut short every time", async (layer) => {
    await using registry = await aSource();
    registry.fail(faults.truncate(10_000), read(layer));
    await expect(run(registry)).rejects.toBeInstanceOf(MirrorError);
  });
});

test("a file that a plan cannot read is named with its image", async () => {
  await using registry = await aSource();
  registry.fail(faults.status(503), { match: ({ path }) => path.includes("/packages/app/blobs/") });
  await expect(planOf(registry)).rejects.toThrow(
    `cannot read images_digests.json, extra_images.json of ${registry.host}/packages/app:v1.0.0: `,
  );
});

test.for([
  { blobs: 2, manifests: 2, passes: true },
  { blobs: Number.POSITIVE_INFINITY, manifests: 0, passes: false },
  { blobs: 0, manifests: Number.POSITIVE_INFINITY, passes: false },
])("a source's own timeouts are tried again, and then a failure, but no cancellation (%o)", async (times) => {
  await using registry = await aSource();
  const late = () => new DOMException("took too long", "TimeoutError");
  let { blobs, manifests } = times;
  const { registry: memory } = registry;
  const source: RegistryReader = {
    name: memory.name,
    repositories: () => memory.repositories(),
    repository(path) {
      const inner = memory.repository(path);
      return {
        name: inner.name,
        resolve: (...args) => inner.resolve(...args),
        statBlob: (...args) => inner.statBlob(...args),
        tags: (...args) => inner.tags(...args),
        referrers: (...args) => inner.referrers(...args),
        manifest(...args) {
          if (path !== "packages/app/extra/scanner" || manifests === 0) return inner.manifest(...args);
          manifests -= 1;
          return Promise.reject(late());
        },
        fetchBlob(blob, options) {
          if (blob.digest !== upper.digest || blobs === 0) return inner.fetchBlob(blob, options);
          blobs -= 1;
          throw late();
        },
      };
    },
  };
  await using bundle = await BundleDirectory.open(tempFolder());
  const pulling = pull([new PackagesService({ source })], { to: bundle, retryDelayMs: 1 });
  if (times.passes) expect((await pulling).archives).toHaveLength(2);
  else {
    await expect(pulling).rejects.toSatisfy(
      (error) => isMirrorError(error, "TRANSFER_FAILED") && error.details.failure === "transient",
    );
  }
});
