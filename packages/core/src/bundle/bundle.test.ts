import { execFileSync } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import {
  type Blob,
  type Descriptor,
  type Digest,
  digestOf,
  type Manifest,
  MediaType,
  manifestOf,
} from "@tranship/registry";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { MirrorEvent } from "../events.ts";
import { ImageLayout } from "../layout/image-layout.ts";
import { encodeIndexFile } from "../layout/index-file.ts";
import { readImageFiles } from "../plan/layers/image-files.ts";
import { blobPath } from "../plan/section.ts";
import { Bundle } from "./bundle.ts";
import { verifyBundle } from "./verify-bundle.ts";

let folder = "";
let bundleFolder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tranship-bundle-"));
  bundleFolder = join(folder, "bundle");
  mkdirSync(bundleFolder);
});
afterEach(() => rmSync(folder, { recursive: true }));

/** A tree of layouts on disk that becomes one archive. */
function tree(name: string): { readonly root: string; layout(path: string): Promise<ImageLayout> } {
  const root = join(folder, "trees", name);
  mkdirSync(root, { recursive: true });
  return { root, layout: (path) => ImageLayout.open(join(root, path)) };
}

function pack(root: string, archive: string): void {
  const names = readdirSync(root);
  execFileSync("tar", [
    "--format=gnu",
    "--sort=name",
    "-b",
    "1",
    "-cf",
    join(bundleFolder, archive),
    "-C",
    root,
    ...names,
  ]);
}

async function store(layout: ImageLayout, text: string, mediaType: string): Promise<Descriptor> {
  const bytes = new TextEncoder().encode(text);
  const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.byteLength };
  await layout.pushBlob(descriptor, async function* () {
    yield bytes;
  });
  return descriptor;
}

interface Made {
  readonly manifest: Manifest;
  readonly digest: Digest;
  readonly config: Blob;
  readonly layer: Blob;
}

async function put(layout: ImageLayout, seed: string, tags: readonly string[], refName = `src/${seed}`): Promise<Made> {
  const config = await store(layout, `{"seed":"${seed}","config":{}}`, MediaType.ociConfig);
  const layer = await store(layout, `layer of ${seed}`.repeat(1000), MediaType.ociLayer);
  const body = { schemaVersion: 2, mediaType: MediaType.ociManifest, config, layers: [layer] };
  const made = manifestOf(new TextEncoder().encode(JSON.stringify(body)), MediaType.ociManifest);
  const annotations = { "org.opencontainers.image.ref.name": refName };
  const manifest = { ...made, descriptor: { ...made.descriptor, annotations } };
  await layout.pushManifest(manifest, { tags });
  return { manifest, digest: made.descriptor.digest, config, layer };
}

async function textOf(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  return Buffer.concat(await Array.fromAsync(bytes)).toString();
}

function codeOf(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => "no error",
    (error: { readonly code?: unknown }) => error.code ?? error,
  );
}

test("a bundle reads as a registry", async () => {
  const { root, layout } = tree("package");
  const main = await put(await layout("packages/console"), "v1", ["v1", "stable"]);
  await put(await layout("packages/console/version"), "meta", ["v1"]);
  await put(await layout("."), "root", ["r"]);
  pack(root, "package-console.tar");
  await using bundle = await Bundle.open(bundleFolder);
  expect(await Array.fromAsync(bundle.repositories())).toEqual(["", "packages/console", "packages/console/version"]);
  const repository = bundle.repository("packages/console");
  expect(repository.name).toBe(`bundle:${bundleFolder}/packages/console`);
  expect(await Array.fromAsync(repository.tags())).toEqual(["v1", "stable"]);
  expect((await repository.resolve("stable"))?.digest).toBe(main.digest);
  expect((await repository.manifest("v1")).bytes).toEqual(main.manifest.bytes);
  expect((await repository.manifest(main.digest)).bytes).toEqual(main.manifest.bytes);
  expect(await repository.statBlob(main.layer.digest)).toEqual({ size: main.layer.size });
  const whole = "layer of v1".repeat(1000);
  expect(await textOf(repository.fetchBlob(main.layer))).toBe(whole);
  expect(await textOf(repository.fetchBlob(main.layer, { offset: 100, length: 50 }))).toBe(whole.slice(100, 150));
  expect(await textOf(repository.fetchBlob(main.layer, { offset: 10_990 }))).toBe(whole.slice(10_990));
  expect(await Array.fromAsync(bundle.repository("").tags())).toEqual(["r"]);
  await bundle.checkGraphs();
  expect(bundle.archives.map(({ name, bytes }) => [name, bytes])).toEqual([
    ["package-console.tar", statSync(join(bundleFolder, "package-console.tar")).size],
  ]);
});

