import { digestOf, MediaType } from "@tranship/registry";
import { describe, expect, test } from "vitest";
import { encodeIndexFile, indexFileText, parseIndexFile, sortDescriptors } from "./index-file.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const aDescriptor = (tag: string, reference: string) => ({
  mediaType: MediaType.ociManifest,
  digest: digestOf(bytes(`${tag} ${reference}`)),
  size: 7,
  annotations: { "org.opencontainers.image.ref.name": reference, "io.deckhouse.image.short_tag": tag },
});

describe("an index file", () => {
  test("is read back as it was written, whatever the order of annotations", () => {
    const descriptors = [aDescriptor("v1", "r/a:v1"), aDescriptor("v2", "r/a:v2")];
    const text = encodeIndexFile(descriptors);
    expect(parseIndexFile(text).map(({ digest, annotations }) => ({ digest, annotations }))).toEqual(
      descriptors.map(({ digest, annotations }) => ({ digest, annotations })),
    );
    const turned = descriptors.map((one) => ({
      ...one,
      annotations: Object.fromEntries(Object.entries(one.annotations).reverse()),
    }));
    expect(encodeIndexFile(turned)).toEqual(text);
  });

  test.for([0, 1, 2, 199, 200, 201, 1000])("of %i entries is what JSON says in two spaces, in pieces", (amount) => {
    const descriptors = Array.from({ length: amount }, (_, at) => ({
      ...aDescriptor(`v${at}`, `r/a:v${at}`),
      ...(at % 3 === 0 && { artifactType: `text/${'\n \u2028 " \\ é 😀'.repeat(at % 4)}` }),
      ...(at % 5 === 0 && { platform: { os: "linux", architecture: "arm64", "os.features": ["a", "b"] } }),
    }));
    const manifests = descriptors.map(({ digest, size, mediaType, annotations, ...rest }) => {
      const [refName = "", shortTag = ""] = Object.values(annotations);
      const sorted = { "io.deckhouse.image.short_tag": shortTag, "org.opencontainers.image.ref.name": refName };
      return { mediaType, digest, size, ...rest, annotations: sorted };
    });
    const whole = `${JSON.stringify({ schemaVersion: 2, mediaType: MediaType.ociIndex, manifests }, undefined, 2)}\n`;
    expect([...indexFileText(descriptors)].join("")).toBe(whole);
    expect(encodeIndexFile(descriptors).toString("utf8")).toBe(whole);
    expect([...indexFileText(descriptors)].length).toBeLessThan(8);
  });

  test("is sorted by reference, whatever the order of arrival", () => {
    const [a, b, c] = [aDescriptor("x", "r/a:x"), aDescriptor("y", "r/a:y"), aDescriptor("z", "r/b:z")];
    expect(sortDescriptors([c, b, a])).toEqual([a, b, c]);
  });

  test.for([
    '{"manifests":null}',
    "{}",
    '{"schemaVersion":0,"mediaType":"application/vnd.oci.image.layout.v1+json","manifests":[]}',
  ])("of an older writer is read: %s", (text) => {
    expect(parseIndexFile(bytes(text))).toEqual([]);
  });

  test.for([
    { name: "no JSON", text: "{" },
    { name: "a list", text: "[]" },
    { name: "a manifest without a digest", text: '{"manifests":[{"mediaType":"x","size":1}]}' },
    {
      name: "a size below nothing",
      text: `{"manifests":[{"mediaType":"x","digest":"${digestOf(bytes(""))}","size":-1}]}`,
    },
    { name: "brackets without end", text: "[".repeat(2_000_000) },
    { name: "nesting behind a quoted bracket", text: `{"a\\"[":${"[".repeat(100)}${"]".repeat(100)}}` },
  ])("with $name is refused", ({ text }) => {
    expect(() => parseIndexFile(bytes(text))).toThrow();
  });
});
