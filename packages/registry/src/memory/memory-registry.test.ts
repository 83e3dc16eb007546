import { describe, expect, test } from "vitest";
import { describeDeleterContract, describeReaderContract, describeWriterContract } from "../testing/contract.ts";
import { bytesOf, expectCode, listOf } from "../testing/contract-support.ts";
import { aBlob, anImage, type Seedable, seedMemory } from "../testing/index.ts";
import { MemoryRegistry } from "./memory-registry.ts";

async function aMemoryHome() {
  const registry = new MemoryRegistry();
  return {
    registry,
    seed: (path: string, ...things: readonly Seedable[]) => seedMemory(registry, path, things),
    async [Symbol.asyncDispose]() {},
  };
}

describeReaderContract("MemoryRegistry", aMemoryHome);
describeWriterContract("MemoryRegistry", aMemoryHome);
describeDeleterContract("MemoryRegistry", aMemoryHome);

describe("a registry in memory", () => {
  test("has a repository at its root", async () => {
    const registry = new MemoryRegistry({ name: "demo" });
    seedMemory(registry, "", [anImage({ tag: "v1" })]);
    expect(registry.repository("").name).toBe("demo");
    expect(await listOf(registry.repository("").tags())).toEqual(["v1"]);
    expect(await listOf(registry.repositories())).toEqual([""]);
  });

  test.for(["Upper", "a//b", "../a", "a/../b", "/a", "a/"])("refuses %s as a path", (path) => {
    expect(() => new MemoryRegistry().repository(path)).toThrow(expect.objectContaining({ code: "INVALID_REFERENCE" }));
  });

  test("lists tags and repositories bytewise", async () => {
    const registry = new MemoryRegistry();
    for (const path of ["b", "a/b", "a-b"]) seedMemory(registry, path, [anImage({ tags: ["b", "B", "a", "1.10"] })]);
    expect(await listOf(registry.repositories())).toEqual(["a-b", "a/b", "b"]);
    expect(await listOf(registry.repository("b").tags())).toEqual(["1.10", "B", "a", "b"]);
  });

  test("is rid of a repository with the last that was in it", async () => {
    const registry = new MemoryRegistry();
    const image = anImage({ tag: "v1" });
    seedMemory(registry, "app", [image]);
    const repository = registry.repository("app");
    expect(await repository.deleteManifest(image.manifest.descriptor.digest)).toBe(true);
    expect(await listOf(repository.tags())).toEqual([]);
    for (const { digest } of image.blobs) expect(await repository.deleteBlob(digest)).toBe(true);
    await expectCode(listOf(repository.tags()), "NOT_FOUND");
    expect(await listOf(registry.repositories())).toEqual([]);
  });

  test("mounts a blob without asking for its bytes", async () => {
    const registry = new MemoryRegistry();
    const blob = aBlob();
    seedMemory(registry, "one", [blob]);
    const unwanted = () => {
      throw new Error("not to be asked");
    };
    expect(await registry.repository("two").pushBlob(blob, unwanted, { mountFrom: ["none", "one"] })).toBe("mounted");
    expect(await bytesOf(registry.repository("two").fetchBlob(blob))).toEqual(blob.bytes);
  });

  test("keeps what it was given when the giver changes its bytes, or the taker its own", async () => {
    const registry = new MemoryRegistry();
    const repository = registry.repository("app");
    const [blob, image] = [aBlob({ seed: "mine" }), anImage({ tag: "v1" })];
    const [given, taken] = [Buffer.from(blob.bytes), Buffer.from(image.manifest.bytes)];
    repository.putBlob(blob, given);
    repository.putManifest({ ...image.manifest, bytes: taken }, image.tags);
    given.fill(0);
    taken.fill(0);
    (await repository.manifest("v1")).bytes.fill(0);
    expect(await bytesOf(repository.fetchBlob(blob))).toEqual(blob.bytes);
    expect((await repository.manifest("v1")).bytes).toEqual(image.manifest.bytes);
  });

  test.for([
    { name: "no JSON", body: "{" },
    { name: "no config", body: '{"schemaVersion":2,"layers":[]}' },
  ])("refuses a manifest with $name, and makes no repository for it", async ({ body }) => {
    const registry = new MemoryRegistry();
    const { digest, size, bytes } = aBlob({ content: body });
    const descriptor = { mediaType: "application/vnd.oci.image.manifest.v1+json", digest, size };
    await expectCode(
      registry.repository("app").pushManifest({ descriptor, bytes }, { tags: ["v1"] }),
      "INVALID_MANIFEST",
    );
    expect(await listOf(registry.repositories())).toEqual([]);
  });
});
