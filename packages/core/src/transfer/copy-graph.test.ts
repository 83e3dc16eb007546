import {
  type Blob,
  createRegistry,
  type Descriptor,
  type Digest,
  digestOf,
  type Manifest,
  MediaType,
  MemoryRegistry,
  type MemoryRepository,
  manifestOf,
  type RepositoryReader,
} from "@tranship/registry";
import { anArtifact, anImage, faults, seedMemory, startTestRegistry } from "@tranship/registry/testing";
import { describe, expect, test } from "vitest";
import { isMirrorError } from "../errors.ts";
import { copyGraph } from "./copy-graph.ts";
import { graphOf } from "./graph.ts";

const encode = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

function putBlob(repository: MemoryRepository, text: string, mediaType: string = MediaType.ociLayer): Descriptor {
  const bytes = new TextEncoder().encode(text);
  const descriptor = { mediaType, digest: digestOf(bytes), size: bytes.byteLength };
  repository.putBlob(descriptor, bytes);
  return descriptor;
}

function putImage(repository: MemoryRepository, layers: readonly Descriptor[], tags: readonly string[] = []): Manifest {
  const config = putBlob(repository, `config of ${layers.map(({ digest }) => digest)}`, MediaType.ociConfig);
  const body = { schemaVersion: 2, mediaType: MediaType.ociManifest, config, layers };
  const manifest = manifestOf(encode(body), MediaType.ociManifest);
  repository.putManifest(manifest, tags);
  return manifest;
}

function putIndex(
  repository: MemoryRepository,
  manifests: readonly Descriptor[],
  tags: readonly string[] = [],
): Manifest {
  const manifest = manifestOf(
    encode({ schemaVersion: 2, mediaType: MediaType.ociIndex, manifests }),
    MediaType.ociIndex,
  );
  repository.putManifest(manifest, tags);
  return manifest;
}

/** An index in an index, with a layer and an image in common and a foreign layer. */
function putNested(repository: MemoryRepository, tags: readonly string[] = []) {
  const common = putBlob(repository, "common");
  const foreign = { ...common, digest: digestOf(encode("elsewhere")), mediaType: MediaType.dockerForeignLayerGzip };
  const amd64 = putImage(repository, [common, putBlob(repository, "amd64"), foreign]);
  const arm64 = putImage(repository, [common, putBlob(repository, "arm64"), common]);
  const other = putBlob(repository, "other content", "application/vnd.example.thing");
  const inner = putIndex(repository, [amd64.descriptor, arm64.descriptor, other]);
  const outer = putIndex(repository, [arm64.descriptor, inner.descriptor], tags);
  return { common, foreign, amd64, arm64, other, inner, outer };
}

function digestsOf(descriptors: readonly { readonly digest: Digest }[]): readonly Digest[] {
  return descriptors.map(({ digest }) => digest);
}

describe("graphOf", () => {
  test("gives leaves before parents, each once, with their bytes, and leaves foreign layers out", async () => {
    const repository = new MemoryRegistry().repository("app");
    const { common, amd64, arm64, other, inner, outer, foreign } = putNested(repository);
    const graph = await graphOf(repository, outer.descriptor);
    expect(graph.manifests.map(({ descriptor, bytes }) => ({ descriptor, bytes }))).toEqual([
      arm64,
      amd64,
      inner,
      outer,
    ]);
    expect(graph.manifests.map(({ children }) => children)).toEqual([
      [],
      [],
      digestsOf([amd64.descriptor, arm64.descriptor]),
      digestsOf([arm64.descriptor, inner.descriptor]),
    ]);
    expect(graph.manifests[0]?.blobs).toHaveLength(3);
    expect(graph.manifests[2]?.blobs).toEqual([other]);
    const blobs = digestsOf(graph.blobs);
    expect(new Set(blobs).size).toBe(6);
    expect(blobs).toHaveLength(6);
    expect(blobs).toContain(common.digest);
    expect(blobs).not.toContain(foreign.digest);
  });

  test("takes eight levels of indexes and refuses more", async () => {
    const repository = new MemoryRegistry().repository("app");
    let { descriptor } = putImage(repository, [putBlob(repository, "layer")]);
    for (let level = 0; level < 8; level += 1) descriptor = putIndex(repository, [descriptor]).descriptor;
    expect((await graphOf(repository, descriptor)).manifests).toHaveLength(9);
    const tooDeep = putIndex(repository, [descriptor]).descriptor;
    await expect(graphOf(repository, tooDeep)).rejects.toMatchObject({ code: "INVALID_MANIFEST" });
  });

  test("takes ten thousand manifests and refuses more", async () => {
    const repository = new MemoryRegistry().repository("app");
    const leaves = Array.from({ length: 9_999 }, (_, number) => {
      const body = { schemaVersion: 2, mediaType: MediaType.ociIndex, manifests: [], annotations: { n: `${number}` } };
      const leaf = manifestOf(encode(body), MediaType.ociIndex);
      repository.putManifest(leaf);
      return leaf.descriptor;
    });
    const half = putIndex(repository, leaves.slice(0, 5_000)).descriptor;
    const most = putIndex(repository, [half, ...leaves.slice(5_000, 9_998)]).descriptor;
    expect((await graphOf(repository, most)).manifests).toHaveLength(10_000);
    const tooMany = putIndex(repository, [half, ...leaves.slice(5_000)]).descriptor;
    await expect(graphOf(repository, tooMany)).rejects.toMatchObject({ code: "INVALID_MANIFEST" });
  });

  test.for([
    { name: "a child", size: 7 },
    { name: "a layer in two sizes", size: undefined },
  ])("refuses sizes that contradict each other: $name", async ({ size }) => {
    const repository = new MemoryRegistry().repository("app");
    const layer = putBlob(repository, "layer");
    const image = putImage(repository, [layer]);
    const root =
      size === undefined
        ? putImage(repository, [layer, { ...layer, size: layer.size + 1 }])
        : putIndex(repository, [{ ...image.descriptor, size }]);
    await expect(graphOf(repository, root.descriptor)).rejects.toMatchObject({ code: "INVALID_MANIFEST" });
  });
});

