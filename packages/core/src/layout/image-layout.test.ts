import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Descriptor,
  type Digest,
  digestOf,
  type Manifest,
  MediaType,
  manifestOf,
  parseManifest,
} from "@tranship/registry";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { blobPath } from "../plan/section.ts";
import { type Image, openImage } from "./image.ts";
import { ImageLayout } from "./image-layout.ts";
import { parseIndexFile, refNameOf, shortTagOf } from "./index-file.ts";

let folder = "";
let source: ImageLayout;
let layout: ImageLayout;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "tranship-layout-"));
  source = await ImageLayout.open(join(folder, "source"));
  layout = await ImageLayout.open(join(folder, "layout"));
});
afterEach(() => rmSync(folder, { recursive: true }));

async function store(into: ImageLayout, text: string, mediaType: string): Promise<Descriptor> {
  const bytes = Buffer.from(text);
  const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.byteLength };
  await into.pushBlob(descriptor, async function* () {
    yield bytes;
  });
  return descriptor;
}

async function manifestIn(into: ImageLayout, mediaType: string, body: object): Promise<Manifest> {
  const made = manifestOf(
    new TextEncoder().encode(JSON.stringify({ schemaVersion: 2, mediaType, ...body })),
    mediaType,
  );
  await into.pushManifest(made);
  return made;
}

/** An image that is whole in `source`, with the metadata of a registry. */
async function anImage(seed: string, tagReference = `registry.example.com:5000/app:${seed}`): Promise<Image> {
  const config = await store(
    source,
    JSON.stringify({ architecture: "amd64", os: "linux", rootfs: { type: "layers", diff_ids: [] } }),
    MediaType.ociConfig,
  );
  const layers = [
    await store(source, `one of ${seed}`, MediaType.ociLayer),
    await store(source, `two of ${seed}`, MediaType.ociLayer),
  ];
  const manifest = await manifestIn(source, MediaType.ociManifest, { config, layers, annotations: { seed } });
  const { digest } = manifest.descriptor;
  return {
    manifest,
    repository: source,
    meta: { tagReference, digestReference: `registry.example.com:5000/app@${digest}`, digest },
  };
}

function entriesOf(path: string): readonly (readonly [string | undefined, string | undefined, Digest])[] {
  return parseIndexFile(readFileSync(join(path, "index.json"))).map((entry) => [
    shortTagOf(entry),
    refNameOf(entry),
    entry.digest,
  ]);
}

function filesOf(path: string): readonly string[] {
  return readdirSync(path, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(path.length + 1))
    .sort();
}

test("a new layout holds what the specification asks for", () => {
  expect(JSON.parse(readFileSync(join(layout.path, "oci-layout"), "utf8"))).toEqual({ imageLayoutVersion: "1.0.0" });
  expect(JSON.parse(readFileSync(join(layout.path, "index.json"), "utf8"))).toEqual({
    schemaVersion: 2,
    mediaType: MediaType.ociIndex,
    manifests: [],
  });
});

test("an added image is stored whole, and read back when the layout is opened again", async () => {
  const image = await anImage("v1");
  await layout.addImage(image, "v1");
  const opened = await ImageLayout.open(layout.path);
  for (const view of [layout, opened]) {
    expect(view.getMeta("v1")).toEqual(image.meta);
    const stored = await view.getImage("v1");
    expect(stored.manifest.bytes).toEqual(image.manifest.bytes);
    expect(await Array.fromAsync(view.tags())).toEqual(["v1"]);
  }
  const content = parseManifest(image.manifest);
  const blobs = content.kind === "image" ? [content.config, ...content.layers, image.manifest.descriptor] : [];
  expect(filesOf(layout.path)).toEqual(
    ["index.json", "oci-layout", ...blobs.map(({ digest }) => blobPath(digest))].sort(),
  );
});

test("an index is stored with its children", async () => {
  const [one, two] = [await anImage("one"), await anImage("two")];
  const index = await manifestIn(source, MediaType.ociIndex, {
    manifests: [one.manifest.descriptor, two.manifest.descriptor],
  });
  const image = {
    ...one,
    manifest: index,
    meta: { digestReference: `r/app@${index.descriptor.digest}`, digest: index.descriptor.digest },
  };
  await layout.addImage(image, "both");
  expect(entriesOf(layout.path)).toEqual([["both", image.meta.digestReference, index.descriptor.digest]]);
  expect(filesOf(layout.path)).toHaveLength(2 + 1 + 2 + 4 + 1);
  expect((await layout.manifest(two.manifest.descriptor.digest)).bytes).toEqual(two.manifest.bytes);
});

test("an image without metadata is refused", async () => {
  const { manifest, repository } = await anImage("v1");
  await expect(layout.addImage({ manifest, repository }, "v1")).rejects.toMatchObject({ code: "IMAGE_META_NOT_FOUND" });
  expect(filesOf(layout.path)).toEqual(["index.json", "oci-layout"]);
});

