import { createRegistry, type Digest, type Manifest, MediaType, manifestOf, type Platform } from "@tranship/registry";
import {
  anArtifact,
  anImage,
  anIndex,
  type BuiltImage,
  type BuiltIndex,
  startTestRegistry,
} from "@tranship/registry/testing";
import { describe, expect, test } from "vitest";
import type { MirrorEvent } from "../../events.ts";
import { PackagesService } from "../../services/catalog/packages-service.ts";
import { plan } from "../../services/plan.ts";
import { formatPlatform, isPlatform, parsePlatform } from "./platforms.ts";

const amd64 = { os: "linux", architecture: "amd64" };
const arm64 = { os: "linux", architecture: "arm64", variant: "v8" };
const armv6 = { os: "linux", architecture: "arm", variant: "v6" };
const unknown = { os: "unknown", architecture: "unknown" };

const imageFor = (platform: Platform, options: object = {}) =>
  anImage({ seed: formatPlatform(platform), platform, ...options });

/** Plans `app@=v1` and `app@=v2`, as far as they are given, for some platforms. */
async function narrowed(
  platforms: readonly string[],
  things: readonly (BuiltImage | BuiltIndex)[],
  { manifest, include = ["app@=v1"] }: { readonly manifest?: Manifest; readonly include?: readonly string[] } = {},
) {
  await using server = await startTestRegistry();
  server.seed("packages", anImage({ tag: "app" }));
  server.seed("packages/app", ...things);
  if (manifest) server.registry.repository("packages/app").putManifest(manifest, ["v1"]);
  for (const tag of ["v1", "v2", "stable"])
    server.seed("packages/app/version", anImage({ tag, files: { "version.json": '{"version":"v1"}' } }));
  await using source = createRegistry(server.host);
  const warnings: string[] = [];
  const onEvent = (event: MirrorEvent) => {
    if (event.type === "warning.raised") warnings.push(event.code);
  };
  const list = await plan([new PackagesService({ source, include, platforms })], { onEvent });
  const own = list.archives
    .flatMap(({ sections }) => sections.flatMap(({ repositories }) => repositories))
    .filter(({ path }) => path === "packages/app");
  const images = own.flatMap((one) => one.images);
  const made = own.flatMap((one) => one.made ?? []);
  const v1 = images.find(({ tag }) => tag === "v1");
  const text = made.find(({ digest }) => digest === v1?.digest)?.text;
  return {
    warnings,
    missing: list.missing.map(({ why }) => why),
    tags: images.map(({ tag }) => tag),
    digest: v1?.digest,
    blobs: new Set(own.flatMap(({ blobs }) => blobs.map(({ digest }) => digest))),
    made,
    index: text === undefined ? undefined : JSON.parse(text),
  };
}

const digestOf = ({ manifest }: BuiltImage | BuiltIndex): Digest => manifest.descriptor.digest;

