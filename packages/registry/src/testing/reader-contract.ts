import { describe, expect, test } from "vitest";
import { type Digest, digestOf } from "../oci/digest.ts";
import { childManifests, parseManifest } from "../oci/manifest.ts";
import type { RegistryReader } from "../registry.ts";
import { aBlob, aLayer } from "./blob-builders.ts";
import { anArtifact, anImage, anIndex } from "./builders.ts";
import { bytesOf, type ContractOptions, expectCode, listOf } from "./contract-support.ts";
import type { Seedable } from "./seed.ts";

/** A home of content under test, with content that the contract puts there. */
export interface ReaderHome extends AsyncDisposable {
  /** Only asked for after {@link seed}: a home that is written in one go may be opened then. */
  readonly registry: RegistryReader;
  /** Called before anything is read. Only images, indexes and artifacts come: no blob without a manifest. */
  seed(path: string, ...things: readonly Seedable[]): void | Promise<void>;
  /** Changes a byte of a stored blob behind the registry's back. Leave it out where nobody can. */
  corrupt?(path: string, digest: Digest): void | Promise<void>;
}

const big = aBlob({ size: 1_500_000, seed: "big" });
const empty = aBlob({ content: "" });
const image = anImage({ tags: ["v1.0.0", "latest"], layers: [big, empty], seed: "contract" });
const docker = anImage({ tag: "docker", docker: true });
const child = anImage({ seed: "child" });
const inner = anIndex({ images: [anImage({ seed: "grandchild" })] });
const platforms = [{ os: "linux", architecture: "arm64", variant: "v8" }];
const index = anIndex({ tag: "multi", images: [child, inner], platforms });
const signature = anArtifact({ subject: image, artifactType: "application/x.signature", annotations: { by: "us" } });
const report = anArtifact({ subject: image, artifactType: "application/x.report" });
const long = anImage({ tag: "long", layers: [aLayer()], algorithm: "sha512" });
const longBlob = anImage({ tag: "long-blob", layers: [aBlob({ seed: "long", algorithm: "sha512" })] });
const nowhere = digestOf(new TextEncoder().encode("nowhere"));

/**
 * Defines the tests every {@link RegistryReader} has to pass. `setup` makes a fresh home for each.
 * Import it from `@tranship/registry/testing/contract`, in a file that vitest runs.
 */
