import { execFileSync } from "node:child_process";
import { gunzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { digestOf } from "../oci/digest.ts";
import { childBlobs, childManifests, parseManifest } from "../oci/manifest.ts";
import { aBlob, aLayer, anArtifact, anImage, anIndex, partsOf } from "./index.ts";

describe("a built layer", () => {
  const binary = aBlob({ size: 700 }).bytes;
  const files = { "version.json": '{"version":"v1"}', "usr/bin/app": binary, empty: "" };

  test.for([
    { gzip: true, flags: "-xzO" },
    { gzip: false, flags: "-xO" },
  ])("is a tar archive that tar unpacks (gzip: $gzip)", ({ gzip, flags }) => {
    const layer = aLayer({ files, size: 3000, gzip });
    const unpack = (name: string) => execFileSync("tar", [flags, "--", name], { input: layer.bytes });
    const list = execFileSync("tar", [flags.replace("-x", "-t").replace("O", "")], { input: layer.bytes });
    expect(list.toString().trim().split("\n")).toEqual(["version.json", "usr/bin/app", "empty", "padding"]);
    expect(unpack("version.json").toString()).toBe(files["version.json"]);
    expect(new Uint8Array(unpack("usr/bin/app"))).toEqual(binary);
    expect(unpack("padding")).toHaveLength(3000);
    expect(layer.diffId).toBe(digestOf(gzip ? gunzipSync(layer.bytes) : layer.bytes));
  });

  test("with padding stays about as large when packed", () => {
    expect(aLayer({ size: 100_000 }).size).toBeGreaterThan(100_000);
  });

  test.for(["", "x".repeat(101)])("refuses the file name %j", (name) => {
    expect(() => aLayer({ files: { [name]: "x" } })).toThrow(RangeError);
  });
});

test.for([
  { name: "a blob", build: () => aBlob({ size: 50_000 }) },
  { name: "a layer", build: () => aLayer({ files: { a: "b" }, size: 5000 }) },
  { name: "an image", build: () => anImage({ tag: "v1", annotations: { a: "b" } }) },
  { name: "an index", build: () => anIndex({ images: [anImage(), anImage({ docker: true })] }) },
])("$name is the same each time", ({ build }) => {
  expect(build()).toEqual(build());
});

test("things of different seeds differ", () => {
  expect(aBlob({ seed: 1 }).digest).not.toBe(aBlob({ seed: 2 }).digest);
  expect(aLayer({ size: 10, seed: 1 }).digest).not.toBe(aLayer({ size: 10, seed: 2 }).digest);
  expect(anImage({ tag: "v1" }).manifest.descriptor.digest).not.toBe(anImage({ tag: "v2" }).manifest.descriptor.digest);
});

test("random bytes of one seed begin alike, whatever their number", () => {
  expect(aBlob({ size: 10_000 }).bytes.slice(0, 100)).toEqual(aBlob({ size: 100 }).bytes);
});

test.for([{ docker: false }, { docker: true }])(
  "an image holds what its manifest names (docker: $docker)",
  (options) => {
    const image = anImage({ tag: "v1", tags: ["latest"], files: { a: "b" }, ...options });
    const content = parseManifest(image.manifest);
    expect(childBlobs(content)).toEqual(
      image.blobs.map(({ mediaType, digest, size }) => ({ mediaType, digest, size })),
    );
    expect(image.tags).toEqual(["v1", "latest"]);
    for (const { digest, size, bytes } of image.blobs)
      expect([digestOf(bytes), bytes.byteLength]).toEqual([digest, size]);
  },
);

test("an artifact names its subject", () => {
  const image = anImage();
  const content = parseManifest(anArtifact({ subject: image, artifactType: "application/x.one" }).manifest);
  expect(content).toMatchObject({ artifactType: "application/x.one", subject: image.manifest.descriptor });
});

test("an index comes apart into leaves first", () => {
  const [one, two] = [anImage({ seed: 1 }), anImage({ seed: 2 })];
  const platforms = [{ os: "linux", architecture: "amd64" }];
  const inner = anIndex({ images: [two] });
  const index = anIndex({ tag: "multi", images: [one, inner], platforms });
  expect(childManifests(parseManifest(index.manifest)).map(({ platform }) => platform)).toEqual([
    ...platforms,
    undefined,
  ]);
  expect(partsOf(index).manifests).toEqual([one, two, inner, index]);
  expect(partsOf(index).blobs).toEqual([...one.blobs, ...two.blobs]);
});
