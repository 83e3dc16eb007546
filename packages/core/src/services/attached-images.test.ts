import {
  createRegistry,
  type Digest,
  digestHex,
  MediaType,
  manifestOf,
  type RegistryReader,
  referrersTag,
} from "@tranship/registry";
import {
  anArtifact,
  anImage,
  anIndex,
  faults,
  type Seedable,
  startTestRegistry,
  type TestRegistry,
} from "@tranship/registry/testing";
import { describe, expect, test } from "vitest";
import type { MirrorEvent } from "../events.ts";
import type { PlannedRepository } from "../plan/section.ts";
import type { CatalogServiceOptions } from "./catalog/catalog-service.ts";
import { PackagesService } from "./catalog/packages-service.ts";
import { plan } from "./plan.ts";

const image = anImage({ tag: "v1", seed: "image" });
const subject = image.manifest.descriptor.digest;

/** An artifact of a type that refers to something. */
function referring(to: { readonly manifest: typeof image.manifest }, type: string, annotations = {}) {
  return anArtifact({ subject: to, artifactType: type, annotations });
}

/** The tag that something hangs on by its suffix. */
function hanging({ manifest }: { readonly manifest: typeof image.manifest }, suffix: string) {
  return `sha256-${digestHex(manifest.descriptor.digest)}.${suffix}`;
}

const digestsOf = (...things: readonly { readonly manifest: typeof image.manifest }[]) =>
  things.map(({ manifest }) => manifest.descriptor.digest).sort();

/** A source whose package `app` has `v1` and what is given. */
async function aSource(things: readonly Seedable[], options: { readonly referrersApi?: boolean } = {}) {
  const server = await startTestRegistry(options);
  server.seed("packages", anImage({ tag: "app" }));
  server.seed("packages/app/version", anImage({ tag: "v1" }));
  server.seed("packages/app", image, ...things);
  return server;
}

/** What a plan of `app@=v1` has of the package's own repository. */
async function planned(server: TestRegistry, options: Partial<CatalogServiceOptions> = {}) {
  await using source = createRegistry(server.host, { retryDelayMs: 1, attempts: 2 });
  return await plannedFrom(source, options);
}

async function plannedFrom(source: RegistryReader, options: Partial<CatalogServiceOptions>) {
  const events: MirrorEvent[] = [];
  const include = ["app@=v1"];
  const service = new PackagesService({ source, include, proxy: false, ...options });
  const list = await plan([service], { onEvent: (event) => events.push(event) });
  const repositories = list.archives
    .flatMap(({ sections }) => sections.flatMap((section) => section.repositories))
    .filter(({ path }) => path === "packages/app");
  const warnings = events.flatMap((event) => (event.type === "warning.raised" ? event.code : []));
  return { list, warnings, ...contentOf(repositories) };
}

function contentOf(repositories: readonly PlannedRepository[]) {
  const images = repositories.flatMap((one) => one.images.filter(({ why }) => why.includes("attestation")));
  const made = repositories.flatMap((one) => one.made ?? []);
  return {
    tags: images.map(({ tag }) => tag).sort(),
    digests: new Map(images.map(({ tag, digest }) => [tag, digest])),
    made,
    /** What the made lists name, by their subjects' tags. */
    listed: (tag: string): readonly Digest[] => {
      const list = made.find(({ digest }) => images.some((one) => one.tag === tag && one.digest === digest));
      const manifests: readonly { readonly digest: Digest }[] = list ? JSON.parse(list.text).manifests : [];
      return manifests.map(({ digest }) => digest).sort();
    },
  };
}

const vex = referring(image, "application/vnd.openvex+json");
const signature = referring(image, "application/vnd.example.signature");