test("adding the same image again changes nothing and reads nothing", async () => {
  const image = await anImage("v1");
  await layout.addImage(image, "v1");
  const before = readFileSync(join(layout.path, "index.json"));
  rmSync(join(source.path, "blobs"), { recursive: true });
  await layout.addImage(image, "v1");
  expect(readFileSync(join(layout.path, "index.json"))).toEqual(before);
});

test("another image under the same tag is listed beside the first and counts from then on", async () => {
  const [first, second] = [await anImage("one"), await anImage("two")];
  await layout.addImage(first, "stable");
  await layout.addImage(second, "stable");
  expect(entriesOf(layout.path).map(([tag, , digest]) => [tag, digest])).toEqual([
    ["stable", first.meta?.digest],
    ["stable", second.meta?.digest],
  ]);
  for (const view of [layout, await ImageLayout.open(layout.path)]) {
    expect(view.getMeta("stable").digest).toBe(second.meta?.digest);
    expect(await Array.fromAsync(view.tags())).toEqual(["stable"]);
  }
});

test("a blob that fails leaves the tag unknown, and trying again stores the image", async () => {
  const image = await anImage("v1");
  const content = parseManifest(image.manifest);
  const layer = content.kind === "image" ? content.layers[1] : undefined;
  const file = join(source.path, blobPath(layer?.digest ?? image.manifest.descriptor.digest));
  renameSync(file, `${file}.away`);
  await expect(layout.addImage(image, "v1")).rejects.toMatchObject({ code: "NOT_FOUND" });
  expect(() => layout.getMeta("v1")).toThrow(expect.objectContaining({ code: "IMAGE_META_NOT_FOUND" }));
  expect(entriesOf(layout.path)).toEqual([]);
  renameSync(`${file}.away`, file);
  await layout.addImage(image, "v1");
  expect(existsSync(join(layout.path, blobPath(layer?.digest ?? image.manifest.descriptor.digest)))).toBe(true);
  expect(entriesOf(layout.path)).toHaveLength(1);
});

test.for([
  { name: "other bytes", text: "fake", code: "DIGEST_MISMATCH" },
  { name: "fewer bytes", text: "fa", code: "SIZE_MISMATCH" },
  { name: "more bytes", text: "fakes", code: "SIZE_MISMATCH" },
])("a blob of $name is refused and leaves no file", async ({ text, code }) => {
  const blob = { digest: digestOf(Buffer.from("real")), size: 4 };
  const push = layout.pushBlob(blob, async function* () {
    yield Buffer.from(text);
  });
  await expect(push).rejects.toMatchObject({ code });
  expect(filesOf(layout.path)).toEqual(["index.json", "oci-layout"]);
  expect(await layout.statBlob(blob.digest)).toBeUndefined();
});

test("a manifest that is not what its descriptor says is refused", async () => {
  const { manifest } = await anImage("v1");
  const changed = { ...manifest, bytes: Buffer.from(manifest.bytes.map((byte, at) => (at === 0 ? byte ^ 1 : byte))) };
  await expect(source.pushManifest(changed, { tags: ["v1"] })).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
  expect(await Array.fromAsync(source.tags())).toEqual([]);
});

test("pushed tags move, and keep the annotations", async () => {
  const [one, two] = [(await anImage("one")).manifest, (await anImage("two")).manifest];
  const annotated = {
    ...two,
    descriptor: { ...two.descriptor, annotations: { "org.opencontainers.image.ref.name": "h:1/r:two", extra: "kept" } },
  };
  await source.pushManifest(one, { tags: ["a", "b"] });
  await source.pushManifest(annotated, { tags: ["a"] });
  expect(entriesOf(source.path)).toEqual([
    ["a", "h:1/r:a", two.descriptor.digest],
    ["b", "b", one.descriptor.digest],
  ]);
  expect((await source.resolve("a"))?.annotations).toMatchObject({ extra: "kept" });
});

test("writers at the same time lose nothing", async () => {
  const images = await Promise.all(Array.from({ length: 12 }, (_, at) => anImage(`v${at}`)));
  await Promise.all(images.map((image, at) => layout.addImage(image, `v${at}`)));
  const opened = await ImageLayout.open(layout.path);
  expect(new Set(await Array.fromAsync(opened.tags()))).toEqual(new Set(images.map((_, at) => `v${at}`)));
});

