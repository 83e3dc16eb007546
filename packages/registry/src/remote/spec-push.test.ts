import { describe, expect, test } from "vitest";
import { digestOf } from "../oci/digest.ts";
import { manifestOf } from "../oci/manifest.ts";
import { MediaType } from "../oci/media-type.ts";
import { expectCode, openerOf } from "../testing/contract-support.ts";
import { faultOf } from "../testing/fault.ts";
import { aBlob, anImage, faults, startTestRegistry } from "../testing/index.ts";
import { createRegistry, type RegistryOptions } from "./create-registry.ts";

const blob = aBlob({ size: 30_000 });
const image = anImage({ tag: "v1" });

async function aHome(options: RegistryOptions = {}) {
  const server = await startTestRegistry();
  const registry = createRegistry(server.host, { retryDelayMs: 1, ...options });
  return {
    server,
    repository: registry.repository("app"),
    pushBlob: () => registry.repository("app").pushBlob(blob, openerOf(blob.bytes).open),
    async [Symbol.asyncDispose]() {
      await registry.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

const octets = "application/octet-stream";

describe("a blob that is pushed", () => {
  test("opens its session with an empty body of a told length, and names type, length and digest at the end", async () => {
    await using home = await aHome();
    await home.pushBlob();
    const [, post, put] = home.server.requests();
    expect(post).toMatchObject({ method: "POST", contentLength: 0, bytesReceived: 0 });
    expect(put).toMatchObject({
      method: "PUT",
      contentType: octets,
      contentLength: blob.size,
      bytesReceived: blob.size,
      queryNames: ["digest"],
      status: 201,
    });
    expect(put?.contentRange).toBeUndefined();
  });

  test("in chunks names type, length and range of each, and the digest of the whole at the end", async () => {
    await using home = await aHome({ uploadChunkBytes: 12_000 });
    await home.pushBlob();
    const [, post, ...rest] = home.server.requests();
    expect(post).toMatchObject({ method: "POST", contentLength: 0 });
    const chunk = { method: "PATCH", contentType: octets, queryNames: [], status: 202 };
    expect(rest).toMatchObject([
      { ...chunk, contentLength: 12_000, contentRange: "0-11999" },
      { ...chunk, contentLength: 12_000, contentRange: "12000-23999" },
      { ...chunk, contentLength: 6000, contentRange: "24000-29999" },
      { method: "PUT", queryNames: ["digest"], bytesReceived: 0, status: 201 },
    ]);
    expect(await home.repository.statBlob(blob.digest)).toEqual({ size: blob.size });
  });

  test("goes on at the place that the answer to the last chunk named", async () => {
    await using home = await aHome({ uploadChunkBytes: 12_000 });
    let moves = 0;
    const move = faultOf(() => ({
      head: ({ status, headers }) => {
        moves += 1;
        return { status, headers: { ...headers, location: `${headers.location}?moved${moves}=1` } };
      },
    }));
    home.server.fail(move, { match: /^(POST|PATCH)/ });
    await home.pushBlob();
    const asked = home.server.requests().slice(2);
    expect(asked.map(({ method, queryNames }) => [method, ...queryNames])).toEqual([
      ["PATCH", "moved1"],
      ["PATCH", "moved2"],
      ["PATCH", "moved3"],
      ["PUT", "moved4", "digest"],
    ]);
  });

  test("may be mounted under a digest of another algorithm", async () => {
    await using home = await aHome();
    const headers = { "docker-content-digest": digestOf(blob.bytes, "sha512") };
    home.server.fail(faults.status(201, { headers }), { match: /^POST/ });
    const opener = openerOf(blob.bytes);
    expect(await home.repository.pushBlob(blob, opener.open, { mountFrom: ["other"] })).toBe("mounted");
    expect(opener.opened).toBe(0);
  });
});

describe("a manifest that is pushed", () => {
  test.for([
    { name: "an image", mediaType: MediaType.ociManifest },
    { name: "one of Docker's", mediaType: MediaType.dockerManifest },
    { name: "one that nobody here knows", mediaType: "application/vnd.example.thing+json" },
  ])("goes out as what it calls itself: $name", async ({ mediaType }) => {
    await using home = await aHome();
    home.server.fail(faults.status(201), { match: /^PUT/ });
    const bytes = new TextEncoder().encode(JSON.stringify({ schemaVersion: 2, mediaType }));
    await home.repository.pushManifest(manifestOf(bytes, mediaType), { tags: ["v1"] });
    expect(home.server.requests()).toMatchObject([{ method: "PUT", contentType: mediaType }]);
  });

  test("does not go out as anything else", async () => {
    await using home = await aHome();
    const { bytes } = image.manifest;
    for (const wrong of [MediaType.ociIndex, `${MediaType.ociManifest}; charset=utf-8`]) {
      await expectCode(home.repository.pushManifest(manifestOf(bytes, wrong)), "INVALID_MANIFEST");
    }
    expect(home.server.requests()).toEqual([]);
  });

  test("may have four mebibytes, and comes back the same", async () => {
    await using home = await aHome();
    const limit = 4 * 1024 * 1024;
    const empty = sized(0);
    const manifest = manifestOf(sized(limit - empty.byteLength), MediaType.ociIndex);
    expect(manifest.descriptor.size).toBe(limit);
    await home.repository.pushManifest(manifest, { tags: ["large"] });
    const { descriptor, bytes } = await home.repository.manifest("large");
    expect(descriptor).toEqual(manifest.descriptor);
    expect(Buffer.compare(bytes, manifest.bytes)).toBe(0);
  });

  test.for([
    { status: 413, code: "SIZE_INVALID" },
    { status: 400, code: "MANIFEST_BLOB_UNKNOWN" },
  ])("is refused with $status in the registry's own words, and at once", async ({ status, code }) => {
    await using home = await aHome();
    const errors = [{ code, message: "not this one" }];
    home.server.fail(faults.status(status, { body: JSON.stringify({ errors }) }), { match: /^PUT/ });
    await expect(home.repository.pushManifest(image.manifest)).rejects.toMatchObject({
      code: "UNEXPECTED_STATUS",
      message: expect.stringContaining("not this one"),
      details: { status, errors },
    });
    expect(home.server.requests()).toHaveLength(1);
  });
});

function sized(padding: number): Uint8Array {
  const index = {
    schemaVersion: 2,
    mediaType: MediaType.ociIndex,
    manifests: [],
    annotations: { pad: "x".repeat(padding) },
  };
  return new TextEncoder().encode(JSON.stringify(index));
}
