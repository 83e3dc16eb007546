import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, test } from "vitest";
import type { RegistryErrorCode } from "../errors.ts";
import { manifestOf } from "../oci/manifest.ts";
import { MediaType } from "../oci/media-type.ts";
import { expectCode, listOf } from "../testing/contract-support.ts";
import { anArtifact, anImage, anIndex, type Fault, faults, startTestRegistry } from "../testing/index.ts";
import { createRegistry } from "./create-registry.ts";

const image = anImage({ tag: "v1" });
const { descriptor, bytes } = image.manifest;
const text = new TextDecoder().decode(bytes);

async function aRepository() {
  const server = await startTestRegistry();
  server.seed("app", image);
  const registry = createRegistry(server.host, { retryDelayMs: 1 });
  return {
    server,
    repository: registry.repository("app"),
    async [Symbol.asyncDispose]() {
      await registry.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

function answer(body: string, headers: Record<string, string>): Fault {
  return faults.status(200, { body, headers });
}

describe("a failure is never taken for a missing manifest:", () => {
  test.for<[number, RegistryErrorCode]>([
    [400, "UNEXPECTED_STATUS"],
    [401, "UNAUTHORIZED"],
    [403, "FORBIDDEN"],
    [429, "RATE_LIMITED"],
    [500, "SERVER_ERROR"],
    [502, "SERVER_ERROR"],
  ])("%s is %s", async ([status, code]) => {
    await using home = await aRepository();
    home.server.fail(faults.status(status, { body: "<html>nginx</html>", headers: { "content-type": "text/html" } }));
    await expectCode(home.repository.resolve("v1"), code);
    await expectCode(home.repository.manifest("v1"), code);
    await expectCode(home.repository.statBlob(image.config.digest), code);
  });
});

describe("resolving", () => {
  test("is one HEAD", async () => {
    await using home = await aRepository();
    expect(await home.repository.resolve("v1")).toEqual(descriptor);
    expect(home.server.requests().map(({ method }) => method)).toEqual(["HEAD"]);
  });

  test.for([
    { name: "no digest", headers: { "content-type": descriptor.mediaType } },
    {
      name: "a digest of no known kind",
      headers: { "content-type": descriptor.mediaType, "docker-content-digest": "md5:1" },
    },
    {
      name: "a type that says nothing",
      headers: { "content-type": "text/plain", "docker-content-digest": descriptor.digest },
    },
  ])("looks at the body when a HEAD tells $name", async ({ headers }) => {
    await using home = await aRepository();
    home.server.failOnce(answer("", headers));
    expect(await home.repository.resolve("v1")).toEqual(descriptor);
    expect(home.server.requests().map(({ method }) => method)).toEqual(["HEAD", "GET"]);
  });

  test.for([405, 501])("looks at the body where a HEAD is answered with %i", async (status) => {
    await using home = await aRepository();
    home.server.fail(faults.status(status), { match: /^HEAD/ });
    expect(await home.repository.resolve("v1")).toEqual(descriptor);
    expect(await home.repository.resolve("v2")).toBeUndefined();
    expect(await home.repository.statBlob(image.config.digest)).toEqual({ size: image.config.size });
  });

  test("does not believe another digest than it asked for", async () => {
    await using home = await aRepository();
    const other = anImage({ seed: "other" }).manifest.descriptor;
    home.server.failOnce(
      answer("x", { "content-type": other.mediaType, "docker-content-digest": other.digest, "content-length": "1" }),
    );
    await expectCode(home.repository.resolve(descriptor.digest), "DIGEST_MISMATCH");
  });
});

describe("reading a manifest", () => {
  test.for(["application/json", "text/plain; charset=utf-8", "application/octet-stream"])(
    "looks inside when it comes as %s",
    async (type) => {
      await using home = await aRepository();
      home.server.failOnce(answer(text, { "content-type": type }));
      expect((await home.repository.manifest("v1")).descriptor).toEqual(descriptor);
    },
  );

  test.for([
    { type: "text/html", body: "<html>sign in</html>" },
    { type: "text/plain", body: "hello" },
    { type: "application/json", body: "[]" },
  ])("refuses $type with $body", async ({ type, body }) => {
    await using home = await aRepository();
    home.server.fail(answer(body, { "content-type": type }));
    await expectCode(home.repository.manifest("v1"), "PROTOCOL");
  });

  test.for([
    { name: "an index", told: MediaType.ociIndex },
    { name: "Docker's", told: MediaType.dockerManifest },
  ])("refuses one that calls itself otherwise than it came: as $name", async ({ told }) => {
    await using home = await aRepository();
    home.server.fail(answer(text, { "content-type": told }));
    await expectCode(home.repository.manifest("v1"), "PROTOCOL");
    await expectCode(home.repository.manifest(descriptor.digest), "PROTOCOL");
  });

  test("believes the header of one that does not say what it is", async () => {
    await using home = await aRepository();
    const { mediaType: _, ...silent } = JSON.parse(text) as Record<string, unknown>;
    home.server.fail(answer(JSON.stringify(silent), { "content-type": MediaType.dockerManifest }));
    expect((await home.repository.manifest("v1")).descriptor.mediaType).toBe(MediaType.dockerManifest);
  });

  test("needs no digest in the answer", async () => {
    await using home = await aRepository();
    home.server.fail(answer(text, { "content-type": descriptor.mediaType }));
    expect((await home.repository.manifest("v1")).descriptor).toEqual(descriptor);
    expect((await home.repository.manifest(descriptor.digest)).descriptor).toEqual(descriptor);
  });

  test("looks a second and a third time, and no fourth, when the bytes are not the digest's", async () => {
    await using home = await aRepository();
    home.server.failOnce(faults.corrupt({ at: 5 }));
    expect((await home.repository.manifest(descriptor.digest)).bytes).toEqual(bytes);
    home.server.reset();
    home.server.fail(faults.corrupt({ at: 5 }));
    await expectCode(home.repository.manifest(descriptor.digest), "DIGEST_MISMATCH");
    await expectCode(home.repository.manifest("v1"), "DIGEST_MISMATCH");
    expect(home.server.requests()).toHaveLength(6);
  });

  test.for([{ told: true }, { told: false }])(
    "stops a body larger than allowed, length told: $told",
    async ({ told }) => {
      let closing: Promise<unknown> | undefined;
      const server = createServer((_request, response) => {
        closing = once(response, "close");
        const length = told ? { "content-length": "200000" } : {};
        response.writeHead(200, { "content-type": descriptor.mediaType, ...length });
        response.write("x".repeat(150_000)); // and it never ends
      });
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      await using registry = createRegistry(`127.0.0.1:${(server.address() as AddressInfo).port}`);
      await expectCode(registry.repository("app").manifest("v1", { maxBytes: 100_000 }), "TOO_LARGE");
      await closing;
      server.close();
    },
  );

  test("asks again when the connection was cut", async () => {
    await using home = await aRepository();
    home.server.failOnce(faults.cutAfter(10));
    expect((await home.repository.manifest("v1")).bytes).toEqual(bytes);
  });
});

describe("a list of tags", () => {
  const page = (tags: unknown, link?: string) =>
    answer(JSON.stringify({ name: "app", tags }), link === undefined ? {} : { link });
  const match = /tags\/list/;

  test.for([
    { name: "relative", link: () => '</v2/app/tags/list?last=v1&n=1>; rel="next"' },
    { name: "whole", link: (host: string) => `<http://${host}/v2/app/tags/list?last=v1&n=1>;rel=next` },
    {
      name: "not the only one",
      link: () => '</first>; rel="first", </v2/app/tags/list?last=v1&n=1>; x="y"; rel="next"',
    },
  ])("goes on at a link that is $name", async ({ link }) => {
    await using home = await aRepository();
    home.server.fail(page(["v1"], link(home.server.host)), { times: 1, match });
    home.server.fail(page(["v2"]), { times: 1, match });
    expect(await listOf(home.repository.tags())).toEqual(["v1", "v2"]);
  });

  test("may be null", async () => {
    await using home = await aRepository();
    home.server.fail(page(null), { match });
    expect(await listOf(home.repository.tags())).toEqual([]);
  });

  test.for([
    { name: "a circle", fault: page(["v1"], '</v2/app/tags/list?n=1000>; rel="next"') },
    { name: "another host", fault: page(["v1"], '<http://127.0.0.1:1/v2/app/tags/list>; rel="next"') },
    { name: "something that is no tag", fault: page(["v1", "../etc"]) },
    { name: "no list", fault: page("v1") },
    { name: "no JSON", fault: answer("<html>", {}) },
  ])("is refused with $name", async ({ fault }) => {
    await using home = await aRepository();
    home.server.fail(fault, { match });
    await expectCode(listOf(home.repository.tags()), "PROTOCOL");
  });

  test("is not read further than the reader goes", async () => {
    await using home = await aRepository();
    home.server.fail(page(["v1", "v2"], '</v2/app/tags/list?last=v2>; rel="next"'), { match });
    for await (const tag of home.repository.tags()) {
      expect(tag).toBe("v1");
      break;
    }
    expect(home.server.requests()).toHaveLength(1);
  });
});

describe("referrers", () => {
  const signature = anArtifact({ subject: image, artifactType: "application/x.signature" });
  const report = anArtifact({ subject: image, artifactType: "application/x.report" });
  const match = /\/referrers\//;

  test("come from the fallback tag where the registry has no such list", async () => {
    await using home = await aRepository();
    home.server.fail(faults.status(404), { match });
    expect(await listOf(home.repository.referrers(descriptor.digest))).toEqual([]);
    home.server.seed("app", anIndex({ tag: descriptor.digest.replace(":", "-"), images: [signature, report] }));
    const found = await listOf(home.repository.referrers(descriptor.digest));
    expect(found.map(({ digest }) => digest)).toEqual(
      [signature, report].map(({ manifest }) => manifest.descriptor.digest),
    );
  });

  test("are filtered here when the registry does not", async () => {
    await using home = await aRepository();
    const described = [signature, report].map(({ manifest }, n) => ({
      ...manifest.descriptor,
      artifactType: n === 0 ? "application/x.signature" : "application/x.report",
    }));
    const body = JSON.stringify({ schemaVersion: 2, mediaType: MediaType.ociIndex, manifests: described });
    home.server.fail(answer(body, { "content-type": MediaType.ociIndex }), { match });
    const found = await listOf(home.repository.referrers(descriptor.digest, { artifactType: "application/x.report" }));
    expect(found.map(({ digest }) => digest)).toEqual([report.manifest.descriptor.digest]);
  });

  test.for<[number, RegistryErrorCode]>([
    [400, "UNEXPECTED_STATUS"],
    [403, "FORBIDDEN"],
    [429, "RATE_LIMITED"],
    [500, "SERVER_ERROR"],
  ])("are not taken for none when the registry fails with %i", async ([status, code]) => {
    await using home = await aRepository();
    home.server.fail(faults.status(status), { match });
    await expectCode(listOf(home.repository.referrers(descriptor.digest)), code);
  });
});

describe("pushing a manifest", () => {
  test("puts it under every tag, or under its digest", async () => {
    await using home = await aRepository();
    await home.repository.pushManifest(image.manifest, { tags: ["a", "b"] });
    await home.repository.pushManifest(image.manifest);
    expect(home.server.requests().map(({ method, path }) => `${method} ${path}`)).toEqual([
      "PUT /v2/app/manifests/a",
      "PUT /v2/app/manifests/b",
      `PUT /v2/app/manifests/${descriptor.digest}`,
    ]);
  });

  test("is done again when the connection was cut", async () => {
    await using home = await aRepository();
    home.server.failOnce(faults.cutAfter(10));
    await home.repository.pushManifest(image.manifest, { tags: ["again"] });
    expect(await home.repository.resolve("again")).toEqual(descriptor);
  });

  test("is refused when the registry stored something else", async () => {
    await using home = await aRepository();
    const other = manifestOf(new TextEncoder().encode("{}"), MediaType.ociManifest).descriptor.digest;
    home.server.fail(faults.status(201, { headers: { "docker-content-digest": other } }));
    await expectCode(home.repository.pushManifest(image.manifest, { tags: ["v2"] }), "DIGEST_MISMATCH");
  });

  test.for(["a/b", "", "../v1", "a?b"])("is refused under %j, which is no tag", async (tag) => {
    await using home = await aRepository();
    await expectCode(home.repository.pushManifest(image.manifest, { tags: [tag] }), "INVALID_REFERENCE");
    expect(home.server.requests()).toEqual([]);
  });
});