test("what is not in a bundle is missing, and said to be so", async () => {
  const { root, layout } = tree("a");
  const { config, layer } = await put(await layout("app"), "v1", ["v1"]);
  pack(root, "a.tar");
  await using bundle = await Bundle.open(bundleFolder);
  const absent = digestOf(new Uint8Array());
  for (const repository of [bundle.repository("app"), bundle.repository("other")]) {
    expect(await repository.resolve("v2")).toBeUndefined();
    expect(await repository.resolve(absent)).toBeUndefined();
    expect(await repository.statBlob(absent)).toBeUndefined();
    expect(await codeOf(repository.manifest("v2"))).toBe("NOT_FOUND");
    expect(await codeOf(textOf(repository.fetchBlob({ digest: absent, size: 0 })))).toBe("NOT_FOUND");
  }
  expect(await bundle.repository("app").resolve(config.digest)).toBeUndefined();
  expect(await bundle.repository("app").resolve(layer.digest)).toBeUndefined();
  expect(await codeOf(Array.fromAsync(bundle.repository("other").tags()))).toBe("NOT_FOUND");
  expect(await codeOf(textOf(bundle.repository("app").fetchBlob({ ...layer, size: 5 })))).toBe("SIZE_MISMATCH");
});

test("files of its images can be read", async () => {
  const { root, layout } = tree("a");
  const app = await layout("app");
  writeFileSync(join(folder, "version.json"), '{"version":"v1"}');
  const archive = execFileSync("tar", ["-czf", "-", "-C", folder, "./version.json"]);
  const layer = { mediaType: MediaType.ociLayerGzip, digest: digestOf(archive), size: archive.byteLength };
  await app.pushBlob(layer, async function* () {
    yield archive;
  });
  const config = await store(app, "{}", MediaType.ociConfig);
  const body = { schemaVersion: 2, config, layers: [layer] };
  await app.pushManifest(manifestOf(new TextEncoder().encode(JSON.stringify(body)), MediaType.ociManifest), {
    tags: ["v1"],
  });
  pack(root, "a.tar");
  await using bundle = await Bundle.open(bundleFolder);
  const repository = bundle.repository("app");
  const files = await readImageFiles(repository, await repository.manifest("v1"), ["version.json", "absent"]);
  expect([...files].map(([name, bytes]) => [name, Buffer.from(bytes).toString()])).toEqual([
    ["version.json", '{"version":"v1"}'],
  ]);
});

test("chunks read as the archive they were cut from, even inside a header", async () => {
  const { root, layout } = tree("a");
  const { layer } = await put(await layout("app"), "v1", ["v1"]);
  pack(root, "a.tar");
  const archive = readFileSync(join(bundleFolder, "a.tar"));
  rmSync(join(bundleFolder, "a.tar"));
  const cuts = [0, 100, 700, 5000, archive.byteLength - 3];
  const chunk = (nth: number) => join(bundleFolder, `a.tar.${String(nth).padStart(4, "0")}.chunk`);
  for (const [nth, at] of cuts.entries()) writeFileSync(chunk(nth), archive.subarray(at, cuts[nth + 1]));
  {
    await using bundle = await Bundle.open(bundleFolder);
    expect(bundle.archives.map(({ name, bytes }) => [name, bytes])).toEqual([["a.tar", archive.byteLength]]);
    expect(await textOf(bundle.repository("app").fetchBlob(layer))).toBe("layer of v1".repeat(1000));
    expect(await verifyBundle(bundle)).toMatchObject({ ok: true, blobs: 3 });
  }
  renameSync(chunk(2), join(folder, "away"));
  await expect(Bundle.open(bundleFolder)).rejects.toMatchObject({
    code: "ARCHIVE_INVALID",
    details: { archive: "a.tar", reason: "chunk 0002 is missing" },
  });
  renameSync(join(folder, "away"), chunk(2));
  rmSync(chunk(4));
  await expect(Bundle.open(bundleFolder)).rejects.toMatchObject({
    code: "ARCHIVE_INVALID",
    details: { archive: "a.tar" },
  });
  writeFileSync(join(bundleFolder, "a.tar"), archive);
  await expect(Bundle.open(bundleFolder)).rejects.toMatchObject({
    code: "ARCHIVE_INVALID",
    details: { archive: "a.tar" },
  });
});

