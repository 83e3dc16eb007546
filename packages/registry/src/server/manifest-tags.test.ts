import { describe, expect, test } from "vitest";
import { digestOf } from "../oci/digest.ts";
import { anImage, startTestRegistry, type TestRegistry } from "../testing/index.ts";

const image = anImage();
const { bytes, descriptor } = image.manifest;

async function push(registry: TestRegistry, reference: string, query: string): Promise<Response> {
  return await fetch(`${registry.url}/v2/app/manifests/${reference}${query}`, {
    method: "PUT",
    headers: { "content-type": descriptor.mediaType },
    body: new Uint8Array(bytes),
  });
}

async function digestNow(registry: TestRegistry, tag: string): Promise<string | null> {
  const answer = await fetch(`${registry.url}/v2/app/manifests/${tag}`, { method: "HEAD" });
  return answer.headers.get("docker-content-digest");
}

describe("a push by digest", () => {
  test.for([
    { name: "sha256", digest: descriptor.digest },
    { name: "sha512", digest: digestOf(bytes, "sha512") },
  ])("may give tags besides, each once, to a $name digest", async ({ digest }) => {
    await using registry = await startTestRegistry();
    registry.seed("app", ...image.blobs);
    const answer = await push(registry, digest, "?tag=v1&tag=v1.0&tag=v1");
    expect([answer.status, answer.headers.get("oci-tag")]).toEqual([201, "v1, v1.0"]);
    expect([await digestNow(registry, "v1"), await digestNow(registry, "v1.0")]).toEqual([digest, digest]);
  });

  test.for([
    { name: "a word that is no tag", query: "?tag=v1&tag=.v2", status: 400 },
    { name: "more tags than it takes", query: `?tag=v1${"&tag=v2".repeat(3)}${many(100)}`, status: 414 },
  ])("is refused with $name, and leaves nothing", async ({ query, status }) => {
    await using registry = await startTestRegistry();
    registry.seed("app", ...image.blobs);
    expect((await push(registry, descriptor.digest, query)).status).toBe(status);
    expect([await digestNow(registry, "v1"), await digestNow(registry, descriptor.digest)]).toEqual([null, null]);
  });

  test("may give a hundred tags", async () => {
    await using registry = await startTestRegistry();
    registry.seed("app", ...image.blobs);
    const answer = await push(registry, descriptor.digest, `?tag=v1${many(99)}`);
    expect(answer.headers.get("oci-tag")?.split(", ")).toHaveLength(100);
  });
});

test("a push by tag gives that tag alone", async () => {
  await using registry = await startTestRegistry();
  registry.seed("app", ...image.blobs);
  const answer = await push(registry, "v1", "?tag=v2");
  expect([answer.status, answer.headers.get("oci-tag")]).toEqual([201, null]);
  expect([await digestNow(registry, "v1"), await digestNow(registry, "v2")]).toEqual([descriptor.digest, null]);
});

/** Parameters for so many other tags. */
function many(count: number): string {
  return Array.from({ length: count }, (_, at) => `&tag=other-${at}`).join("");
}
