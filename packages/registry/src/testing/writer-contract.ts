import { describe, expect, test } from "vitest";
import { digestOf } from "../oci/digest.ts";
import { manifestOf } from "../oci/manifest.ts";
import { MediaType } from "../oci/media-type.ts";
import type { Registry } from "../registry.ts";
import { aBlob } from "./blob-builders.ts";
import { anArtifact, anImage, anIndex } from "./builders.ts";
import { bytesOf, type ContractOptions, expectCode, listOf, openerOf, push } from "./contract-support.ts";

/** An empty home of content under test. */
export interface WriterHome extends AsyncDisposable {
  readonly registry: Registry;
}

const blob = aBlob({ size: 200_000, seed: "pushed" });

/**
 * Defines the tests every {@link Registry} has to pass as a writer. `setup` makes a fresh, empty home for each.
 * Import it from `@tranship/registry/testing/contract`, in a file that vitest runs.
 */
export function describeWriterContract(
  name: string,
  setup: () => Promise<WriterHome>,
  { without = [] }: ContractOptions = {},
): void {
  describe(`${name} is written as a registry: it`, () => {
    test("stores a blob once, and says so", async () => {
      await using home = await setup();
      const repository = home.registry.repository("demo/app");
      expect(await repository.pushBlob(blob, openerOf(blob.bytes).open)).toBe("written");
      expect(await repository.statBlob(blob.digest)).toEqual({ size: blob.size });
      expect(digestOf(await bytesOf(repository.fetchBlob(blob)))).toBe(blob.digest);
      const again = openerOf(blob.bytes);
      expect(await repository.pushBlob(blob, again.open)).toBe("present");
      expect(again.opened).toBe(0);
    });

    test.for([
      { name: "no byte", content: "", piece: 1 },
      { name: "one byte", content: "1", piece: 1 },
      { name: "many small pieces", content: aBlob({ size: 5000 }).bytes, piece: 7 },
      { name: "more than two megabytes", content: aBlob({ size: 2_100_000 }).bytes, piece: 300_000 },
    ])("stores a blob of $name", async ({ content, piece }) => {
      await using home = await setup();
      const repository = home.registry.repository("demo/app");
      const odd = aBlob({ content });
      expect(await repository.pushBlob(odd, openerOf(odd.bytes, piece).open)).toBe("written");
      expect(Buffer.compare(await bytesOf(repository.fetchBlob(odd)), odd.bytes)).toBe(0);
    });

    test("stores a blob by sha512", async ({ skip }) => {
      if (without.includes("sha512")) return skip("this home knows sha256 only");
      await using home = await setup();
      const repository = home.registry.repository("demo/app");
      const long = aBlob({ algorithm: "sha512" });
      await repository.pushBlob(long, openerOf(long.bytes).open);
      expect(await bytesOf(repository.fetchBlob(long))).toEqual(long.bytes);
    });

    test("keeps repositories apart, unless a blob is mounted from one to the other", async () => {
      await using home = await setup();
      const [one, two] = [home.registry.repository("demo/one"), home.registry.repository("demo/two")];
      await one.pushBlob(blob, openerOf(blob.bytes).open);
      expect(await two.statBlob(blob.digest)).toBeUndefined();
      const opener = openerOf(blob.bytes);
      const outcome = await two.pushBlob(blob, opener.open, { mountFrom: ["demo/none", "demo/one"] });
      expect(outcome).toBe(opener.opened > 0 ? "written" : "mounted"); // the hint may be ignored
      expect(digestOf(await bytesOf(two.fetchBlob(blob)))).toBe(blob.digest);
    });

    test("sends the bytes when there is nothing to mount", async () => {
      await using home = await setup();
      const repository = home.registry.repository("demo/app");
      const pushed = await repository.pushBlob(blob, openerOf(blob.bytes).open, { mountFrom: ["demo/none"] });
      expect(pushed).toBe("written");
    });

    test.for([
      { name: "other bytes", bytes: aBlob({ size: blob.size, seed: "other" }).bytes, code: "DIGEST_MISMATCH" },
      { name: "too few bytes", bytes: blob.bytes.slice(0, -1), code: "SIZE_MISMATCH" },
      { name: "no bytes", bytes: new Uint8Array(), code: "SIZE_MISMATCH" },
      { name: "too many bytes", bytes: new Uint8Array([...blob.bytes, 0]), code: "SIZE_MISMATCH" },
    ] as const)("refuses $name than the digest's, and stores nothing", async ({ bytes, code }) => {
      await using home = await setup();
      const repository = home.registry.repository("demo/app");
      await expectCode(repository.pushBlob(blob, openerOf(bytes).open), code);
      expect(await repository.statBlob(blob.digest)).toBeUndefined();
      expect(await repository.pushBlob(blob, openerOf(blob.bytes).open)).toBe("written");
    });

    test("stores nothing when the source breaks", async () => {
      await using home = await setup();
      const repository = home.registry.repository("demo/app");
      const broken = async function* () {
        yield blob.bytes.slice(0, 1000);
        throw new Error("the source broke");
      };
      await expect(repository.pushBlob(blob, broken)).rejects.toThrow();
      expect(await repository.statBlob(blob.digest)).toBeUndefined();
    });

    test("takes the same blob from several at once", async () => {
      await using home = await setup();
      const repository = home.registry.repository("demo/app");
      const pushes = Array.from({ length: 5 }, () => repository.pushBlob(blob, openerOf(blob.bytes).open));
      // a registry that knows it by then may mount it from where another push just put it
      for (const outcome of await Promise.all(pushes)) expect(["written", "present", "mounted"]).toContain(outcome);
      expect(digestOf(await bytesOf(repository.fetchBlob(blob)))).toBe(blob.digest);
    });

    test("names a manifest by every tag given, and moves a tag to another", async () => {
      await using home = await setup();
      const repository = home.registry.repository("demo/app");
      const [first, second] = [anImage({ tags: ["v1", "latest", "stable"] }), anImage({ tags: ["v2", "latest"] })];
      await push(repository, first);
      await push(repository, second);
      expect((await listOf(repository.tags())).sort()).toEqual(["latest", "stable", "v1", "v2"]);
      expect((await repository.resolve("stable"))?.digest).toBe(first.manifest.descriptor.digest);
      expect((await repository.resolve("latest"))?.digest).toBe(second.manifest.descriptor.digest);
      expect((await repository.resolve(first.manifest.descriptor.digest))?.size).toBe(first.manifest.descriptor.size);
    });

    test("keeps a manifest's bytes exactly, tagged or not", async () => {
      await using home = await setup();
      const repository = home.registry.repository("demo/app");
      const image = anImage();
      const tidy = JSON.parse(new TextDecoder().decode(image.manifest.bytes)) as object;
      const bytes = new TextEncoder().encode(`${JSON.stringify(tidy, null, "\t")}\n\n`);
      const odd = { ...image, manifest: manifestOf(bytes, MediaType.ociManifest) };
      await push(repository, odd);
      const { digest } = odd.manifest.descriptor;
      expect(new Uint8Array((await repository.manifest(digest)).bytes)).toEqual(bytes);
      await repository.pushManifest(odd.manifest, { tags: ["odd"] });
      expect(new Uint8Array((await repository.manifest("odd")).bytes)).toEqual(bytes);
    });

    test("names a manifest by a tag and still knows it by sha512", async ({ skip }) => {
      if (without.includes("sha512")) return skip("this home knows sha256 only");
      await using home = await setup();
      const repository = home.registry.repository("demo/app");
      const image = anImage({ tag: "long", algorithm: "sha512" });
      await push(repository, image);
      const { digest } = image.manifest.descriptor;
      for (const reference of ["long", digest]) {
        expect(new Uint8Array((await repository.manifest(reference)).bytes)).toEqual(image.manifest.bytes);
      }
    });

    test("refuses a manifest whose bytes are not the digest's", async () => {
      await using home = await setup();
      const repository = home.registry.repository("demo/app");
      const [image, other] = [anImage({ seed: "one" }), anImage({ seed: "two" })];
      await push(repository, other);
      const { descriptor } = image.manifest;
      const { bytes } = other.manifest;
      const forged = { descriptor: { ...descriptor, size: bytes.byteLength }, bytes };
      await expectCode(repository.pushManifest(forged, { tags: ["forged"] }), "DIGEST_MISMATCH");
      expect(await repository.resolve(descriptor.digest)).toBeUndefined();
      expect(await repository.resolve("forged")).toBeUndefined();
    });

    test("stores an index over manifests that have no tag", async () => {
      await using home = await setup();
      const repository = home.registry.repository("demo/app");
      const child = anImage({ docker: true });
      const index = anIndex({ tag: "multi", images: [child], docker: true });
      await push(repository, index);
      expect(await listOf(repository.tags())).toEqual(["multi"]);
      expect((await repository.resolve("multi"))?.mediaType).toBe(MediaType.dockerManifestList);
      expect((await repository.resolve(child.manifest.descriptor.digest))?.mediaType).toBe(MediaType.dockerManifest);
    });

    test("lists a pushed artifact under its subject, once", async ({ skip }) => {
      if (without.includes("referrers")) return skip("this home cannot list referrers");
      await using home = await setup();
      const repository = home.registry.repository("demo/app");
      const image = anImage({ tag: "v1" });
      const artifact = anArtifact({ subject: image, artifactType: "application/x.signature" });
      for (const thing of [image, artifact, artifact]) await push(repository, thing);
      const referrers = await listOf(repository.referrers(image.manifest.descriptor.digest));
      expect(referrers.map(({ digest, artifactType }) => ({ digest, artifactType }))).toEqual([
        { digest: artifact.manifest.descriptor.digest, artifactType: "application/x.signature" },
      ]);
    });

    test("ends every write with the reason of an aborted signal, and stores nothing", async () => {
      await using home = await setup();
      const reason = new Error("enough");
      const signal = AbortSignal.abort(reason);
      const repository = home.registry.repository("demo/app");
      const { manifest } = anImage();
      await expect(repository.pushBlob(blob, openerOf(blob.bytes).open, { signal })).rejects.toBe(reason);
      await expect(repository.pushManifest(manifest, { tags: ["v1"], signal })).rejects.toBe(reason);
      expect(await repository.statBlob(blob.digest)).toBeUndefined();
      expect(await repository.resolve(manifest.descriptor.digest)).toBeUndefined();
    });

    test("stops in the middle of a blob when it is told to, and stores nothing", async () => {
      await using home = await setup();
      const controller = new AbortController();
      const reason = new Error("enough");
      const repository = home.registry.repository("demo/app");
      const interrupted = async function* () {
        yield blob.bytes.slice(0, 1000);
        controller.abort(reason);
        yield blob.bytes.slice(1000);
      };
      await expect(repository.pushBlob(blob, interrupted, { signal: controller.signal })).rejects.toBe(reason);
      expect(await repository.statBlob(blob.digest)).toBeUndefined();
    });
  });
}