describe("archives that share a repository", () => {
  test("are joined whatever their order; the later ref.name wins a tag, and the conflict is told", async () => {
    const one = tree("one");
    const two = tree("two");
    const a = await put(await one.layout("app"), "a", ["v1", "stable"]);
    const b = await put(await two.layout("app"), "b", ["v2", "stable"]);
    const shared = await put(await one.layout("app"), "shared", ["shared"]);
    await put(await two.layout("app"), "shared", ["shared"]);
    for (const [first, second] of [
      [one, two],
      [two, one],
    ] as const) {
      pack(first.root, "1.tar");
      pack(second.root, "2.tar");
      const events: MirrorEvent[] = [];
      await using bundle = await Bundle.open(bundleFolder, { onEvent: (event) => events.push(event) });
      const repository = bundle.repository("app");
      expect((await Array.fromAsync(repository.tags())).toSorted()).toEqual(["shared", "stable", "v1", "v2"]);
      expect((await repository.resolve("stable"))?.digest).toBe(b.digest); // src/b comes after src/a
      expect((await repository.resolve("shared"))?.digest).toBe(shared.digest);
      expect(await textOf(repository.fetchBlob(a.layer))).toBe("layer of a".repeat(1000));
      expect(events).toMatchObject([{ type: "warning.raised", code: "TAG_CONFLICT", reference: "app:stable" }]);
    }
  });

  test("with one ref.name for two images, the later archive wins", async () => {
    const one = tree("one");
    const two = tree("two");
    const a = await put(await one.layout("app"), "a", ["stable"], "src/app");
    const b = await put(await two.layout("app"), "b", ["stable"], "src/app");
    for (const [first, second, winner] of [
      [one, two, b],
      [two, one, a],
    ] as const) {
      pack(first.root, "1.tar");
      pack(second.root, "2.tar");
      await using bundle = await Bundle.open(bundleFolder);
      expect((await bundle.repository("app").resolve("stable"))?.digest).toBe(winner.digest);
    }
  });
});

test("an image without a short tag has no tag, and is told of", async () => {
  const { root, layout } = tree("a");
  const { manifest, digest } = await put(await layout("app"), "v1", []);
  writeFileSync(join(root, "app", "index.json"), encodeIndexFile([manifest.descriptor]));
  pack(root, "a.tar");
  const events: MirrorEvent[] = [];
  await using bundle = await Bundle.open(bundleFolder, { onEvent: (event) => events.push(event) });
  expect(await Array.fromAsync(bundle.repository("app").tags())).toEqual([]);
  expect((await bundle.repository("app").resolve(digest))?.digest).toBe(digest);
  expect(events).toMatchObject([{ type: "warning.raised", code: "TAG_ABSENT", reference: `app@${digest}` }]);
});

test("an archive of a module from before modules had a folder of their own is put there", async () => {
  const { root, layout } = tree("module");
  await put(await layout("."), "main", ["v1"]);
  await put(await layout("release"), "meta", ["stable"]);
  pack(root, "module-ingress.tar");
  await using bundle = await Bundle.open(bundleFolder);
  expect(await Array.fromAsync(bundle.repositories())).toEqual(["modules/ingress", "modules/ingress/release"]);
  await bundle.checkGraphs();
  expect(await verifyBundle(bundle)).toMatchObject({ ok: true, images: 2, blobs: 6 });
});

test("referrers are found through the fallback tag", async () => {
  const { root, layout } = tree("a");
  const app = await layout("app");
  const subject = await put(app, "v1", ["v1"]);
  const attestation = await put(app, "attestation", []);
  const listed = { ...attestation.manifest.descriptor, annotations: { a: "b" }, artifactType: "application/example" };
  const body = { schemaVersion: 2, mediaType: MediaType.ociIndex, manifests: [listed] };
  const index = manifestOf(new TextEncoder().encode(JSON.stringify(body)), MediaType.ociIndex);
  await app.pushManifest(index, { tags: [subject.digest.replace(":", "-")] });
  pack(root, "a.tar");
  await using bundle = await Bundle.open(bundleFolder);
  const repository = bundle.repository("app");
  expect(await Array.fromAsync(repository.referrers(subject.digest))).toEqual([listed]);
  expect(await Array.fromAsync(repository.referrers(subject.digest, { artifactType: "other" }))).toEqual([]);
  expect((await repository.manifest(attestation.digest)).bytes).toEqual(attestation.manifest.bytes);
});

