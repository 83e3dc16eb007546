import { once } from "node:events";
import { createServer, type IncomingHttpHeaders, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { digestOf } from "../oci/digest.ts";
import { MediaType, manifestMediaTypes } from "../oci/media-type.ts";
import { bytesOf, expectCode, listOf } from "../testing/contract-support.ts";
import { faultOf } from "../testing/fault.ts";
import { aBlob, anImage, faults, startTestRegistry } from "../testing/index.ts";
import { createRegistry } from "./create-registry.ts";
import type { RemoteRegistryRepository as Repository } from "./http-registry.ts";

const image = anImage({ tag: "v1" });
const { descriptor, bytes } = image.manifest;
const text = new TextDecoder().decode(bytes);

async function aHome() {
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

/** A registry that answers as it is told. */
async function anOddHome(listener: RequestListener) {
  const server = createServer(listener);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const registry = createRegistry(`127.0.0.1:${(server.address() as AddressInfo).port}`, { attempts: 1 });
  return {
    repository: registry.repository("app"),
    async [Symbol.asyncDispose]() {
      await registry.close();
      server.close();
    },
  };
}

function served(type: string, body = text, headers: Record<string, string> = {}) {
  return faults.status(200, { body, headers: { "content-type": type, ...headers } });
}

describe("a manifest that is pulled", () => {
  test("is asked for with every type that is understood, by HEAD and by GET", async () => {
    const accepted: (readonly [string | undefined, IncomingHttpHeaders["accept"]])[] = [];
    await using home = await anOddHome(({ method, headers }, response) => {
      accepted.push([method, headers.accept]);
      const headersOfIt = { "content-type": descriptor.mediaType, "docker-content-digest": descriptor.digest };
      response.writeHead(200, { ...headersOfIt, "content-length": String(bytes.byteLength) });
      response.end(method === "HEAD" ? undefined : bytes);
    });
    expect(await home.repository.resolve("v1")).toEqual(descriptor);
    expect((await home.repository.manifest("v1")).bytes).toEqual(bytes);
    const all = manifestMediaTypes.join(", ");
    expect(accepted).toEqual([
      ["HEAD", all],
      ["GET", all],
    ]);
    expect(all).toContain(MediaType.ociManifest);
    expect(all).toContain(MediaType.ociIndex);
  });

  test("may come with parameters behind its type", async () => {
    await using home = await aHome();
    home.server.fail(served(`${descriptor.mediaType}; charset=utf-8`), { match: /^GET/ });
    expect((await home.repository.manifest("v1")).descriptor).toEqual(descriptor);
  });

  test.for([
    { name: "a word nobody knows", mediaType: "application/vnd.example.thing", code: "PROTOCOL" },
    { name: "its type with parameters", mediaType: `${MediaType.ociManifest}; x=y`, code: "PROTOCOL" },
  ] as const)("is refused when it calls itself by $name", async ({ mediaType, code }) => {
    await using home = await aHome();
    const body = text.replace(MediaType.ociManifest, mediaType);
    home.server.fail(served(MediaType.ociManifest, body), { match: /^GET/ });
    await expectCode(home.repository.manifest("v1"), code);
  });

  test("may leave out what it is, or have an empty word for it", async () => {
    await using home = await aHome();
    home.server.fail(served(MediaType.ociManifest, text.replace(MediaType.ociManifest, "")), { match: /^GET/ });
    expect((await home.repository.manifest("v1")).descriptor.mediaType).toBe(MediaType.ociManifest);
  });

  test.for(["a/b", "", ".hidden", "a:b", "x".repeat(129), "sha256:abc", "sha256-x?y"])(
    "has a tag or a digest for a name; nobody is asked for %j",
    async (reference) => {
      await using home = await aHome();
      await expectCode((async () => await home.repository.manifest(reference))(), "INVALID_REFERENCE");
      await expectCode((async () => await home.repository.resolve(reference))(), "INVALID_REFERENCE");
      expect(home.server.requests()).toEqual([]);
    },
  );

  test("may be announced by its digest of another algorithm", async () => {
    await using home = await aHome();
    const strong = digestOf(bytes, "sha512");
    const headers = { "docker-content-digest": descriptor.digest };
    home.server.fail(served(descriptor.mediaType, text, headers), { match: /^GET/ });
    expect((await home.repository.manifest(strong)).descriptor.digest).toBe(strong);
  });
});

/** Something on the way makes the bodies of some methods smaller, though nobody asked for that. */
async function aSqueezingHome({ squeezed }: { readonly squeezed: readonly string[] }) {
  return await anOddHome(({ method = "", url = "" }, response) => {
    const isSqueezed = squeezed.includes(method);
    const plain = url.includes("/tags/") ? new TextEncoder().encode('{"tags":["v1"]}') : bytes;
    const body = isSqueezed ? gzipSync(plain) : plain;
    response.writeHead(200, {
      "content-type": descriptor.mediaType,
      "content-length": String(body.byteLength),
      ...(isSqueezed ? { "content-encoding": "gzip" } : {}),
    });
    response.end(method === "HEAD" ? undefined : body);
  });
}

describe("what comes encoded, though nobody asked for that,", () => {
  const squeezed = ["HEAD", "GET"];

  test.for<{ name: string; read: (repository: Repository) => Promise<unknown> }>([
    { name: "a manifest by tag", read: (repository) => repository.manifest("v1") },
    { name: "a manifest by digest", read: (repository) => repository.manifest(descriptor.digest) },
    { name: "the description of a manifest", read: (repository) => repository.resolve("v1") },
    { name: "the size of a blob", read: (repository) => repository.statBlob(descriptor.digest) },
    { name: "a list", read: (repository) => listOf(repository.tags()) },
  ])("is refused: $name", async ({ read }) => {
    await using home = await aSqueezingHome({ squeezed });
    await expect(read(home.repository)).rejects.toMatchObject({
      code: "PROTOCOL",
      message: expect.stringContaining("the answer is encoded: gzip"),
    });
  });

  test("is no word about a size, which the bytes themselves tell", async () => {
    await using home = await aSqueezingHome({ squeezed: ["HEAD"] });
    expect(await home.repository.resolve("v1")).toEqual(descriptor);
    expect(await home.repository.statBlob(descriptor.digest)).toEqual({ size: descriptor.size });
  });
});

describe("a blob that is pulled", () => {
  test("is what its bytes hash to, whatever a header says", async () => {
    await using home = await aHome();
    const other = aBlob({ seed: "other" }).digest;
    const lie = faultOf(() => ({
      head: ({ status, headers }) => ({ status, headers: { ...headers, "docker-content-digest": other } }),
    }));
    home.server.fail(lie);
    expect(await bytesOf(home.repository.fetchBlob(image.config))).toEqual(image.config.bytes);
    expect(await home.repository.statBlob(image.config.digest)).toEqual({ size: image.config.size });
  });

  test("needs no manifest before it", async () => {
    await using home = await aHome();
    await bytesOf(home.repository.fetchBlob(image.config));
    expect(home.server.requests().map(({ method, path }) => `${method} ${path}`)).toEqual([
      `GET /v2/app/blobs/${image.config.digest}`,
    ]);
  });

  test("has a size: a look that tells none is not taken for a blob of none", async () => {
    await using home = await anOddHome((_request, response) => {
      response.writeHead(200, { "transfer-encoding": "chunked" }).end();
    });
    await expectCode(home.repository.statBlob(image.config.digest), "PROTOCOL");
  });

  test.for([
    {
      name: "the first byte",
      status: 206,
      headers: { "content-range": "bytes 0-0/700", "content-length": "1" },
      size: 700,
    },
    { name: "no first byte", status: 416, headers: { "content-range": "bytes */0" }, size: 0 },
    { name: "the whole", status: 200, headers: { "content-length": "700" }, size: 700 },
    { name: "nothing any more", status: 404, headers: {}, size: undefined },
  ])("has the size that $name tells, where a look tells none", async ({ status, headers, size }) => {
    await using home = await anOddHome(({ method }, response) => {
      if (method === "HEAD") response.writeHead(200, { "transfer-encoding": "chunked" }).end();
      else response.writeHead(status, headers).end(status === 206 ? "x" : status === 200 ? "x".repeat(700) : undefined);
    });
    expect(await home.repository.statBlob(image.config.digest)).toEqual(size === undefined ? undefined : { size });
  });

  test("is what was asked for, though the registry names it by another algorithm", async () => {
    const long = digestOf(bytes, "sha512");
    const headersOfIt = { "content-type": descriptor.mediaType, "docker-content-digest": descriptor.digest };
    await using home = await anOddHome(({ method }, response) => {
      response.writeHead(200, { ...headersOfIt, "content-length": String(bytes.byteLength) });
      response.end(method === "HEAD" ? undefined : bytes);
    });
    expect(await home.repository.resolve(long)).toEqual({ ...descriptor, digest: long });
    await expectCode(home.repository.resolve(digestOf(new Uint8Array(3), "sha512")), "DIGEST_MISMATCH");
  });
});
