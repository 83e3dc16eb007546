import { describe, expect, test } from "vitest";
import { isRegistryError } from "../errors.ts";
import { digestOf } from "./digest.ts";
import { childBlobs, childManifests, manifestOf, parseManifest, sniffManifestMediaType } from "./manifest.ts";
import { MediaType } from "./media-type.ts";

const encode = (value: unknown) => new TextEncoder().encode(typeof value === "string" ? value : JSON.stringify(value));
const aBlob = (text: string, mediaType: string = MediaType.ociLayerGzip) => ({
  mediaType,
  digest: digestOf(encode(text)),
  size: text.length,
});
const config = aBlob("config", MediaType.ociConfig);
const anImage = { schemaVersion: 2, config, layers: [aBlob("one"), aBlob("two")] };

describe("a manifest", () => {
  test.for([MediaType.ociManifest, MediaType.dockerManifest])(
    "of type %s needs its config and its layers",
    (mediaType) => {
      const content = parseManifest(manifestOf(encode({ ...anImage, mediaType }), mediaType));
      expect(content.kind).toBe("image");
      expect(childBlobs(content).map(({ size }) => size)).toEqual([6, 3, 3]);
      expect(childManifests(content)).toEqual([]);
    },
  );

  test.for([MediaType.ociIndex, MediaType.dockerManifestList])("of type %s lists other manifests", (mediaType) => {
    const manifests = [{ ...aBlob("a", MediaType.ociManifest), platform: { architecture: "amd64", os: "linux" } }];
    const content = parseManifest(manifestOf(encode({ schemaVersion: 2, mediaType, manifests }), mediaType));
    expect(content.kind).toBe("index");
    expect(childManifests(content)).toMatchObject(manifests);
    expect(childBlobs(content)).toEqual([]);
  });

  test("does not need layers that live elsewhere", () => {
    const layers = [aBlob("here"), aBlob("there", MediaType.dockerForeignLayerGzip)];
    const content = parseManifest(manifestOf(encode({ ...anImage, layers }), MediaType.ociManifest));
    expect(childBlobs(content)).toHaveLength(2);
  });

  test.for([
    { name: "no JSON", body: "{" },
    { name: "bytes that are no text", body: new Uint8Array([0xff, 0xfe]) },
    { name: "another version", body: { ...anImage, schemaVersion: 1 } },
    { name: "another type than it is served as", body: { ...anImage, mediaType: MediaType.ociIndex } },
    { name: "no config", body: { schemaVersion: 2, layers: [] } },
    { name: "a digest that is none", body: { ...anImage, config: { ...config, digest: "sha256:../../etc" } } },
    { name: "a negative size", body: { ...anImage, config: { ...config, size: -1 } } },
    { name: "a size that is no number of bytes", body: { ...anImage, config: { ...config, size: 1e300 } } },
    { name: "more layers than can be meant", body: { ...anImage, layers: Array(10_001).fill(config) } },
  ])("with $name is refused", ({ body }) => {
    const bytes = body instanceof Uint8Array ? body : encode(body);
    expect(() => parseManifest(manifestOf(bytes, MediaType.ociManifest))).toThrow(
      expect.toSatisfy((error) => isRegistryError(error, "INVALID_MANIFEST")),
    );
  });

  test("of an unknown type is refused", () => {
    expect(() => parseManifest(manifestOf(encode(anImage), "application/json"))).toThrow("is not a manifest type");
  });

  test("must hash to the digest it was asked for", () => {
    const bytes = encode(anImage);
    expect(manifestOf(bytes, MediaType.ociManifest, digestOf(bytes, "sha512")).descriptor.digest).toMatch(/^sha512:/);
    expect(() => manifestOf(bytes, MediaType.ociManifest, digestOf(encode("else")))).toThrow(
      expect.toSatisfy((error) => isRegistryError(error, "DIGEST_MISMATCH")),
    );
  });
});

test.for([
  { body: { mediaType: MediaType.dockerManifest, config }, type: MediaType.dockerManifest },
  { body: { manifests: [] }, type: MediaType.ociIndex },
  { body: { config }, type: MediaType.ociManifest },
  { body: { mediaType: "text/html" }, type: undefined },
  { body: "no json", type: undefined },
])("the type of a stored manifest is told from its body: $type", ({ body, type }) => {
  expect(sniffManifestMediaType(encode(body))).toBe(type);
});
