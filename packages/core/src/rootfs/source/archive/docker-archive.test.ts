import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { type Digest, digestHex, digestOf } from "@tranship/registry";
import { aBlob, aLayer, anImage, anIndex, type BuiltBlob, type BuiltImage, partsOf } from "@tranship/registry/testing";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { encodeTarHeader, tarPadding, tarTrailerBytes } from "../../../bundle/tar/tar-header.ts";
import { isMirrorError } from "../../../errors.ts";
import { encodeIndexFile, ociLayoutText } from "../../../layout/index-file.ts";
import { blobPath } from "../../../plan/section.ts";
import { isRootfsError, type RootfsError } from "../../errors.ts";
import { prepareSource } from "../prepare-source.ts";
import type { PreparedSource } from "../source.ts";
import { DockerArchive } from "./docker-archive.ts";

const platform = { os: "linux", architecture: "amd64" };

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "tranship-saved-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

type Content = string | Uint8Array | { readonly link: string; readonly type?: string };

function tarOf(files: Readonly<Record<string, Content>>): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const [name, content] of Object.entries(files)) {
    if (typeof content === "string" || content instanceof Uint8Array) {
      const bytes = Buffer.from(content);
      parts.push(encodeTarHeader(name, bytes.byteLength), bytes, Buffer.alloc(tarPadding(bytes.byteLength)));
      continue;
    }
    const header = Buffer.from(encodeTarHeader(name, 0));
    header.write(content.type ?? "2", 156);
    header.write(content.link, 157);
    header.write("        ", 148);
    header.write(
      `${header
        .reduce((sum, byte) => sum + byte, 0)
        .toString(8)
        .padStart(6, "0")}\0 `,
      148,
    );
    parts.push(header);
  }
  return Buffer.concat([...parts, Buffer.alloc(tarTrailerBytes)]);
}

function write(files: Readonly<Record<string, Content>> | Uint8Array): string {
  const path = join(folder, "saved.tar");
  writeFileSync(path, files instanceof Uint8Array ? files : tarOf(files));
  return path;
}

async function prepared(path: string, reference?: string): Promise<PreparedSource> {
  await using archive = await DockerArchive.open(path);
  return await prepareSource({ ...(await archive.image(reference)), platform });
}

async function failureOf(promise: Promise<unknown>): Promise<RootfsError> {
  const error = await promise.catch((reason: unknown) => reason);
  if (!isRootfsError(error)) throw new Error("it did not fail with a RootfsError", { cause: error });
  return error;
}

const plain = aLayer({ files: { a: "1" }, gzip: false });
const packed = aLayer({ files: { b: "2" } });
const image = anImage({ layers: [plain, packed, plain] });
const other = anImage({ platform: { os: "linux", architecture: "arm64" } });
const id = digestHex(image.config.digest);

/** As Docker wrote it before version 25: a folder a layer, a layer that is there already a link. */
function saved(changes: Readonly<Record<string, Content | undefined>> = {}): Readonly<Record<string, Content>> {
  const files: Readonly<Record<string, Content | undefined>> = {
    "one/VERSION": "1.0",
    "one/layer.tar": plain.bytes,
    "two/layer.tar": packed.bytes,
    "three/layer.tar": { link: "../one/layer.tar" },
    [`${id}.json`]: image.config.bytes,
    "manifest.json": listOf(["one/layer.tar", "two/layer.tar", "three/layer.tar"]),
    ...changes,
  };
  return Object.fromEntries(
    Object.entries(files).flatMap(([name, content]) => (content === undefined ? [] : [[name, content]])),
  );
}

function listOf(layers: readonly string[], tags: readonly string[] | null = ["app:v1", "reg:5000/a/b:t"]): string {
  return JSON.stringify([{ Config: `${id}.json`, RepoTags: tags, Layers: layers }]);
}

/** As Docker writes it since version 25: an image layout beside the list. */
function layoutOf(images: readonly BuiltImage[], name: string): Readonly<Record<string, Content>> {
  const index = anIndex({ images, platforms: images.map((_, at) => (at === 0 ? platform : undefined)) });
  const parts = partsOf(index);
  const descriptor = { ...index.manifest.descriptor, annotations: { "io.containerd.image.name": name } };
  return {
    "oci-layout": ociLayoutText,
    "index.json": encodeIndexFile([descriptor]),
    ...Object.fromEntries(parts.blobs.map(({ digest, bytes }) => [blobPath(digest), bytes])),
    ...Object.fromEntries(
      parts.manifests.map(({ manifest }) => [blobPath(manifest.descriptor.digest), manifest.bytes]),
    ),
  };
}