describe("what refers to an image", () => {
  const provenance = referring(image, "application/vnd.in-toto+json", {
    "in-toto.io/predicate-type": "https://slsa.dev/provenance/v1",
  });
  const openVex = referring(image, "application/vnd.dev.sigstore.bundle.v0.3+json", {
    "dev.sigstore.bundle.predicateType": "https://openvex.dev/ns/v0.2.0",
  });
  const bundleSignature = referring(image, "application/vnd.dev.sigstore.bundle.v0.3+json", {
    "dev.sigstore.bundle.content": "message-signature",
  });
  const unsaid = referring(image, "application/vnd.dsse.envelope.v1+json");
  const stated = [vex, openVex, unsaid];
  const others = [signature, provenance, bundleSignature];
  const tags = ["att", "sig", "sbom", "custom"];

  test.for([
    { attached: "all", referrers: [...stated, ...others], suffixes: tags },
    { attached: "vex", referrers: stated, suffixes: ["att"] },
    { attached: "all-but-vex", referrers: others, suffixes: ["custom", "sbom", "sig"] },
    { attached: "none", referrers: [], suffixes: [] },
  ] as const)("comes along by its kind: $attached", async ({ attached, referrers, suffixes }) => {
    const hung = tags.map((suffix) => anImage({ tag: hanging(image, suffix) }));
    await using server = await aSource([
      ...stated,
      ...others,
      ...hung,
      anImage({ tag: `${hanging(image, "x")}`.slice(1) }),
    ]);
    const found = await planned(server, { attached });
    expect(found.listed(referrersTag(subject))).toEqual(digestsOf(...referrers));
    const expected = [
      ...(referrers.length > 0 ? [referrersTag(subject)] : []),
      ...suffixes.map((suffix) => hanging(image, suffix)),
    ];
    expect(found.tags).toEqual(expected.sort());
  });

  test("comes along with what refers to it, and so on; what refers to itself in a ring is no trap", async () => {
    const attestation = anImage({ tag: hanging(image, "att") });
    const onAttestation = anImage({ tag: hanging(attestation, "sig"), seed: "on attestation" });
    const onVex = referring(vex, "application/vnd.example.signature", { about: "vex" });
    const ring = anImage({ tags: [hanging(onAttestation, "sig"), hanging(image, "ring")], seed: "ring" });
    const closing = anImage({ tag: hanging(ring, "sig"), seed: "image" }); // the image itself
    await using server = await aSource([vex, onVex, attestation, onAttestation, ring, closing]);
    const { tags: found, listed } = await planned(server);
    const lists = [image, vex].map(({ manifest }) => referrersTag(manifest.descriptor.digest));
    const hung = [attestation, onAttestation, ring, closing].flatMap((one) => one.tags);
    expect(found).toEqual([...lists, ...hung].sort());
    expect(listed(referrersTag(vex.manifest.descriptor.digest))).toEqual(digestsOf(onVex));
  });

  test("is followed eight deep, and what lies deeper is told", async () => {
    const chain = [signature];
    for (let depth = 2; depth <= 10; depth += 1)
      chain.push(referring(chain.at(-1) ?? signature, "application/x", { depth: String(depth) }));
    await using server = await aSource(chain);
    const { made, warnings } = await planned(server);
    expect(made).toHaveLength(8);
    expect(warnings).toEqual(["IMAGE_UNUSABLE"]);
  });

  test("is found for images by digest, for extra ones, and for every child of nested indexes", async () => {
    const child = anImage({ seed: "child" });
    const index = anIndex({ tag: "v1", images: [anIndex({ images: [child] })] });
    const internal = anImage({ seed: "internal" });
    const main = anImage({
      tag: "v2",
      files: {
        "images_digests.json": JSON.stringify({ one: internal.manifest.descriptor.digest }),
        "extra_images.json": JSON.stringify({ scanner: "v9" }),
      },
    });
    const extra = anImage({ tag: "v9" });
    const server = await aSource([
      index,
      main,
      internal,
      ...[child, internal, main].map((one) => referring(one, "application/x")),
    ]);
    await using _closed = server;
    server.seed("packages/app/extra/scanner", extra, referring(extra, "application/x"));
    const { list, tags: found } = await planned(server, { include: ["app@=v1", "app@=v2"] });
    const subjects = [child, internal, main].map(({ manifest }) => referrersTag(manifest.descriptor.digest));
    expect(found).toEqual(subjects.sort());
    const scanner = list.archives
      .flatMap(({ sections }) => sections.flatMap(({ repositories }) => repositories))
      .filter(({ path }) => path.endsWith("/scanner"));
    expect(scanner.flatMap(({ images }) => images.map(({ tag }) => tag))).toEqual([
      "v9",
      referrersTag(extra.manifest.descriptor.digest),
    ]);
  });
});

