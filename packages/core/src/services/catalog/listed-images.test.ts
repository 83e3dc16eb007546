import { digestOf, parseDigest } from "@tranship/registry";
import { expect, test } from "vitest";
import type { PlannedImage, PlannedRepository } from "../../plan/section.ts";
import { mergeListed, readListedImages } from "./listed-images.ts";

const digest = (text: string) => digestOf(new TextEncoder().encode(text));
const image: PlannedImage = {
  tag: "v1.0.0",
  reference: "registry.test/app:v1.0.0",
  mediaType: "application/vnd.oci.image.manifest.v1+json",
  digest: digest("image"),
  size: 5,
  why: ["pin"],
};
const repository: PlannedRepository = { path: "app", source: "registry.test/app", images: [image], blobs: [] };

/** What an image with these files lists. */
function listed(files: Readonly<Record<string, string | Uint8Array>>) {
  return readListedImages(repository, image, async (_repository, _image, names) => {
    const there = names.flatMap((name): [string, Uint8Array][] => {
      const content = files[name];
      if (content === undefined) return [];
      return [[name, typeof content === "string" ? new TextEncoder().encode(content) : content]];
    });
    return new Map(there);
  });
}

test("an image with neither file lists nothing", async () => {
  expect(await listed({})).toEqual({ internal: [], extras: [] });
});

test("every digest of images_digests.json counts, wherever it stands, and each once", async () => {
  const [a, b, c] = [digest("a"), digest("b"), digest("c")];
  const files = {
    "images_digests.json": JSON.stringify({ common: { proxy: a, deep: [{ deeper: b }] }, [c]: "key", again: a }),
  };
  expect((await listed(files)).internal).toEqual([a, b, c].sort());
});

test.for([
  { name: "is longer than one", text: `sha256:${"a".repeat(65)}` },
  { name: "is shorter than one", text: `sha256:${"a".repeat(63)}` },
  { name: "is written in capitals", text: `sha256:${"A".repeat(64)}` },
])("what $name is no digest", async ({ text }) => {
  expect((await listed({ "images_digests.json": JSON.stringify([text]) })).internal).toEqual([]);
});

test("a file of digests is not read as JSON", async () => {
  const found = await listed({ "images_digests.json": `// images\n- ${digest("a")}\n` });
  expect(found.internal).toEqual([digest("a")]);
});

test("extra images are texts and whole numbers; other values are passed over", async () => {
  const json =
    '{"scanner":"v1.2.3","enforcer":7,"float":1.5,"huge":1e300,"yes":true,"none":null,"list":["v1"],"map":{}}';
  expect((await listed({ "extra_images.json": json })).extras).toEqual([
    { name: "scanner", tag: "v1.2.3" },
    { name: "enforcer", tag: "7" },
  ]);
});

test.for([
  { name: "a name that leaves its place", file: "extra_images.json", content: '{"../../x":"v1"}' },
  { name: "a name of two parts", file: "extra_images.json", content: '{"a/b":"v1"}' },
  { name: "a name no repository can have", file: "extra_images.json", content: '{"A":"v1"}' },
  { name: "an empty name", file: "extra_images.json", content: '{"":"v1"}' },
  { name: "a tag with a slash", file: "extra_images.json", content: '{"x":"../v1"}' },
  { name: "an empty tag", file: "extra_images.json", content: '{"x":""}' },
  { name: "a negative number", file: "extra_images.json", content: '{"x":-1}' },
  { name: "a list", file: "extra_images.json", content: "[]" },
  { name: "nothing", file: "extra_images.json", content: "null" },
  { name: "half a file", file: "extra_images.json", content: '{"x":' },
  { name: "bytes that are no text", file: "extra_images.json", content: Uint8Array.of(0xff, 0xfe) },
  { name: "bytes that are no text", file: "images_digests.json", content: Uint8Array.of(0xff, 0xfe) },
])("$file with $name is refused before anything is made of it", async ({ file, content }) => {
  await expect(listed({ [file]: content })).rejects.toMatchObject({
    code: "IMAGE_FILE_INVALID",
    details: { reference: image.reference, file },
  });
});

test("more images than anybody lists are not believed", async () => {
  const many = Object.fromEntries(Array.from({ length: 10_001 }, (_, at) => [`x${at}`, "v1"]));
  await expect(listed({ "extra_images.json": JSON.stringify(many) })).rejects.toMatchObject({
    code: "IMAGE_FILE_INVALID",
  });
});

test("what several versions list is wanted once", () => {
  const [a, b] = [parseDigest(digest("a")), parseDigest(digest("b"))];
  const merged = mergeListed([
    { internal: [a], extras: [{ name: "x", tag: "v1" }] },
    {
      internal: [b, a],
      extras: [
        { name: "x", tag: "v2" },
        { name: "x", tag: "v1" },
      ],
    },
  ]);
  expect(merged).toEqual({
    internal: [a, b],
    extras: [
      { name: "x", tag: "v1" },
      { name: "x", tag: "v2" },
    ],
  });
});