async function bytesAt(archive: DockerArchive, layer: BuiltBlob): Promise<Uint8Array> {
  const pieces = (await archive.repository.filePieces(layer)) ?? [];
  return Buffer.concat(pieces.map(({ path, offset, length }) => readFileSync(path).subarray(offset, offset + length)));
}

describe("an archive of saved images", () => {
  test("has an image with a manifest of its own, whose layers are read where they lie", async () => {
    await using archive = await DockerArchive.open(write(saved()));
    const opened = await archive.image("app:v1");
    const source = await prepareSource({ ...opened, platform });
    const described = source.image?.layers.map(({ descriptor, diffId }) => [
      descriptor.digest,
      descriptor.size,
      diffId,
    ]);
    expect(described).toEqual([plain, packed, plain].map(({ digest, size, diffId }) => [digest, size, diffId]));
    const { bytes, descriptor } = source.image?.manifest ?? {};
    expect(bytes && digestOf(bytes)).toBe(descriptor?.digest);
    expect(source.digest).toBe(`docker.io/library/app@${source.manifestDigest}`);
    for (const layer of [plain, packed]) {
      expect(await bytesAt(archive, layer)).toEqual(Buffer.from(layer.bytes));
      const chunks: Uint8Array[] = [];
      for await (const chunk of archive.repository.fetchBlob(layer)) chunks.push(chunk);
      expect(Buffer.concat(chunks)).toEqual(Buffer.from(layer.bytes));
    }
    expect(descriptor && (await archive.repository.filePieces(descriptor))).toBeUndefined();
  });

  test("gives the same manifest whatever its files are called", async () => {
    const linked = await prepared(write(saved()));
    const named = write({
      "x/three": { link: "y/one", type: "1" },
      [`blobs/sha256/${id}`]: image.config.bytes,
      "./y/one": plain.bytes,
      [blobPath(packed.digest)]: packed.bytes,
      "manifest.json": JSON.stringify([
        { Config: `blobs/sha256/${id}`, Layers: ["y/one", blobPath(packed.digest), "x/three"] },
      ]),
    });
    expect((await prepared(named)).manifestDigest).toBe(linked.manifestDigest);
  });

  test.for<[string | undefined]>([
    [undefined],
    ["app:v1"],
    ["docker.io/library/app:v1"],
    ["reg:5000/a/b:t"],
    [`sha256:${id}`],
    [`@sha256:${id}`],
  ])("is asked for an image by %s", async ([reference]) => {
    const source = await prepared(write(saved()), reference);
    expect((await prepared(write(saved()), source.manifestDigest)).image?.manifest).toEqual(source.image?.manifest);
  });

  test("says what it has when that is not what is asked for", async () => {
    const failure = await failureOf(prepared(write(saved()), "app:v2"));
    expect([failure.code, failure.details]).toEqual(["IMAGE_NOT_FOUND", { reference: "app:v2", offered: ["app:v1"] }]);
    const [one] = JSON.parse(listOf([])) as object[];
    const two = write(saved({ "manifest.json": JSON.stringify([one, { ...one, RepoTags: null }]) }));
    expect((await failureOf(prepared(two))).details).toEqual({ reference: "", offered: ["app:v1", `sha256:${id}`] });
  });

  test("that is an image layout too is read with the manifests it has", async () => {
    const path = write({ ...layoutOf([image, other], "docker.io/library/app:v1"), "manifest.json": "[]" });
    for (const reference of [undefined, "app:v1", image.manifest.descriptor.digest]) {
      const source = await prepared(path, reference);
      expect(source.manifestDigest).toBe(image.manifest.descriptor.digest);
    }
  });

  test("that is an image layout of single images too is asked for one by its image ID", async () => {
    const path = write({
      "oci-layout": ociLayoutText,
      "index.json": encodeIndexFile([image.manifest.descriptor, other.manifest.descriptor]),
      ...Object.fromEntries(
        [image, other].flatMap(({ manifest, blobs }) => [
          [blobPath(manifest.descriptor.digest), manifest.bytes],
          ...blobs.map(({ digest, bytes }) => [blobPath(digest), bytes] as const),
        ]),
      ),
    });
    expect((await prepared(path, `sha256:${id}`)).manifestDigest).toBe(image.manifest.descriptor.digest);
    expect((await failureOf(prepared(path, "app:v1"))).code).toBe("IMAGE_NOT_FOUND");
  });

  test("that changed since it was opened is not read", async () => {
    const path = write(saved());
    await using archive = await DockerArchive.open(path);
    const { repository, reference } = await archive.image("app:v1");
    writeFileSync(path, "other");
    expect((await failureOf(prepareSource({ imageRef: "app", repository, reference, platform }))).code).toBe(
      "IMAGE_INVALID",
    );
    expect((await failureOf(archive.repository.filePieces(packed))).code).toBe("IMAGE_INVALID");
  });
});