describe("copyGraph", () => {
  test.for([
    { name: "before the image that has it as a layer", isFirst: true },
    { name: "after that", isFirst: false },
  ])(
    "copies a manifest that an image has as a layer both as manifest and as blob: listed $name",
    async ({ isFirst }) => {
      const source = new MemoryRegistry().repository("app");
      const inner = putImage(source, [putBlob(source, "layer")]);
      source.putBlob(inner.descriptor, inner.bytes);
      const outer = putImage(source, [{ ...inner.descriptor, mediaType: "application/octet-stream" }]);
      const listed = [outer.descriptor, inner.descriptor];
      putIndex(source, isFirst ? listed.toReversed() : listed, ["v1"]);
      const target = new MemoryRegistry().repository("copy");
      await copyGraph(source, target, "v1");
      expect((await target.manifest(inner.descriptor.digest)).bytes).toEqual(inner.bytes);
      expect(await target.statBlob(inner.descriptor.digest)).toEqual({ size: inner.descriptor.size });
    },
  );

  test("copies an index whole, byte for byte, under its tag", async () => {
    const source = new MemoryRegistry({ name: "source" }).repository("app");
    const target = new MemoryRegistry({ name: "target" }).repository("copy");
    const { outer } = putNested(source, ["v1"]);
    const report = await copyGraph(source, target, "v1");
    expect(report).toMatchObject({ outcome: "written", blobs: { written: 6, mounted: 0, present: 0 } });
    expect(await target.resolve("v1")).toEqual(outer.descriptor);
    expect(await graphOf(target, outer.descriptor)).toEqual(await graphOf(source, outer.descriptor));
    for (const blob of (await graphOf(source, outer.descriptor)).blobs) {
      expect(await target.statBlob(blob.digest)).toEqual({ size: blob.size });
    }
  });

  test("names the copy of a descriptor as asked, and without names only stores it", async () => {
    const source = new MemoryRegistry({ name: "source" }).repository("app");
    const target = new MemoryRegistry({ name: "target" }).repository("copy");
    const { descriptor } = putImage(source, [putBlob(source, "layer")]);
    await copyGraph(source, target, descriptor);
    expect(await target.resolve(descriptor.digest)).toEqual(descriptor);
    await expect(Array.fromAsync(target.tags())).resolves.toEqual([]);
    const named = await copyGraph(source, target, descriptor, { tags: ["a", "b"] });
    expect(named.blobs).toEqual({ written: 0, mounted: 0, present: 2 });
    await expect(Array.fromAsync(target.tags())).resolves.toEqual(["a", "b"]);
  });

  test("sends nothing for an image that is there", async () => {
    const source = new MemoryRegistry({ name: "source" }).repository("app");
    const target = new MemoryRegistry({ name: "target" }).repository("copy");
    putNested(source, ["v1"]);
    await copyGraph(source, target, "v1");
    const events: string[] = [];
    const report = await copyGraph(source, target, "v1", { onEvent: ({ type }) => events.push(type) });
    expect(report).toMatchObject({ outcome: "present", blobs: { written: 0, mounted: 0, present: 0 } });
    expect(report.bytes.manifests).toBe(0);
    expect(events).toEqual(["image.finished"]);
  });

  test("a tag the source does not have is the source's failure", async () => {
    const source = new MemoryRegistry({ name: "source" }).repository("app");
    const target = new MemoryRegistry({ name: "target" }).repository("copy");
    const failed = copyGraph(source, target, "v9");
    await expect(failed).rejects.toMatchObject({
      code: "TRANSFER_FAILED",
      details: { side: "source", reference: "source/app:v9", failure: "missing", code: "NOT_FOUND" },
    });
  });

  test("a blob the source cannot give leaves the manifest unpublished and is wrapped once", async () => {
    const source = new MemoryRegistry({ name: "source" }).repository("app");
    const target = new MemoryRegistry({ name: "target" }).repository("copy");
    const { common, outer } = putNested(source, ["v1"]);
    const broken = withBrokenBlob(source, common.digest);
    const error: unknown = await copyGraph(broken, target, "v1").catch((caught: unknown) => caught);
    expect(isMirrorError(error, "TRANSFER_FAILED") && error.details).toEqual({
      side: "source",
      reference: "source/app:v1",
      failure: "local",
    });
    expect(error).toMatchObject({ message: "cannot push source/app:v1 to target/copy: the disk is gone" });
    expect(await target.resolve("v1")).toBeUndefined();
    expect(await target.resolve(outer.descriptor.digest)).toBeUndefined();
  });

  test.for([
    { name: "is read again", damages: 2, digestOfTarget: "there" },
    { name: "that stays damaged is the source's failure", damages: Number.POSITIVE_INFINITY, digestOfTarget: "none" },
  ])("a blob that arrives damaged $name", async ({ damages, digestOfTarget }) => {
    const source = new MemoryRegistry({ name: "source" }).repository("app");
    const target = new MemoryRegistry({ name: "target" }).repository("copy");
    const { common, outer } = putNested(source, ["v1"]);
    const copied = copyGraph(withDamagedBlob(source, common.digest, damages), target, "v1");
    if (digestOfTarget === "there") await copied;
    else
      await expect(copied).rejects.toMatchObject({
        details: { side: "source", failure: "corrupt", code: "DIGEST_MISMATCH" },
      });
    expect((await target.resolve("v1"))?.digest).toBe(digestOfTarget === "there" ? outer.descriptor.digest : undefined);
  });

  test("an aborted copy rejects with the reason, unwrapped", async () => {
    const source = new MemoryRegistry({ name: "source" }).repository("app");
    const target = new MemoryRegistry({ name: "target" }).repository("copy");
    putNested(source, ["v1"]);
    const controller = new AbortController();
    const reason = new Error("enough");
    const onEvent = ({ type }: { readonly type: string }) => {
      if (type === "blob.started") controller.abort(reason);
    };
    await expect(copyGraph(source, target, "v1", { signal: controller.signal, onEvent })).rejects.toBe(reason);
    expect(await target.resolve("v1")).toBeUndefined();
  });
});

