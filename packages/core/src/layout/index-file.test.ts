import { digestOf, MediaType } from "@tranship/registry";
import { describe, expect, test } from "vitest";
import { formatIndexFile, parseIndexFile, sortDescriptors } from "./index-file.ts";

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
    const text = formatIndexFile(descriptors);
    expect(parseIndexFile(bytes(text)).map(({ digest, annotations }) => ({ digest, annotations }))).toEqual(
      descriptors.map(({ digest, annotations }) => ({ digest, annotations })),
    );
    const turned = descriptors.map((one) => ({
      ...one,
      annotations: Object.fromEntries(Object.entries(one.annotations).reverse()),
    }));
    expect(formatIndexFile(turned)).toBe(text);
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