describe("opening", () => {
  test("finds archives through links and on read-only media, and nothing else", async () => {
    const { root, layout } = tree("a");
    await put(await layout("app"), "v1", ["v1"]);
    pack(root, "a.tar");
    renameSync(join(bundleFolder, "a.tar"), join(folder, "elsewhere"));
    symlinkSync(join(folder, "elsewhere"), join(bundleFolder, "linked.tar"));
    for (const name of ["b.tar.tmp", "c.tar.partial", "d.tar.gostsum", "._linked.tar", "notes.txt"])
      writeFileSync(join(bundleFolder, name), "no archive");
    mkdirSync(join(bundleFolder, "folder.tar"));
    chmodSync(bundleFolder, 0o500);
    try {
      await using bundle = await Bundle.open(bundleFolder);
      expect(bundle.archives.map(({ name }) => name)).toEqual(["linked.tar"]);
    } finally {
      chmodSync(bundleFolder, 0o700);
    }
  });

  test("a link to an archive that is away is an error, not an archive less", async () => {
    symlinkSync(join(folder, "away"), join(bundleFolder, "a.tar"));
    await expect(Bundle.open(bundleFolder)).rejects.toMatchObject({
      code: "FILE_FAILED",
      details: { reason: "ENOENT" },
    });
  });

  test("a place without archives is no bundle", async () => {
    expect(await codeOf(Bundle.open(bundleFolder))).toBe("BUNDLE_NOT_FOUND");
    expect(await codeOf(Bundle.open(join(bundleFolder, "missing")))).toBe("BUNDLE_NOT_FOUND");
    writeFileSync(join(bundleFolder, "file"), "");
    expect(await codeOf(Bundle.open(join(bundleFolder, "file")))).toBe("BUNDLE_NOT_FOUND");
  });

  test("an interrupted pull is no bundle yet", async () => {
    mkdirSync(join(bundleFolder, ".tranship"));
    writeFileSync(join(bundleFolder, ".tranship", "plan.ndjson"), "");
    await expect(Bundle.open(bundleFolder)).rejects.toMatchObject({
      code: "BUNDLE_UNFINISHED",
      message: expect.stringContaining("again"),
    });
  });

  test("every archive of the lock must be there; others are read too", async () => {
    const { root, layout } = tree("a");
    await put(await layout("app"), "v1", ["v1"]);
    pack(root, "b.tar");
    const lock = { version: 1, archives: [], missing: [], files: [{ archive: "a.tar", bytes: 1, entries: [] }] };
    writeFileSync(join(bundleFolder, "tranship.lock.json"), JSON.stringify(lock));
    await expect(Bundle.open(bundleFolder)).rejects.toMatchObject({
      code: "ARCHIVE_INVALID",
      details: { archive: "a.tar" },
    });
    writeFileSync(join(bundleFolder, "tranship.lock.json"), JSON.stringify({ ...lock, files: [] }));
    await using bundle = await Bundle.open(bundleFolder);
    expect(bundle.lock).toMatchObject({ files: [] });
    expect(await Array.fromAsync(bundle.repositories())).toEqual(["app"]);
  });

  test.for<{ readonly name: string; spoil(root: string, made: Made): void; readonly entry: string }>([
    {
      name: "an index that is no JSON",
      entry: "app/index.json",
      spoil: (root) => writeFileSync(join(root, "app/index.json"), "{"),
    },
    {
      name: "a manifest that is missing",
      entry: "app/index.json",
      spoil: (root, { digest }) => rmSync(join(root, "app", blobPath(digest))),
    },
    {
      name: "a manifest of another size",
      entry: "app/index.json",
      spoil: (root, { digest }) => writeFileSync(join(root, "app", blobPath(digest)), "short"),
    },
    {
      name: "a tag that is none",
      entry: "app/index.json",
      spoil: (root, { manifest }) => {
        const annotations = { "io.deckhouse.image.short_tag": "../v1" };
        writeFileSync(join(root, "app/index.json"), encodeIndexFile([{ ...manifest.descriptor, annotations }]));
      },
    },
    {
      name: "a descriptor of no manifest",
      entry: "app/index.json",
      spoil: (root, { manifest }) =>
        writeFileSync(
          join(root, "app/index.json"),
          encodeIndexFile([{ ...manifest.descriptor, mediaType: "text/plain" }]),
        ),
    },
    {
      name: "a folder that is no repository path",
      entry: "Not A Path/index.json",
      spoil: (root) => {
        mkdirSync(join(root, "Not A Path"));
        writeFileSync(join(root, "Not A Path/index.json"), encodeIndexFile([]));
      },
    },
    {
      name: "a blob of two sizes",
      entry: "other/",
      spoil: (root, { layer }) => {
        const path = join(root, "other", blobPath(layer.digest));
        mkdirSync(dirname(path), { recursive: true });
        writeFileSync(path, "short");
      },
    },
  ])("refuses $name, naming archive and entry", async ({ spoil, entry }) => {
    const { root, layout } = tree("a");
    spoil(root, await put(await layout("app"), "v1", ["v1"]));
    pack(root, "a.tar");
    await expect(Bundle.open(bundleFolder)).rejects.toMatchObject({
      code: "ARCHIVE_INVALID",
      details: { archive: "a.tar", entry: expect.stringContaining(entry) },
    });
  });
});