describe("tagImage", () => {
  test.for([
    { from: "registry.example.com/app:v1", to: "registry.example.com/app:alpha" },
    { from: "host:5000/repo:v1", to: "host:5000/repo:alpha" },
    { from: "host:5000/repo", to: "host:5000/repo:alpha" },
    { from: "v1", to: "alpha" },
    { from: `host:5000/repo@sha256:${"a".repeat(64)}`, to: `host:5000/repo@sha256:${"a".repeat(64)}` },
  ])("gives $from the name $to", async ({ from, to }) => {
    const image = await anImage("v1", from);
    await layout.addImage(image, "v1");
    await layout.tagImage(image.manifest.descriptor.digest, "alpha");
    await layout.tagImage(image.manifest.descriptor.digest, "alpha");
    expect(entriesOf(layout.path).map(([tag, name]) => [tag, name])).toEqual([
      ["v1", from],
      ["alpha", to],
    ]);
    expect((await ImageLayout.open(layout.path)).getMeta("alpha").digest).toBe(image.meta?.digest);
  });

  test("knows only listed images", async () => {
    await expect(layout.tagImage(digestOf(Buffer.from("x")), "alpha")).rejects.toMatchObject({ code: "NOT_FOUND" });
  });

  test("back and forth leaves one entry for each image and tag", async () => {
    const [one, two] = [await anImage("one"), await anImage("two")];
    await layout.addImage(one, "one");
    await layout.addImage(two, "two");
    for (const { manifest } of [one, two, one, two]) await layout.tagImage(manifest.descriptor.digest, "stable");
    expect(layout.getMeta("stable").digest).toBe(two.meta?.digest);
    expect(entriesOf(layout.path)).toHaveLength(4);
  });
});

test("referrers are found without a tag, by type", async () => {
  const subject = (await anImage("v1")).manifest;
  const config = await store(source, "{}", MediaType.ociEmpty);
  const body = {
    artifactType: "application/example",
    config,
    layers: [],
    subject: subject.descriptor,
    annotations: { a: "b" },
  };
  const referrer = await manifestIn(source, MediaType.ociManifest, body);
  const { digest } = subject.descriptor;
  const expected = [{ ...referrer.descriptor, artifactType: "application/example", annotations: { a: "b" } }];
  expect(await Array.fromAsync(source.referrers(digest))).toEqual(expected);
  expect(await Array.fromAsync(source.referrers(digest, { artifactType: "application/other" }))).toEqual([]);
  expect(await Array.fromAsync(source.tags())).toEqual([]);
});

test.for([
  { name: "an index that is no JSON", file: "index.json", text: "{" },
  { name: "an index of the wrong shape", file: "index.json", text: '{"manifests":[{"digest":"x"}]}' },
  { name: "another version", file: "oci-layout", text: '{"imageLayoutVersion":"2.0.0"}' },
])("a layout with $name is refused", async ({ file, text }) => {
  writeFileSync(join(layout.path, file), text);
  await expect(ImageLayout.open(layout.path)).rejects.toMatchObject({ code: "LAYOUT_INVALID" });
});

test("a damaged blob is never passed on whole", async () => {
  const image = await anImage("v1");
  const content = parseManifest(image.manifest);
  const layer = content.kind === "image" ? content.layers[0] : undefined;
  writeFileSync(
    join(source.path, blobPath(layer?.digest ?? image.manifest.descriptor.digest)),
    "x".repeat(layer?.size ?? 0),
  );
  await expect(layout.addImage(image, "v1")).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
});

describe("other tools", () => {
  const isInstalled = (tool: string) => spawnSync(tool, ["--version"]).status === 0;

  test("skopeo reads what we write", async ({ skip }) => {
    if (!isInstalled("skopeo")) return skip("skopeo is not installed");
    const image = await anImage("v1");
    await layout.pushManifest(image.manifest, { tags: ["plain"] });
    await layout.addImage(image, "v1");
    for (const name of ["plain", "registry.example.com:5000/app:v1"]) {
      const raw = execFileSync("skopeo", ["inspect", "--raw", `oci:${layout.path}:${name}`]);
      expect(digestOf(raw)).toBe(image.manifest.descriptor.digest);
    }
    const copied = join(folder, "copied");
    execFileSync("skopeo", [
      "--insecure-policy",
      "copy",
      "-q",
      "--preserve-digests",
      `oci:${layout.path}:plain`,
      `oci:${copied}:again`,
    ]);
    const back = await openImage(await ImageLayout.open(copied), "again");
    expect(back.meta?.digest).toBe(image.manifest.descriptor.digest);
  });

  test("we read what umoci writes, and umoci what we add to it", async ({ skip }) => {
    if (!isInstalled("umoci")) return skip("umoci is not installed");
    const path = join(folder, "umoci");
    execFileSync("umoci", ["init", "--layout", path]);
    execFileSync("umoci", ["new", "--image", `${path}:latest`]);
    const opened = await ImageLayout.open(path);
    const { manifest } = await opened.getImage("latest");
    expect(parseManifest(manifest).kind).toBe("image");
    await opened.tagImage(manifest.descriptor.digest, "next");
    expect(execFileSync("umoci", ["list", "--layout", path]).toString().trim().split("\n").sort()).toEqual([
      "latest",
      "next",
    ]);
    execFileSync("umoci", ["tag", "--image", `${path}:next`, "after"]); // keeps our annotations
    expect((await Array.fromAsync(opened.tags())).sort()).toEqual(["after", "latest", "next"]);
  });
});