/** A repository whose disk fails in the middle of one blob. */
function withBrokenBlob(repository: MemoryRepository, broken: Digest): RepositoryReader {
  return {
    name: repository.name,
    resolve: (...args) => repository.resolve(...args),
    manifest: (...args) => repository.manifest(...args),
    statBlob: (...args) => repository.statBlob(...args),
    tags: (...args) => repository.tags(...args),
    referrers: (...args) => repository.referrers(...args),
    async *fetchBlob(blob: Blob, options) {
      yield* repository.fetchBlob(blob, { ...options, length: blob.digest === broken ? 2 : blob.size });
      if (blob.digest === broken) throw new Error("the disk is gone");
    },
  };
}

/** A repository one of whose blobs comes damaged, so many times. */
function withDamagedBlob(repository: MemoryRepository, damaged: Digest, times: number): RepositoryReader {
  let left = times;
  return {
    name: repository.name,
    resolve: (...args) => repository.resolve(...args),
    manifest: (...args) => repository.manifest(...args),
    statBlob: (...args) => repository.statBlob(...args),
    tags: (...args) => repository.tags(...args),
    referrers: (...args) => repository.referrers(...args),
    async *fetchBlob(blob: Blob, options) {
      const isDamaged = blob.digest === damaged && left-- > 0;
      for await (const chunk of repository.fetchBlob(blob, options))
        yield isDamaged ? chunk.map((byte) => byte ^ 1) : chunk;
    },
  };
}

test.for([{ tags: [] }, { tags: ["signature"] }])(
  "what refers to another is listed as that, though a copy before ended in between (tags: $tags)",
  async ({ tags }) => {
    const image = anImage({ tag: "v1" });
    const artifact = anArtifact({ subject: image, artifactType: "application/x.signature" });
    const from = new MemoryRegistry();
    seedMemory(from, "app", [image, artifact]);
    await using server = await startTestRegistry({ referrersApi: false });
    await using registry = createRegistry(server.host, { attempts: 1 });
    const [source, target] = [from.repository("app"), registry.repository("app")];
    await copyGraph(source, target, "v1");
    const { descriptor } = artifact.manifest;
    server.failOnce(faults.status(403), /^PUT .*\/sha256-/); // the list under its fallback tag
    await expect(copyGraph(source, target, descriptor, { tags })).rejects.toThrow();
    expect((await target.resolve(descriptor.digest))?.digest).toBe(descriptor.digest); // it is there, and nobody knows
    expect(await copyGraph(source, target, descriptor, { tags })).toMatchObject({ outcome: "written" });
    const listed = await Array.fromAsync(target.referrers(image.manifest.descriptor.digest));
    expect(listed.map(({ digest }) => digest)).toEqual([descriptor.digest]);
    expect(await copyGraph(source, target, descriptor, { tags })).toMatchObject({ outcome: "present" });
  },
);