describe("the list of referrers", () => {
  test("is the source's own where it lists just the same", async () => {
    const own = anIndex({ tag: referrersTag(subject), images: [vex, signature] });
    for (const referrersApi of [true, false]) {
      await using server = await aSource([own], { referrersApi });
      const { made, digests } = await planned(server);
      expect(made).toEqual([]);
      expect(digests.get(referrersTag(subject))).toBe(own.manifest.descriptor.digest);
    }
  });

  test("is made of both, where the source's own lacks some", async () => {
    const own = anIndex({ tag: referrersTag(subject), images: [anImage({ seed: "older, without a subject" }), vex] });
    await using server = await aSource([own, signature]);
    const { listed } = await planned(server);
    expect(listed(referrersTag(subject))).toEqual(digestsOf(...own.images, signature));
  });

  test("leaves out what is not there, and says so", async () => {
    const gone = { ...signature.manifest.descriptor, digest: `sha256:${"0".repeat(64)}` };
    const old = { ...vex.manifest.descriptor, mediaType: "application/vnd.oci.artifact.manifest.v1+json" };
    const manifests = [vex.manifest.descriptor, gone].concat([
      { ...old, digest: `sha256:${"1".repeat(64)}` as Digest },
    ]);
    const text = JSON.stringify({ schemaVersion: 2, mediaType: MediaType.ociIndex, manifests });
    await using server = await aSource([vex], { referrersApi: false });
    const list = manifestOf(new TextEncoder().encode(text), MediaType.ociIndex);
    server.registry.repository("packages/app").putManifest(list, [referrersTag(subject)]);
    const { listed, list: whole, warnings } = await planned(server);
    expect(listed(referrersTag(subject))).toEqual(digestsOf(vex));
    expect(warnings.sort()).toEqual(["IMAGE_MISSING", "IMAGE_UNUSABLE"]);
    expect(whole.missing).toMatchObject([{ reference: `${server.host}/packages/app@${gone.digest}` }]);
  });

  test("is the same whatever the order it is found in", async () => {
    const digests = [];
    for (const things of [
      [vex, signature],
      [signature, vex],
    ]) {
      await using server = await aSource(things);
      digests.push((await planned(server)).digests.get(referrersTag(subject)));
    }
    expect(digests[0]).toBe(digests[1]);
  });

  test("is no list where an image has its tag: that comes as it is", async () => {
    const odd = anImage({ tag: referrersTag(subject), seed: "odd" });
    await using server = await aSource([odd]);
    expect((await planned(server)).digests).toEqual(new Map([[referrersTag(subject), odd.manifest.descriptor.digest]]));
    expect((await planned(server, { attached: "vex" })).tags).toEqual([]);
  });
});

describe("requests", () => {
  const many = Array.from({ length: 20 }, (_, at) => anImage({ seed: `child ${at}` }));
  const index = anIndex({ tag: "v1", images: many });
  const asked = (server: TestRegistry, pattern: RegExp) =>
    server.requests().filter(({ method, path }) => pattern.test(`${method} ${path}`)).length;

  test("for a repository without the API are one listing of tags and one question, however many manifests there are", async () => {
    await using server = await aSource([index], { referrersApi: false });
    await planned(server);
    expect(asked(server, /GET \/v2\/packages\/app\/tags/)).toBe(1);
    expect(asked(server, /\/referrers\//)).toBe(1);
    expect(asked(server, /\/manifests\/sha256-/)).toBe(0);
  });

  test("to the API are one for each manifest, and no other", async () => {
    await using server = await aSource([index, referring(many[0] ?? image, "application/x")]);
    await planned(server);
    expect(asked(server, /\/referrers\//)).toBe(many.length + 2); // the index, and the artifact itself
    expect(asked(server, /\/manifests\/sha256-/)).toBe(0);
  });

  test.for([
    { attached: "vex", suffixes: ["att"] },
    { attached: "all", suffixes: ["att", "sbom", "sig"] },
    { attached: "all-but-vex", suffixes: ["sbom", "sig"] },
  ] as const)("where tags cannot be listed are for the tags of $attached alone", async ({ attached, suffixes }) => {
    await using server = await aSource([anImage({ tag: hanging(image, "att") }), vex]);
    const { tags: found } = await planned(server, { attached, proxy: true });
    const paths = server.requests().map(({ path }) => path);
    const tried = paths.flatMap((path) => path.split(`/manifests/sha256-${digestHex(subject)}.`)[1] ?? []);
    expect(tried.sort()).toEqual(suffixes);
    expect(found.includes(hanging(image, "att"))).toBe(suffixes.includes("att" as never));
    expect(paths.filter((path) => path.includes("/tags/"))).toEqual([]);
  });

  test.for([401, 403, 429, 503])("that get a %i are a failure, never an absence", async (status) => {
    await using server = await aSource([vex]);
    server.fail(faults.status(status), { match: /\/referrers\// });
    await expect(planned(server)).rejects.toMatchObject({ code: "TRANSFER_FAILED" });
    server.reset();
    server.fail(faults.status(status), { match: /\/manifests\/sha256-.*\.att/ });
    await expect(planned(server, { proxy: true })).rejects.toMatchObject({ code: "TRANSFER_FAILED" });
  });
});
