import { describe, expect, test } from "vitest";
import { MemoryRegistry } from "../memory/memory-registry.ts";
import {
  aBlob,
  anArtifact,
  anImage,
  seedMemory,
  startTestRegistry,
  type TestRegistryOptions,
} from "../testing/index.ts";
import { startServer } from "./start-server.ts";

const image = anImage({ tags: ["v1", "latest"] });
const { digest } = image.manifest.descriptor;
const loose = aBlob({ seed: "loose" });

async function aRegistry(options: TestRegistryOptions = {}) {
  const registry = await startTestRegistry(options);
  registry.seed("app", image, loose);
  const remove = async (path: string) => {
    const answer = await fetch(`${registry.url}/v2/${path}`, { method: "DELETE" });
    const body = (await answer.json().catch(() => undefined)) as { errors: { code: string }[] } | undefined;
    return [answer.status, ...(body?.errors.map(({ code }) => code) ?? [])].join(" ");
  };
  const status = async (path: string) => (await fetch(`${registry.url}/v2/${path}`)).status;
  return { registry, remove, status, [Symbol.asyncDispose]: () => registry[Symbol.asyncDispose]() };
}

describe("a delete", () => {
  test("of a tag takes the name and leaves the manifest", async () => {
    await using server = await aRegistry();
    expect(await server.remove("app/manifests/v1")).toBe("202");
    const references = ["v1", "latest", digest];
    expect(await Promise.all(references.map((name) => server.status(`app/manifests/${name}`)))).toEqual([
      404, 200, 200,
    ]);
    expect(await server.remove("app/manifests/v1")).toBe("404 MANIFEST_UNKNOWN");
  });

  test("of a manifest takes its tags too, and its place among the referrers", async () => {
    await using server = await aRegistry();
    const artifact = anArtifact({ subject: image, artifactType: "application/x.one" });
    server.registry.seed("app", artifact);
    expect(await server.remove(`app/manifests/${artifact.manifest.descriptor.digest}`)).toBe("202");
    const referrers = await fetch(`${server.registry.url}/v2/app/referrers/${digest}`);
    expect(await referrers.json()).toMatchObject({ manifests: [] });
    expect(await server.remove(`app/manifests/${digest}`)).toBe("202");
    for (const name of ["v1", "latest", digest]) expect(await server.status(`app/manifests/${name}`)).toBe(404);
    const tags = await fetch(`${server.registry.url}/v2/app/tags/list`);
    expect(await tags.json()).toEqual({ name: "app", tags: [] });
  });

  test("of a blob takes it away", async () => {
    await using server = await aRegistry();
    expect(await server.remove(`app/blobs/${loose.digest}`)).toBe("202");
    expect(await server.status(`app/blobs/${loose.digest}`)).toBe(404);
    expect(await server.remove(`app/blobs/${loose.digest}`)).toBe("404 BLOB_UNKNOWN");
  });

  test.for([
    { path: `none/manifests/${digest}`, expected: "404 NAME_UNKNOWN" },
    { path: `none/blobs/${digest}`, expected: "404 NAME_UNKNOWN" },
    { path: `app/manifests/${loose.digest}`, expected: "404 MANIFEST_UNKNOWN" },
    { path: "app/manifests/sha256:1", expected: "400 DIGEST_INVALID" },
    { path: "app/tags/list", expected: "405 UNSUPPORTED" },
  ])("of $path is answered with $expected", async ({ path, expected }) => {
    await using server = await aRegistry();
    expect(await server.remove(path)).toBe(expected);
  });

  test("that is refused tells what can be done there", async () => {
    await using server = await aRegistry({ readOnly: true });
    const answer = await fetch(`${server.registry.url}/v2/app/manifests/v1`, { method: "DELETE" });
    expect([answer.status, answer.headers.get("allow")]).toEqual([405, "GET, HEAD"]);
  });

  test.for([{ allowDelete: false }, { readOnly: true }])("is refused under %o, and nothing goes", async (options) => {
    await using server = await aRegistry(options);
    for (const path of ["app/manifests/v1", `app/manifests/${digest}`, `app/blobs/${loose.digest}`]) {
      expect(await server.remove(path)).toBe("405 UNSUPPORTED");
      expect(await server.status(path)).toBe(200);
    }
  });

  test("of a blob that is about to be read leaves it missing", async () => {
    const memory = new MemoryRegistry();
    seedMemory(memory, "app", [image, loose]);
    const repository = memory.repository("app");
    const statBlob = repository.statBlob.bind(repository);
    repository.statBlob = async (...asked) => {
      const found = await statBlob(...asked);
      await repository.deleteBlob(loose.digest);
      return found;
    };
    await using server = await startServer({ name: "one", repository: () => repository, repositories: noneAtAll });
    const answer = await fetch(`${server.url}/v2/app/blobs/${loose.digest}`);
    expect([answer.status, await answer.json()]).toMatchObject([404, { errors: [{ code: "BLOB_UNKNOWN" }] }]);
  });
});

async function* noneAtAll(): AsyncGenerator<string> {}