describe("an archive that cannot be used", () => {
  const big = aBlob({ size: 5 * 1024 * 1024 }).bytes;

  test.for<[string, Readonly<Record<string, Content>> | Uint8Array, RegExp]>([
    ["is empty", new Uint8Array(), /holds no files|cut short/],
    ["is no archive", Buffer.alloc(1024, "x"), /checksum/],
    ["is packed", new Uint8Array(gzipSync(tarOf(saved()))), /packed with gzip/],
    ["is cut short", tarOf(saved()).subarray(0, 3000), /cut short/],
    ["has no list", saved({ "manifest.json": undefined }), /no "manifest.json"/],
    ["has a list that is no JSON", saved({ "manifest.json": "[{" }), /is no JSON/],
    ["has a list of another shape", saved({ "manifest.json": '{"Config":"x"}' }), /no list of images/],
    ["has a list that is too large", saved({ "manifest.json": big }), /allowed are/],
    ["has another config than its name says", saved({ [`${id}.json`]: "{}" }), /hashes to/],
    ["lacks the config", saved({ [`${id}.json`]: undefined }), /there is no/],
    ["lacks a layer", saved({ "two/layer.tar": undefined }), /no layer "two\/layer.tar"/],
    ["has too few layers", saved({ "manifest.json": listOf(["one/layer.tar"]) }), /1 layers, its config tells of 3/],
    ["has a link to nothing", saved({ "one/layer.tar": undefined }), /no layer "one\/layer.tar"/],
    [
      "has a link that leads out",
      saved({ "three/layer.tar": { link: "../../etc/passwd" } }),
      /leads out of the archive/,
    ],
    ["has an absolute link", saved({ "three/layer.tar": { link: "/etc/passwd" } }), /leads out of the archive/],
    ["has links in a circle", saved({ "three/layer.tar": { link: "layer.tar" } }), /no layer "three\/layer.tar"/],
    ["has a hard link that leads out", saved({ x: { link: "../x", type: "1" } }), /leads out/],
    ["has a name that leads out", saved({ "../x": "" }), /leads out/],
    ["has a device", saved({ dev: { link: "", type: "3" } }), /of type "3"/],
    ["has an index that is none", saved({ "index.json": "[[[" }), /index.json cannot be read/],
  ])("because it %s is refused", async ([, files, message]) => {
    const failure = await failureOf(prepared(write(files), files instanceof Uint8Array ? undefined : "app:v1"));
    expect([failure.code, failure.message]).toEqual(["IMAGE_INVALID", expect.stringMatching(message)]);
  });

  test("however it was damaged, is refused in words", async () => {
    const whole = tarOf(saved());
    const damage = fc.tuple(fc.nat(whole.byteLength - 1), fc.nat(255));
    await fc.assert(
      fc.asyncProperty(
        fc.array(damage, { minLength: 1, maxLength: 8 }),
        fc.nat(whole.byteLength),
        async (damages, end) => {
          const bytes = Uint8Array.from(damages.length > 6 ? whole.subarray(0, end) : whole);
          for (const [at, value] of damages) if (at < bytes.byteLength) bytes[at] = value;
          const error = await prepared(write(bytes)).then(
            () => undefined,
            (reason: unknown) => reason,
          );
          expect(error === undefined || isRootfsError(error)).toBe(true);
        },
      ),
      { numRuns: 150 },
    );
  });

  test("because it is not there is told so", async () => {
    const error = await DockerArchive.open(join(folder, "none.tar")).catch((reason: unknown) => reason);
    expect(isRootfsError(error, "FILE_FAILED") && error.details.reason).toBe("ENOENT");
    expect(isMirrorError(error)).toBe(false);
  });

  test("is found out when a layer is read that is another one", async () => {
    const wrong = aLayer({ files: { evil: "1" }, gzip: false });
    await using archive = await DockerArchive.open(write(saved({ "one/layer.tar": wrong.bytes })));
    const source = await prepareSource({ ...(await archive.image("app:v1")), platform });
    const [layer] = source.image?.layers ?? [];
    const read = async () => {
      if (layer) for await (const _ of archive.repository.fetchBlob(layer.descriptor));
    };
    await expect(read()).rejects.toMatchObject({
      code: "DIGEST_MISMATCH",
      details: { expected: plain.diffId as Digest },
    });
  });
});