export function describeReaderContract(
  name: string,
  setup: () => Promise<ReaderHome>,
  { without = [] }: ContractOptions = {},
): void {
  async function withImage() {
    const home = await setup();
    await home.seed("demo/app", image);
    return home;
  }

  describe(`${name} reads as a registry: it`, () => {
    test("names its repositories by their paths", async () => {
      await using home = await withImage();
      expect(home.registry.repository("demo/app").name).toMatch(/(?:^|\/)demo\/app$/);
    });

    test.for(["v1.0.0", "latest", image.manifest.descriptor.digest])("resolves and reads %s", async (reference) => {
      await using home = await withImage();
      const repository = home.registry.repository("demo/app");
      expect(await repository.resolve(reference)).toMatchObject(image.manifest.descriptor);
      const manifest = await repository.manifest(reference);
      expect(manifest.descriptor).toMatchObject(image.manifest.descriptor);
      expect(new Uint8Array(manifest.bytes)).toEqual(image.manifest.bytes);
    });

    test.for(["v9.9.9", nowhere])("tells that %s is missing, and nothing else", async (reference) => {
      await using home = await withImage();
      for (const path of ["demo/app", "demo/none"]) {
        const repository = home.registry.repository(path);
        expect(await repository.resolve(reference)).toBeUndefined();
        await expectCode(repository.manifest(reference), "NOT_FOUND");
      }
    });

    test("tells that a blob is missing", async () => {
      await using home = await withImage();
      for (const path of ["demo/app", "demo/none"]) {
        const repository = home.registry.repository(path);
        expect(await repository.statBlob(nowhere)).toBeUndefined();
        await expectCode(bytesOf(repository.fetchBlob({ digest: nowhere, size: 7 })), "NOT_FOUND");
      }
    });

    test("refuses a manifest larger than allowed", async () => {
      await using home = await withImage();
      const repository = home.registry.repository("demo/app");
      const { size } = image.manifest.descriptor;
      await expectCode(repository.manifest("latest", { maxBytes: size - 1 }), "TOO_LARGE");
      expect((await repository.manifest("latest", { maxBytes: size })).bytes.byteLength).toBe(size);
    });

    test("gives the bytes and the size of every blob", async () => {
      await using home = await withImage();
      const repository = home.registry.repository("demo/app");
      for (const blob of image.blobs) {
        expect(await repository.statBlob(blob.digest)).toEqual({ size: blob.size });
        expect((await bytesOf(repository.fetchBlob(blob))).byteLength).toBe(blob.size);
        expect(digestOf(await bytesOf(repository.fetchBlob(blob)))).toBe(blob.digest);
      }
    });

    test.for([
      { name: "from an offset on", offset: 1_400_000 },
      { name: "up to a length", length: 70_000 },
      { name: "in the middle", offset: 65_535, length: 65_538 },
      { name: "of one byte", offset: 1_499_999, length: 1 },
      { name: "of no byte", offset: 10, length: 0 },
      { name: "from the end on", offset: 1_500_000 },
      { name: "past the end", offset: 1_500_001, length: 5 },
      { name: "over the end", offset: 1_499_990, length: 500 },
    ])("gives a part of a blob: $name", async ({ offset, length }) => {
      await using home = await withImage();
      const got = await bytesOf(home.registry.repository("demo/app").fetchBlob(big, { offset, length }));
      const start = offset ?? 0;
      expect(Buffer.compare(got, big.bytes.subarray(start, length === undefined ? undefined : start + length))).toBe(0);
    });

    test("refuses a blob of another size than was asked for", async () => {
      await using home = await withImage();
      const repository = home.registry.repository("demo/app");
      for (const size of [big.size - 1, big.size + 1]) {
        await expectCode(bytesOf(repository.fetchBlob({ digest: big.digest, size })), "SIZE_MISMATCH");
      }
    });

    test("gives chunks that are the caller's to change", async () => {
      await using home = await withImage();
      const repository = home.registry.repository("demo/app");
      for await (const chunk of repository.fetchBlob(big)) chunk.fill(0);
      expect(digestOf(await bytesOf(repository.fetchBlob(big)))).toBe(big.digest);
    });

    test("lets a reader leave early and come back", async () => {
      await using home = await withImage();
      const repository = home.registry.repository("demo/app");
      for (let round = 0; round < 20; round += 1) {
        for await (const chunk of repository.fetchBlob(big)) {
          expect(chunk.byteLength).toBeGreaterThan(0);
          break;
        }
        for await (const tag of repository.tags()) {
          expect(image.tags).toContain(tag);
          break;
        }
      }
      expect(digestOf(await bytesOf(repository.fetchBlob(big)))).toBe(big.digest);
    });

    test("lists tags, and refuses to for a repository that is not there", async () => {
      await using home = await setup();
      await home.seed("demo/app", image, docker, index);
      await home.seed("other", docker);
      const tags = await listOf(home.registry.repository("demo/app").tags());
      expect(tags.sort()).toEqual(["docker", "latest", "multi", "v1.0.0"]);
      const none = listOf(home.registry.repository("demo/none").tags());
      if (without.includes("unknownRepository")) expect(await none).toEqual([]);
      else await expectCode(none, "NOT_FOUND");
    });

    test("keeps Docker's media types", async () => {
      await using home = await setup();
      await home.seed("app", docker);
      const manifest = await home.registry.repository("app").manifest("docker");
      expect(manifest.descriptor.mediaType).toBe(docker.manifest.descriptor.mediaType);
      expect(parseManifest(manifest)).toMatchObject({ kind: "image", config: { digest: docker.config.digest } });
    });

    test("gives an index, its children and their children, by digest", async () => {
      await using home = await setup();
      await home.seed("app", index);
      const repository = home.registry.repository("app");
      const children = childManifests(parseManifest(await repository.manifest("multi")));
      expect(children.map(({ digest, platform }) => [digest, platform])).toEqual([
        [child.manifest.descriptor.digest, platforms[0]],
        [inner.manifest.descriptor.digest, undefined],
      ]);
      for (const { manifest } of [child, inner, ...inner.images]) {
        const { digest, mediaType } = manifest.descriptor;
        expect(await repository.resolve(digest)).toMatchObject({ digest, mediaType });
        expect(new Uint8Array((await repository.manifest(digest)).bytes)).toEqual(manifest.bytes);
      }
    });

    test("lists what refers to a manifest", async ({ skip }) => {
      if (without.includes("referrers")) return skip("this home cannot list referrers");
      await using home = await setup();
      await home.seed("app", image, signature, report);
      const repository = home.registry.repository("app");
      const { digest } = image.manifest.descriptor;
      const described = await listOf(repository.referrers(digest));
      const byDigest = new Map(described.map((descriptor) => [descriptor.digest, descriptor]));
      expect(byDigest.size).toBe(2);
      expect(byDigest.get(signature.manifest.descriptor.digest)).toMatchObject({
        ...signature.manifest.descriptor,
        artifactType: "application/x.signature",
        annotations: { by: "us" },
      });
      const filtered = await listOf(repository.referrers(digest, { artifactType: "application/x.report" }));
      expect(filtered.map((descriptor) => descriptor.digest)).toEqual([report.manifest.descriptor.digest]);
      expect(await listOf(repository.referrers(nowhere))).toEqual([]);
    });

    test("lists its repositories", async ({ skip }) => {
      if (without.includes("repositories")) return skip("this home cannot list its repositories");
      await using home = await setup();
      await home.seed("app", image);
      await home.seed("app/version", docker);
      await home.seed("z/y/x", docker);
      expect((await listOf(home.registry.repositories())).sort()).toEqual(["app", "app/version", "z/y/x"]);
    });

    test("knows content by sha512", async ({ skip }) => {
      if (without.includes("sha512")) return skip("this home knows sha256 only");
      await using home = await setup();
      await home.seed("app", long, longBlob);
      const repository = home.registry.repository("app");
      const { digest } = long.manifest.descriptor;
      expect(new Uint8Array((await repository.manifest(digest)).bytes)).toEqual(long.manifest.bytes);
      for (const blob of longBlob.layers) expect(await bytesOf(repository.fetchBlob(blob))).toEqual(blob.bytes);
    });

    test("ends every call with the reason of an aborted signal", async () => {
      await using home = await withImage();
      const reason = new Error("enough");
      const signal = AbortSignal.abort(reason);
      const repository = home.registry.repository("demo/app");
      await expect(repository.resolve("latest", { signal })).rejects.toBe(reason);
      await expect(repository.manifest("latest", { signal })).rejects.toBe(reason);
      await expect(repository.statBlob(big.digest, { signal })).rejects.toBe(reason);
      await expect(bytesOf(repository.fetchBlob(big, { signal }))).rejects.toBe(reason);
      await expect(listOf(repository.tags({ signal }))).rejects.toBe(reason);
      await expect(listOf(repository.referrers(big.digest, { signal }))).rejects.toBe(reason);
      await expect(listOf(home.registry.repositories({ signal }))).rejects.toBe(reason);
    });

    test("stops in the middle of a blob when it is told to", async () => {
      await using home = await withImage();
      const controller = new AbortController();
      const reason = new Error("enough");
      const { signal } = controller;
      let received = 0;
      const reading = async () => {
        for await (const chunk of home.registry.repository("demo/app").fetchBlob(big, { signal })) {
          received += chunk.byteLength;
          controller.abort(reason);
        }
      };
      await expect(reading()).rejects.toBe(reason);
      expect(received).toBeLessThan(big.size);
    });

    test("reports bytes that are not the digest's", async ({ skip }) => {
      await using home = await withImage();
      if (!home.corrupt) return skip("nobody can change this home's bytes");
      await home.corrupt("demo/app", big.digest);
      await expectCode(bytesOf(home.registry.repository("demo/app").fetchBlob(big)), "DIGEST_MISMATCH");
    });
  });
}
