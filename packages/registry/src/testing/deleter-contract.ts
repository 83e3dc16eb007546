import { describe, expect, test } from "vitest";
import { digestOf } from "../oci/digest.ts";
import type { Registry } from "../registry.ts";
import type { RepositoryDeleter, RepositoryReader, RepositoryWriter } from "../repository.ts";
import { anArtifact, anImage } from "./builders.ts";
import { bytesOf, type ContractOptions, expectCode, listOf, push } from "./contract-support.ts";

/** A {@link Registry} whose repositories can delete. */
export interface DeletableRegistry extends Registry {
  repository(path: string): RepositoryReader & RepositoryWriter & RepositoryDeleter;
}

/** An empty home of content under test. */
export interface DeleterHome extends AsyncDisposable {
  readonly registry: DeletableRegistry;
}

const image = anImage({ tags: ["v1", "latest"], seed: "deleted" });
const other = anImage({ tag: "v2", seed: "kept" });
const { digest } = image.manifest.descriptor;
const nowhere = digestOf(new TextEncoder().encode("nowhere"));

/**
 * Defines the tests every `RepositoryDeleter` has to pass. `setup` makes a fresh, empty home for each.
 * Import it from `@tranship/registry/testing/contract`, in a file that vitest runs.
 */
export function describeDeleterContract(
  name: string,
  setup: () => Promise<DeleterHome>,
  { without = [] }: ContractOptions = {},
): void {
  const noBlobs = without.includes("deleteBlob");
  const noTags = without.includes("deleteTag");

  async function withImages() {
    const home = await setup();
    const repository = home.registry.repository("demo/app");
    for (const thing of [image, other]) await push(repository, thing);
    return { repository, registry: home.registry, [Symbol.asyncDispose]: () => home[Symbol.asyncDispose]() };
  }

  describe(`${name} is deleted from as a registry: it`, () => {
    test("takes a tag away and leaves its manifest, under its other tags too", async ({ skip }) => {
      if (noTags) return skip("this home deletes no tags");
      await using home = await withImages();
      const { repository } = home;
      expect(await repository.deleteTag("v1")).toBe(true);
      expect(await repository.resolve("v1")).toBeUndefined();
      expect((await repository.resolve("latest"))?.digest).toBe(digest);
      expect(await repository.deleteTag("latest")).toBe(true);
      expect((await repository.resolve(digest))?.digest).toBe(digest);
      expect(await listOf(repository.tags())).toEqual(["v2"]);
    });

    test("keeps a repository whose last tag went", async ({ skip }) => {
      if (noTags) return skip("this home deletes no tags");
      await using home = await withImages();
      for (const tag of ["v1", "latest", "v2"]) await home.repository.deleteTag(tag);
      expect(await listOf(home.repository.tags())).toEqual([]);
      expect((await home.repository.resolve(digest))?.digest).toBe(digest);
    });

    test("takes a manifest away with every tag that names it, and no other", async () => {
      await using home = await withImages();
      const { repository } = home;
      expect(await repository.deleteManifest(digest)).toBe(true);
      for (const reference of [digest, "v1", "latest"]) expect(await repository.resolve(reference)).toBeUndefined();
      await expectCode(repository.manifest("v1"), "NOT_FOUND");
      expect(await listOf(repository.tags())).toEqual(["v2"]);
      expect((await repository.resolve("v2"))?.digest).toBe(other.manifest.descriptor.digest);
    });

    test("leaves the blobs of a manifest it takes away", async () => {
      await using home = await withImages();
      await home.repository.deleteManifest(digest);
      for (const blob of image.blobs) {
        expect(Buffer.compare(await bytesOf(home.repository.fetchBlob(blob)), blob.bytes)).toBe(0);
      }
    });

    test("takes a referrer out of its subject's list", async ({ skip }) => {
      if (without.includes("referrers")) return skip("this home cannot list referrers");
      await using home = await withImages();
      const { repository } = home;
      const [one, two] = ["one", "two"].map((type) =>
        anArtifact({ subject: image, artifactType: `application/${type}` }),
      );
      if (!one || !two) throw new Error("two were made");
      for (const thing of [one, two]) await push(repository, thing);
      expect(await repository.deleteManifest(one.manifest.descriptor.digest)).toBe(true);
      const left = await listOf(repository.referrers(digest));
      expect(left.map((descriptor) => descriptor.digest)).toEqual([two.manifest.descriptor.digest]);
      expect(await repository.deleteManifest(two.manifest.descriptor.digest)).toBe(true);
      expect(await listOf(repository.referrers(digest))).toEqual([]);
    });

    test("takes a blob away, and no other", async ({ skip }) => {
      if (noBlobs) return skip("this home deletes no blobs");
      await using home = await withImages();
      const [config, layer] = image.blobs;
      if (!config || !layer) throw new Error("an image has both");
      expect(await home.repository.deleteBlob(layer.digest)).toBe(true);
      expect(await home.repository.statBlob(layer.digest)).toBeUndefined();
      await expectCode(bytesOf(home.repository.fetchBlob(layer)), "NOT_FOUND");
      expect(await home.repository.statBlob(config.digest)).toEqual({ size: config.size });
    });

    test("takes content out of one repository only", async () => {
      await using home = await withImages();
      const twin = home.registry.repository("demo/twin");
      await push(twin, image);
      await home.repository.deleteManifest(digest);
      if (!noBlobs) for (const blob of image.blobs) await home.repository.deleteBlob(blob.digest);
      expect((await twin.resolve("v1"))?.digest).toBe(digest);
      for (const blob of image.blobs) expect(await twin.statBlob(blob.digest)).toEqual({ size: blob.size });
    });

    test("says when there was nothing to delete, even no repository", async () => {
      await using home = await withImages();
      for (const path of ["demo/app", "demo/none"]) {
        const repository = home.registry.repository(path);
        expect(await repository.deleteManifest(nowhere)).toBe(false);
        if (!noTags) expect(await repository.deleteTag("v9")).toBe(false);
        if (!noBlobs) expect(await repository.deleteBlob(nowhere)).toBe(false);
      }
    });

    test("takes what was deleted again", async () => {
      await using home = await withImages();
      const { repository } = home;
      await repository.deleteManifest(digest);
      if (!noBlobs) for (const blob of image.blobs) await repository.deleteBlob(blob.digest);
      await push(repository, image);
      expect((await repository.resolve("v1"))?.digest).toBe(digest);
      for (const blob of image.blobs) expect(await repository.statBlob(blob.digest)).toEqual({ size: blob.size });
    });

    test("ends every call with the reason of an aborted signal, and deletes nothing", async () => {
      await using home = await withImages();
      const { repository } = home;
      const reason = new Error("enough");
      const signal = AbortSignal.abort(reason);
      await expect(repository.deleteTag("v1", { signal })).rejects.toBe(reason);
      await expect(repository.deleteManifest(digest, { signal })).rejects.toBe(reason);
      await expect(repository.deleteBlob(image.config.digest, { signal })).rejects.toBe(reason);
      expect((await repository.resolve("v1"))?.digest).toBe(digest);
      expect(await repository.statBlob(image.config.digest)).toEqual({ size: image.config.size });
    });
  });
}