describe("an index of which one platform is wanted", () => {
  const [one, two, three] = [imageFor(amd64), imageFor(arm64), imageFor(armv6)];
  const platforms = [amd64, arm64, armv6];
  const annotations = { "org.opencontainers.image.title": "app" };
  const index = anIndex({ tag: "v1", images: [one, two, three], platforms, annotations });

  test.for([
    { asked: ["linux/amd64"], kept: [one] },
    { asked: ["linux/arm64"], kept: [two] },
    { asked: ["linux/arm64/v8"], kept: [two] },
    { asked: ["linux/arm"], kept: [three] },
    { asked: ["linux/arm64", "linux/amd64"], kept: [one, two] },
  ])("keeps just $asked, with everything else it says", async ({ asked, kept }) => {
    const { index: found, digest, warnings, blobs, missing } = await narrowed(asked, [index]);
    const whole = JSON.parse(new TextDecoder().decode(index.manifest.bytes));
    const wanted = new Set(kept.map(digestOf));
    const manifests = whole.manifests.filter((entry: { digest: Digest }) => wanted.has(entry.digest));
    expect(found).toEqual({ ...whole, manifests });
    expect(digest).not.toBe(digestOf(index));
    expect([one, two, three].filter((image) => blobs.has(digestOf(image)))).toEqual(kept);
    expect([warnings, missing]).toEqual([["PLATFORMS_NARROWED"], []]);
  });

  test("stays what it is when all of it is wanted", async () => {
    const all = ["linux/amd64", "linux/arm64", "linux/arm/v6"];
    const { digest, made, warnings } = await narrowed(all, [index]);
    expect([digest, made, warnings]).toEqual([digestOf(index), [], []]);
  });

  test("that is pinned and lacks it is an error that says what there is", async () => {
    const failure = narrowed(["linux/amd64", "linux/riscv64"], [index]);
    await expect(failure).rejects.toMatchObject({ code: "IMAGE_NOT_FOUND" });
    await expect(failure).rejects.toThrow(
      "no image for linux/riscv64, only for linux/amd64, linux/arm64/v8, linux/arm/v6",
    );
  });

  test.for([
    { asked: ["linux/amd64", "linux/riscv64"], tags: ["v1"] },
    { asked: ["linux/riscv64"], tags: [] },
  ])("that a channel leads to and that lacks $asked is reported", async ({ asked, tags }) => {
    const found = await narrowed(asked, [index], { include: ["app"] });
    expect(found.tags).toEqual(tags);
    expect(found.missing).toContain("platform linux/riscv64");
    expect(found.warnings).toContain("PLATFORM_MISSING");
  });

  test("leaves out what is attached to the whole of it, and not what is attached to a child", async () => {
    const [whole, child] = [index, one].map((about) => anArtifact({ subject: about, artifactType: "application/x" }));
    const { blobs } = await narrowed(["linux/amd64"], [index, ...(whole && child ? [whole, child] : [])]);
    expect([whole, child].map((artifact) => artifact && blobs.has(digestOf(artifact)))).toEqual([false, true]);
  });

  test("takes indexes in it along, narrowed too", async () => {
    const nested = anIndex({ images: [one, two], platforms: [amd64, arm64] });
    const outer = anIndex({ tag: "v1", images: [nested, three], platforms: [undefined, armv6] });
    const { made, index: found, blobs } = await narrowed(["linux/arm64"], [outer]);
    const inner = made.find(({ digest }) => digest === found.manifests[0].digest);
    expect(found.manifests).toHaveLength(1);
    expect(JSON.parse(inner?.text ?? "{}").manifests).toMatchObject([{ digest: digestOf(two) }]);
    expect(blobs.has(digestOf(nested))).toBe(false);
  });

  test("keeps the attestations a builder put beside the images that stay", async () => {
    const [ofOne, ofTwo] = ["one", "two"].map((seed) => anImage({ seed, platform: unknown }));
    if (!ofOne || !ofTwo) throw new Error("no attestations");
    const entry = (image: BuiltImage, platform: Platform, about?: BuiltImage) => ({
      ...image.manifest.descriptor,
      platform,
      ...(about ? { annotations: { "vnd.docker.reference.digest": digestOf(about) } } : {}),
    });
    const manifests = [entry(one, amd64), entry(two, arm64), entry(ofOne, unknown, one), entry(ofTwo, unknown, two)];
    const text = JSON.stringify({ schemaVersion: 2, mediaType: MediaType.ociIndex, manifests });
    const manifest = manifestOf(new TextEncoder().encode(text), MediaType.ociIndex);
    const { index: found } = await narrowed(["linux/arm64"], [one, two, ofOne, ofTwo], { manifest });
    expect(found.manifests).toEqual([manifests[1], manifests[3]]);
  });

  test("asks the images themselves where it does not say their platforms", async () => {
    const silent = anIndex({ tag: "v1", images: [one, two] });
    expect((await narrowed(["linux/arm64"], [silent])).index.manifests).toMatchObject([{ digest: digestOf(two) }]);
  });

  test("is left alone when what it lists is of no platform at all", async () => {
    const others = anIndex({ tag: "v1", images: [imageFor(unknown), imageFor({ os: "", architecture: "" })] });
    const { digest, warnings } = await narrowed(["linux/arm64"], [others]);
    expect([digest, warnings]).toEqual([digestOf(others), []]);
  });
});

