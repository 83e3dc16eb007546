import { describe, expect, test } from "vitest";
import { digestOf } from "../oci/digest.ts";
import { type Manifest, manifestOf } from "../oci/manifest.ts";
import { MediaType } from "../oci/media-type.ts";
import { referrersTag } from "../oci/reference.ts";
import { expectCode, listOf } from "../testing/contract-support.ts";
import { faultOf } from "../testing/fault.ts";
import { anArtifact, anImage, anIndex, faults, startTestRegistry, type TestRegistryOptions } from "../testing/index.ts";
import { createRegistry } from "./create-registry.ts";

const image = anImage({ tag: "v1" });
const subject = image.manifest.descriptor;
const tag = referrersTag(subject.digest);
const artifacts = ["a", "b", "c", "d", "e"].map((name) =>
  anArtifact({ subject: image, artifactType: `application/x.${name}` }),
);
const [one, two] = artifacts as [(typeof artifacts)[0], (typeof artifacts)[0]];

async function aHome(options: TestRegistryOptions = {}) {
  const server = await startTestRegistry(options);
  server.seed("app", image);
  const registry = createRegistry(server.host, { retryDelayMs: 1 });
  const repository = registry.repository("app");
  return {
    server,
    repository,
    listed: async (artifactType?: string) =>
      (await listOf(repository.referrers(subject.digest, { artifactType }))).map(({ digest }) => digest),
    asked: (pattern: RegExp) => server.requests().filter(({ method, path }) => pattern.test(`${method} ${path}`)),
    async [Symbol.asyncDispose]() {
      await registry.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

const digestsOf = (...built: readonly { readonly manifest: Manifest }[]) =>
  built.map(({ manifest }) => manifest.descriptor.digest);

function aReferrer(body: object): Manifest {
  const mediaType = "config" in body ? MediaType.ociManifest : MediaType.ociIndex;
  const text = JSON.stringify({ schemaVersion: 2, mediaType, subject, ...body });
  return manifestOf(new TextEncoder().encode(text), mediaType);
}

describe("a list of tags", () => {
  test("is read to its end where the registry gives fewer at once than it was asked for", async () => {
    await using home = await aHome({ maxPageSize: 2 });
    home.server.seed("app", anImage({ tags: ["v2", "v3", "v4", "v5"] }));
    expect(await listOf(home.repository.tags())).toEqual(["v1", "v2", "v3", "v4", "v5"]);
    const pages = home.server.requests();
    expect(pages.map(({ queryNames }) => queryNames)).toEqual([["n"], ["n", "last"], ["n", "last"]]);
  });

  test("may be empty", async () => {
    await using home = await aHome();
    home.server.fail(faults.status(200, { body: '{"name":"app","tags":[]}' }), { match: /tags\/list/ });
    expect(await listOf(home.repository.tags())).toEqual([]);
  });
});

describe("a list of referrers", () => {
  test("is read page by page", async () => {
    await using home = await aHome({ maxPageSize: 2 });
    home.server.seed("app", ...artifacts);
    expect((await home.listed()).sort()).toEqual(digestsOf(...artifacts).sort());
    expect(home.asked(/\/referrers\//)).toHaveLength(3);
  });

  test("of one type is asked for as such", async () => {
    await using home = await aHome();
    home.server.seed("app", ...artifacts);
    expect(await home.listed("application/x.b")).toEqual(digestsOf(two));
    expect(home.server.requests()).toMatchObject([{ queryNames: ["artifactType"] }]);
  });

  test("is looked through for the type even where the registry says that it has done so", async () => {
    await using home = await aHome();
    const manifests = [one, two].map(({ manifest }, n) => ({
      ...manifest.descriptor,
      artifactType: `application/x.${n === 0 ? "a" : "b"}`,
    }));
    const body = JSON.stringify({ schemaVersion: 2, mediaType: MediaType.ociIndex, manifests });
    const headers = { "content-type": MediaType.ociIndex, "oci-filters-applied": "artifactType" };
    home.server.fail(faults.status(200, { body, headers }), { match: /\/referrers\// });
    expect(await home.listed("application/x.b")).toEqual(digestsOf(two));
  });
});

describe("the fallback tag", () => {
  test("is the digest with a dash, cut to 64 characters of it", () => {
    const strong = digestOf(new Uint8Array(), "sha512");
    expect(referrersTag(subject.digest)).toBe(subject.digest.replace(":", "-"));
    expect(referrersTag(strong)).toBe(strong.replace(":", "-").slice(0, "sha512-".length + 64));
  });

  test("means no referrers when it names something that is no list", async () => {
    await using home = await aHome({ referrersApi: false });
    home.server.seed("app", anImage({ tag, seed: "mine" }));
    expect(await home.listed()).toEqual([]);
  });

  test("is an error when it names a list that is damaged: there may be referrers", async () => {
    await using home = await aHome({ referrersApi: false });
    const body = JSON.stringify({ schemaVersion: 2, manifests: [{ digest: "sha256:x" }] });
    const fault = faults.status(200, { body, headers: { "content-type": MediaType.ociIndex } });
    home.server.fail(fault, { match: new RegExp(`/manifests/${tag}$`) });
    await expectCode(home.listed(), "INVALID_MANIFEST");
  });

  test.for([
    { name: "a list there was", before: [one] },
    { name: "no list before", before: [] },
  ])("is written on condition: another client's entry survives, with $name", async ({ before }) => {
    await using home = await aHome({ referrersApi: false });
    if (before.length > 0) home.server.seed("app", anIndex({ tag, images: before }));
    const others = [...before, two];
    // between our read and our write, the other one is through
    const cutIn = faultOf(() => ({ before: async () => home.server.seed("app", anIndex({ tag, images: others })) }));
    const writes = new RegExp(`^PUT .*/manifests/${tag}$`);
    home.server.failOnce(cutIn, writes);
    const ours = aReferrer({ config: image.config, artifactType: "application/x.ours", layers: [] });
    await home.repository.pushManifest(ours);
    expect(await home.listed()).toEqual([...digestsOf(...others), ours.descriptor.digest]);
    expect(home.asked(writes).map(({ status }) => status)).toEqual([412, 201]);
  });

  test("names an image by its config's type when its own is an empty word, and an index by none", async () => {
    await using home = await aHome({ referrersApi: false });
    home.server.fail(faults.status(201), { match: /^PUT .*\/manifests\/sha256:/ }); // what they hold is not the point
    const silent = aReferrer({ config: { ...subject, mediaType: "application/x.config" }, artifactType: "" });
    const index = aReferrer({ manifests: [], annotations: { by: "us" } });
    const typed = aReferrer({ manifests: [], artifactType: "application/x.index" });
    for (const manifest of [silent, index, typed]) await home.repository.pushManifest(manifest);
    expect(await listOf(home.repository.referrers(subject.digest))).toEqual([
      { ...silent.descriptor, artifactType: "application/x.config" },
      { ...index.descriptor, annotations: { by: "us" } },
      { ...typed.descriptor, artifactType: "application/x.index" },
    ]);
  });

  test("stays when the image it is about goes", async () => {
    await using home = await aHome({ referrersApi: false });
    home.server.seed("app", one, anIndex({ tag, images: [one] }));
    expect(await home.repository.deleteManifest(subject.digest)).toBe(true);
    expect(await home.listed()).toEqual(digestsOf(one));
  });
});