describe("a bundle that lost something", () => {
  test.for<{ readonly name: string; spoil(root: string, made: Made): void; readonly code: string }>([
    {
      name: "a layer",
      code: "NOT_FOUND",
      spoil: (root, { layer }) => rmSync(join(root, "app", blobPath(layer.digest))),
    },
    {
      name: "a config",
      code: "NOT_FOUND",
      spoil: (root, { config }) => rmSync(join(root, "app", blobPath(config.digest))),
    },
    {
      name: "part of a layer",
      code: "SIZE_MISMATCH",
      spoil: (root, { layer }) => writeFileSync(join(root, "app", blobPath(layer.digest)), "short"),
    },
    {
      name: "a bit of a manifest",
      code: "DIGEST_MISMATCH",
      spoil: (root, { digest }) => {
        const path = join(root, "app", blobPath(digest));
        writeFileSync(
          path,
          readFileSync(path).map((byte, at) => (at === 3 ? byte ^ 1 : byte)),
        );
      },
    },
  ])("$name fails the check and the verification", async ({ spoil, code }) => {
    const { root, layout } = tree("a");
    spoil(root, await put(await layout("app"), "v1", ["v1"]));
    pack(root, "a.tar");
    await using bundle = await Bundle.open(bundleFolder);
    await expect(bundle.checkGraphs()).rejects.toMatchObject({
      code: "ARCHIVE_INVALID",
      details: { archive: "a.tar", entry: expect.stringContaining("app/") },
    });
    const report = await verifyBundle(bundle);
    expect(report.ok).toBe(false);
    expect(report.findings).toContainEqual(
      expect.objectContaining({ archive: "a.tar", code, entry: expect.stringContaining("app/") }),
    );
  });

  test("verification goes on and reports every damaged copy", async () => {
    const { root, layout } = tree("a");
    const { layer } = await put(await layout("app"), "v1", ["v1"]);
    await put(await layout("other"), "v1", ["v1"]);
    pack(root, "a.tar");
    pack(root, "b.tar");
    const archive = readFileSync(join(bundleFolder, "b.tar"));
    for (let at = archive.indexOf("layer of v1"); at >= 0; at = archive.indexOf("layer of v1", at + 11_000))
      archive[at] = 0;
    writeFileSync(join(bundleFolder, "b.tar"), archive);
    const events: MirrorEvent[] = [];
    await using bundle = await Bundle.open(bundleFolder);
    const report = await verifyBundle(bundle, { onEvent: (event) => events.push(event) });
    expect(report).toMatchObject({ ok: false, archives: 2, images: 2, blobs: 12 });
    expect(report.findings.map(({ archive: name, entry, code }) => [name, entry, code])).toEqual([
      ["b.tar", `app/${blobPath(layer.digest)}`, "DIGEST_MISMATCH"],
      ["b.tar", `other/${blobPath(layer.digest)}`, "DIGEST_MISMATCH"],
    ]);
    expect(events.filter(({ type }) => type === "blob.finished")).toHaveLength(10);
  });

  test("a damaged layer is never passed on whole, and the error says where it lies", async () => {
    const { root, layout } = tree("a");
    const { layer } = await put(await layout("app"), "v1", ["v1"]);
    writeFileSync(join(root, "app", blobPath(layer.digest)), "x".repeat(layer.size));
    pack(root, "a.tar");
    await using bundle = await Bundle.open(bundleFolder);
    await expect(textOf(bundle.repository("app").fetchBlob(layer))).rejects.toMatchObject({
      code: "DIGEST_MISMATCH",
      details: { reference: `app/${blobPath(layer.digest)} in a.tar` },
    });
  });
});