describe("kept as they are, and told, are", () => {
  test("an image for another platform alone", async () => {
    const image = imageFor(amd64, { tag: "v1" });
    const { digest, warnings } = await narrowed(["linux/arm64"], [image]);
    expect([digest, warnings]).toEqual([digestOf(image), ["PLATFORMS_KEPT"]]);
    expect((await narrowed(["linux/amd64"], [image])).warnings).toEqual([]);
  });

  test("an index that an image lists by its digest", async () => {
    const internal = anIndex({ images: [imageFor(amd64), imageFor(arm64)], platforms: [amd64, arm64] });
    const files = { "images_digests.json": JSON.stringify({ internal: digestOf(internal) }) };
    const { blobs, warnings } = await narrowed(["linux/arm64"], [internal, imageFor(arm64, { tag: "v1", files })]);
    expect(blobs.has(digestOf(internal))).toBe(true);
    expect(warnings).toEqual(["PLATFORMS_KEPT"]);
  });
});

test("files in a narrowed index are read from an image that is kept", async () => {
  const files = (platform: Platform) => ({ "extra_images.json": JSON.stringify({ [platform.architecture]: "v1" }) });
  const images = [amd64, arm64].map((platform) => imageFor(platform, { files: files(platform) }));
  const index = anIndex({ tag: "v1", images, platforms: [amd64, arm64] });
  const read = async (platform: string) => {
    await using server = await startTestRegistry();
    server.seed("packages", anImage({ tag: "app" }));
    server.seed("packages/app", index);
    for (const name of ["amd64", "arm64"]) server.seed(`packages/app/extra/${name}`, anImage({ tag: "v1" }));
    await using source = createRegistry(server.host);
    const list = await plan([new PackagesService({ source, include: ["app@=v1"], platforms: [platform] })]);
    const paths = list.archives.flatMap(({ sections }) => sections.flatMap(({ repositories }) => repositories));
    return paths.flatMap(({ path }) => path.split("/extra/")[1] ?? []);
  };
  expect([await read("linux/amd64"), await read("linux/arm64")]).toEqual([["amd64"], ["arm64"]]);
});

describe("a platform", () => {
  test.for(["linux/amd64", "linux/arm/v7", "windows/amd64"])("is read from %s and written the same", (text) => {
    expect(formatPlatform(parsePlatform(text))).toBe(text);
  });

  test.for(["", "linux", "linux/", "/amd64", "linux/arm/v7/x", "linux/am d64", "linux/../x"])("is not %j", (text) => {
    expect(() => parsePlatform(text)).toThrow(expect.objectContaining({ code: "SELECTION_INVALID" }));
  });

  test.for([
    { asked: "linux/arm64", is: { os: "linux", architecture: "arm64", variant: "v8" }, fits: true },
    { asked: "linux/arm64/v8", is: { os: "linux", architecture: "arm64" }, fits: true },
    { asked: "linux/arm/v7", is: { os: "linux", architecture: "arm" }, fits: true },
    { asked: "linux/arm/v6", is: { os: "linux", architecture: "arm", variant: "v7" }, fits: false },
    { asked: "linux/amd64", is: { os: "windows", architecture: "amd64" }, fits: false },
  ])("$is is asked for by $asked: $fits", ({ asked, is, fits }) => {
    expect(isPlatform(is, parsePlatform(asked))).toBe(fits);
  });
});
