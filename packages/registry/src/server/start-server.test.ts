import { once } from "node:events";
import { request } from "node:http";
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { MemoryRegistry } from "../memory/memory-registry.ts";
import type { RegistryReader } from "../registry.ts";
import { aBlob, anArtifact, anImage, startTestRegistry } from "../testing/index.ts";
import type { ServedRequest } from "./served-request.ts";
import { startServer } from "./start-server.ts";

const blob = aBlob({ size: 1000 });
const image = anImage({ tag: "v1" });

/** Status and first error code of an answer. */
async function outcomeOf(answer: Response): Promise<string> {
  const body: unknown = await answer.json().catch(() => undefined);
  const [error] = (body as { errors?: { code: string }[] } | undefined)?.errors ?? [];
  return error ? `${answer.status} ${error.code}` : String(answer.status);
}

/** The status of a request whose path goes out exactly as written: `fetch` would tidy it first. */
async function rawStatus(host: string, path: string): Promise<number | undefined> {
  return await new Promise((resolve, reject) => {
    const [hostname, port] = host.split(":");
    request({ hostname, port, path }, (response) => {
      response.resume();
      resolve(response.statusCode);
    })
      .on("error", reject)
      .end();
  });
}

describe("the server", () => {
  test("says that it speaks the protocol", async () => {
    await using registry = await startTestRegistry();
    const answer = await fetch(`${registry.url}/v2/`);
    expect([answer.status, answer.headers.get("docker-distribution-api-version")]).toEqual([200, "registry/2.0"]);
  });

  test("gives a manifest with its headers, to GET and HEAD alike", async () => {
    await using registry = await startTestRegistry();
    registry.seed("demo/app", image);
    for (const method of ["GET", "HEAD"]) {
      for (const reference of ["v1", image.manifest.descriptor.digest]) {
        const answer = await fetch(`${registry.url}/v2/demo/app/manifests/${reference}`, { method });
        expect(answer.status).toBe(200);
        expect(answer.headers.get("docker-content-digest")).toBe(image.manifest.descriptor.digest);
        expect(answer.headers.get("content-type")).toBe(image.manifest.descriptor.mediaType);
        expect(answer.headers.get("content-length")).toBe(String(image.manifest.bytes.byteLength));
        expect(await answer.bytes()).toEqual(method === "GET" ? image.manifest.bytes : new Uint8Array());
      }
    }
  });

  test.for([
    { range: "bytes=0-", status: 206, part: [0, 1000], contentRange: "bytes 0-999/1000" },
    { range: "bytes=400-", status: 206, part: [400, 1000], contentRange: "bytes 400-999/1000" },
    { range: "bytes=400-499", status: 206, part: [400, 500], contentRange: "bytes 400-499/1000" },
    { range: "bytes=990-5000", status: 206, part: [990, 1000], contentRange: "bytes 990-999/1000" },
    { range: "bytes=-10", status: 206, part: [990, 1000], contentRange: "bytes 990-999/1000" },
    { range: "bytes=0-1,5-6", status: 200, part: [0, 1000], contentRange: null },
    { range: "bytes=9-5", status: 200, part: [0, 1000], contentRange: null },
    { range: "lines=1-2", status: 200, part: [0, 1000], contentRange: null },
  ] as const)("answers a range $range with $status", async ({ range, status, part, contentRange }) => {
    await using registry = await startTestRegistry();
    registry.seed("app", blob);
    const answer = await fetch(`${registry.url}/v2/app/blobs/${blob.digest}`, { headers: { range } });
    expect([answer.status, answer.headers.get("content-range")]).toEqual([status, contentRange]);
    expect(await answer.bytes()).toEqual(blob.bytes.slice(...part));
    expect(registry.requests()).toMatchObject([{ range, status, bytesSent: part[1] - part[0] }]);
  });

  test.for(["bytes=400-499", "bytes=1000-"])("tells a HEAD of the whole blob, whatever its range %s", async (range) => {
    await using registry = await startTestRegistry();
    registry.seed("app", blob);
    const answer = await fetch(`${registry.url}/v2/app/blobs/${blob.digest}`, { method: "HEAD", headers: { range } });
    const headers = ["content-length", "content-range"].map((name) => answer.headers.get(name));
    expect([answer.status, ...headers]).toEqual([200, "1000", null]);
  });

  test.for(["bytes=1000-", "bytes=1000-1001", "bytes=-0"])("answers a range %s outside with 416", async (range) => {
    await using registry = await startTestRegistry();
    registry.seed("app", blob);
    const answer = await fetch(`${registry.url}/v2/app/blobs/${blob.digest}`, { headers: { range } });
    expect([answer.status, answer.headers.get("content-range")]).toEqual([416, "bytes */1000"]);
  });

  test.for([
    { path: "demo/none/manifests/v1", expected: "404 NAME_UNKNOWN" },
    { path: `demo/none/blobs/${blob.digest}`, expected: "404 NAME_UNKNOWN" },
    { path: "demo/none/tags/list", expected: "404 NAME_UNKNOWN" },
    { path: "demo/app/manifests/v2", expected: "404 MANIFEST_UNKNOWN" },
    { path: "demo/app/manifests/.hidden", expected: "404 MANIFEST_UNKNOWN" },
    { path: `demo/app/manifests/${blob.digest}`, expected: "404 MANIFEST_UNKNOWN" },
    { path: "demo/app/manifests/sha256:12", expected: "400 DIGEST_INVALID" },
    { path: `demo/app/blobs/${blob.digest}`, expected: "404 BLOB_UNKNOWN" },
    { path: "demo/app/blobs/md5:abc", expected: "400 DIGEST_INVALID" },
    { path: "Demo/App/tags/list", expected: "400 NAME_INVALID" },
    { path: "demo//app/tags/list", expected: "400 NAME_INVALID" },
    { path: "tags/list", expected: "400 NAME_INVALID" },
    { path: "demo%2fapp/tags/list", expected: "400 NAME_INVALID" },
    { path: "demo/app%zz/tags/list", expected: "400 NAME_INVALID" },
    { path: "demo/app/referrers/v1", expected: "400 DIGEST_INVALID" },
    { path: "demo/app/tags/list?n=many", expected: "400 PAGINATION_NUMBER_INVALID" },
    { path: "demo/app/elsewhere", expected: "404 UNSUPPORTED" },
  ])("answers $path with $expected", async ({ path, expected }) => {
    await using registry = await startTestRegistry();
    registry.seed("demo/app", image);
    expect(await outcomeOf(await fetch(`${registry.url}/v2/${path}`))).toBe(expected);
  });

  test.for([
    "/v2/../../etc/manifests/v1",
    "/v2/%2e%2e/%2e%2e/etc/manifests/v1",
    "/v2/demo/..%2f..%2fetc/manifests/v1",
    "/v2/demo/app\\..\\etc/manifests/v1",
    "/v2/demo/app%00/manifests/v1",
    "http://elsewhere/v2/demo/app/manifests/v1",
    "/etc/passwd",
  ])("is not led astray by %s", async (path) => {
    await using registry = await startTestRegistry();
    registry.seed("demo/app", image);
    registry.seed("etc", image);
    expect([400, 404]).toContain(await rawStatus(registry.host, path));
  });

  test("remembers no password that stands in a path", async () => {
    await using registry = await startTestRegistry();
    await rawStatus(registry.host, "http://me:secret@elsewhere/v2/?me@there");
    expect(registry.requests().map(({ path }) => path)).toEqual(["http://elsewhere/v2/"]);
  });

  test("finds repositories whose names are the API's own words", async () => {
    await using registry = await startTestRegistry();
    for (const path of ["blobs/uploads", "tags/list", "a/manifests/b", "referrers"]) {
      registry.seed(path, image);
      const answer = await fetch(`${registry.url}/v2/${path}/manifests/v1`);
      expect([path, answer.status]).toEqual([path, 200]);
      expect(await (await fetch(`${registry.url}/v2/${path}/tags/list`)).json()).toEqual({ name: path, tags: ["v1"] });
    }
  });

  test.for([
    { list: "app/tags/list", key: "tags" },
    { list: "_catalog", key: "repositories" },
  ])("gives $list page by page", async ({ list, key }) => {
    await using registry = await startTestRegistry({ maxPageSize: 3 });
    const names = ["app", "b", "c", "d", "e", "f", "g"];
    for (const path of names) registry.seed(path, anImage({ tags: names }));
    for (const [query, sizes] of [
      ["", [3, 3, 1]],
      ["?n=2", [2, 2, 2, 1]],
      ["?n=100", [3, 3, 1]],
    ] as const) {
      const pages: string[][] = [];
      let next: string | undefined = `/v2/${list}${query}`;
      while (next !== undefined) {
        const answer: Response = await fetch(`${registry.url}${next}`);
        pages.push(((await answer.json()) as Record<string, string[]>)[key] ?? []);
        next = /^<(.*)>; rel="next"$/.exec(answer.headers.get("link") ?? "")?.[1];
      }
      expect(pages.map(({ length }) => length)).toEqual(sizes);
      expect(pages.flat()).toEqual(names);
    }
    const after = await fetch(`${registry.url}/v2/${list}?last=e`);
    expect(((await after.json()) as Record<string, string[]>)[key]).toEqual(["f", "g"]);
    const none = await fetch(`${registry.url}/v2/${list}?n=0`);
    expect([((await none.json()) as Record<string, string[]>)[key], none.headers.get("link")]).toEqual([[], null]);
  });

  test("lists referrers, all or of one type", async () => {
    await using registry = await startTestRegistry();
    const [one, two] = ["application/x.one", "application/x.two"].map((artifactType) =>
      anArtifact({ subject: image, artifactType, annotations: { for: artifactType } }),
    );
    if (!one || !two) throw new Error("two were made");
    const inOrder = [one, two].map((x) => x.manifest.descriptor).sort((a, b) => (a.digest < b.digest ? -1 : 1));
    registry.seed("app", image, one, two);
    const url = `${registry.url}/v2/app/referrers/${image.manifest.descriptor.digest}`;
    const all = await fetch(url);
    expect([all.headers.get("content-type"), all.headers.get("oci-filters-applied")]).toEqual([
      "application/vnd.oci.image.index.v1+json",
      null,
    ]);
    expect(await all.json()).toMatchObject({ schemaVersion: 2, manifests: inOrder });
    const some = await fetch(`${url}?artifactType=application/x.two`);
    expect(some.headers.get("oci-filters-applied")).toBe("artifactType");
    expect(await some.json()).toMatchObject({
      manifests: [{ ...two.manifest.descriptor, annotations: { for: "application/x.two" } }],
    });
    expect(await (await fetch(`${registry.url}/v2/app/referrers/${blob.digest}`)).json()).toMatchObject({
      manifests: [],
    });
  });

  test("wants the credentials it was given, for everything", async () => {
    const credentials = { username: "ann", password: "s3cret:ü" };
    await using registry = await startTestRegistry({ credentials });
    registry.seed("app", image);
    const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString("base64")}` });
    for (const path of ["", "app/manifests/v1", "nonsense"]) {
      for (const headers of [{}, basic("ann:wrong"), basic("ann:"), { authorization: "Bearer x" }]) {
        const answer = await fetch(`${registry.url}/v2/${path}`, { headers });
        expect(answer.headers.get("www-authenticate")).toMatch(/^Basic realm=/);
        expect(await outcomeOf(answer)).toBe("401 UNAUTHORIZED");
      }
    }
    const answer = await fetch(`${registry.url}/v2/app/manifests/v1`, { headers: basic("ann:s3cret:ü") });
    expect(answer.status).toBe(200);
    expect(registry.requests().map(({ authorization }) => authorization)).toContain(false);
    expect(JSON.stringify(registry.requests())).not.toContain("s3cret");
  });

  test.for([
    { name: "it is told to be read-only", isWritable: true },
    { name: "its registry only reads", isWritable: false },
  ])("refuses every write when $name, and still reads", async ({ isWritable }) => {
    const memory = new MemoryRegistry();
    memory.repository("app").putBlob(blob, blob.bytes);
    const reader: RegistryReader = {
      name: "reader",
      repository(path) {
        const { name } = memory.repository(path);
        const inner = memory.repository(path);
        return {
          name,
          resolve: (...args) => inner.resolve(...args),
          manifest: (...args) => inner.manifest(...args),
          statBlob: (...args) => inner.statBlob(...args),
          fetchBlob: (...args) => inner.fetchBlob(...args),
          tags: (...args) => inner.tags(...args),
          referrers: (...args) => inner.referrers(...args),
        };
      },
      repositories: (...args) => memory.repositories(...args),
    };
    await using server = await startServer(isWritable ? memory : reader, { readOnly: isWritable });
    const writes: [string, string][] = [
      ["POST", "app/blobs/uploads/"],
      ["PATCH", "app/blobs/uploads/some"],
      ["PUT", "app/manifests/v1"],
      ["DELETE", "app/manifests/v1"],
      ["DELETE", `app/blobs/${blob.digest}`],
    ];
    for (const [method, path] of writes) {
      const body = method === "PUT" ? { body: image.manifest.bytes } : {};
      const answer = await fetch(`${server.url}/v2/${path}`, { method, ...body });
      expect(await outcomeOf(answer)).toBe("405 UNSUPPORTED");
    }
    const read = await fetch(`${server.url}/v2/app/blobs/${blob.digest}`);
    expect(await read.bytes()).toEqual(blob.bytes);
  });

  test("keeps to itself what went wrong inside", async () => {
    const memory = new MemoryRegistry();
    const registry: RegistryReader = {
      name: "broken",
      repository: () => {
        throw new Error("secret path /srv/x");
      },
      repositories: () => memory.repositories(),
    };
    const requests: ServedRequest[] = [];
    const onRequest = (request: ServedRequest) => {
      requests.push(request);
      return undefined;
    };
    await using server = await startServer(registry, { onRequest });
    const answer = await fetch(`${server.url}/v2/app/manifests/v1`);
    expect(answer.status).toBe(500);
    expect(await answer.text()).not.toContain("secret");
    expect(requests).toMatchObject([{ status: 500, failure: "secret path /srv/x" }]);
  });

  test("breaks off what is going on when it is closed", async () => {
    const registry = new MemoryRegistry();
    const large = aBlob({ size: 20_000_000 });
    registry.repository("app").putBlob(large, large.bytes);
    const server = await startServer(registry);
    const answer = await fetch(`${server.url}/v2/app/blobs/${large.digest}`);
    await server.close();
    await expect(answer.bytes()).rejects.toThrow();
    await expect(fetch(`${server.url}/v2/`)).rejects.toThrow();
    await server.close();
  });

  test.for([
    { name: "in place of a small blob that is damaged", size: 1000, outcome: 500 },
    { name: "before the end of a large one", size: 1_000_000, outcome: "broken off" },
  ])("refuses $name", async ({ size, outcome }) => {
    const registry = new MemoryRegistry();
    const inner = registry.repository("app");
    const damaged = Object.assign(Object.create(inner) as typeof inner, {
      statBlob: async () => ({ size }),
      fetchBlob: async function* () {
        for (let at = 0; at < size; at += 65_536) yield new Uint8Array(Math.min(65_536, size - at));
        throw new Error("the digest is another");
      },
    });
    const home: RegistryReader = {
      name: "damaged",
      repository: () => damaged,
      repositories: () => registry.repositories(),
    };
    await using server = await startServer(home);
    const answer = await fetch(`${server.url}/v2/app/blobs/${blob.digest}`);
    const read = answer.bytes().then(
      () => answer.status,
      () => "broken off",
    );
    expect(await read).toBe(outcome);
  });

  test("takes no more of a blob than the other side takes", async () => {
    const size = 512 * 1024 * 1024;
    const digest = blob.digest;
    let given = 0;
    const memory = new MemoryRegistry();
    const inner = memory.repository("app");
    const endless = Object.assign(Object.create(inner) as typeof inner, {
      statBlob: async () => ({ size }),
      fetchBlob: async function* () {
        for (; given < size; given += 65_536) yield new Uint8Array(65_536);
      },
    });
    const registry: RegistryReader = {
      name: "endless",
      repository: () => endless,
      repositories: () => memory.repositories(),
    };
    await using server = await startServer(registry);
    const answer = await fetch(`${server.url}/v2/app/blobs/${digest}`);
    const reader = answer.body?.getReader();
    for (let read = 0; read < 1_000_000; ) read += (await reader?.read())?.value?.byteLength ?? size;
    expect(given).toBeLessThan(100 * 1024 * 1024);
    await reader?.cancel();
  });

  test("ends a connection on which nothing moves", async () => {
    await using server = await startServer(new MemoryRegistry(), { idleTimeoutMs: 50 });
    const [hostname, port] = server.host.split(":");
    const socket = connect(Number(port), hostname).resume();
    socket.write(
      `POST /v2/app/blobs/uploads/?digest=${blob.digest} HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nabc`,
    );
    await once(socket, "close");
    expect((await fetch(`${server.url}/v2/`)).status).toBe(200);
  });

  test("keeps a connection while the registry works on what came, however long", async () => {
    const memory = new MemoryRegistry();
    const slow = memory.repository("app");
    const pushBlob = slow.pushBlob.bind(slow);
    slow.pushBlob = async (...pushed) => {
      await delay(400);
      return await pushBlob(...pushed);
    };
    const registry = { name: "slow", repository: () => slow, repositories: () => memory.repositories() };
    await using server = await startServer(registry, { idleTimeoutMs: 100 });
    const url = `${server.url}/v2/app/blobs/uploads/?digest=${blob.digest}`;
    expect((await fetch(url, { method: "POST", body: new Uint8Array(blob.bytes) })).status).toBe(201);
  });
});
