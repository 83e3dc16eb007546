import { describe, expect, onTestFinished, test, vi } from "vitest";
import { MemoryRegistry } from "../memory/memory-registry.ts";
import { MemoryRepository } from "../memory/memory-repository.ts";
import { aBlob, anImage, faults, startTestRegistry, type TestRegistry } from "../testing/index.ts";
import { startServer } from "./start-server.ts";

const blob = aBlob({ size: 1000 });

async function codeOf(answer: Response): Promise<string | undefined> {
  return ((await answer.json()) as { errors: { code: string }[] }).errors[0]?.code;
}

/** Opens an upload and gives its URL. */
async function anUpload(registry: Pick<TestRegistry, "url">): Promise<string> {
  const answer = await fetch(`${registry.url}/v2/app/blobs/uploads/`, { method: "POST" });
  expect(answer.status).toBe(202);
  return `${registry.url}${answer.headers.get("location")}`;
}

function patch(url: string, from: number, to: number, range = `${from}-${to - 1}`): Promise<Response> {
  const headers = { "content-range": range, "content-type": "application/octet-stream" };
  return fetch(url, { method: "PATCH", headers, body: blob.bytes.slice(from, to) });
}

function put(url: string, body?: Uint8Array, digest: string = blob.digest): Promise<Response> {
  return fetch(`${url}?digest=${digest}`, { method: "PUT", ...(body ? { body: new Uint8Array(body) } : {}) });
}

describe("an upload", () => {
  test("in one POST stores the blob", async () => {
    await using registry = await startTestRegistry();
    const url = `${registry.url}/v2/app/blobs/uploads/?digest=${blob.digest}`;
    const answer = await fetch(url, { method: "POST", body: new Uint8Array(blob.bytes) });
    expect(answer.status).toBe(201);
    expect(answer.headers.get("location")).toBe(`/v2/app/blobs/${blob.digest}`);
    const stored = await fetch(`${registry.url}${answer.headers.get("location")}`);
    expect(await stored.bytes()).toEqual(blob.bytes);
  });

  test("by POST and PUT stores the blob", async () => {
    await using registry = await startTestRegistry();
    const answer = await put(await anUpload(registry), blob.bytes);
    expect([answer.status, answer.headers.get("docker-content-digest")]).toEqual([201, blob.digest]);
    expect(await registry.registry.repository("app").statBlob(blob.digest)).toEqual({ size: 1000 });
  });

  test("in chunks says how far it is and stores the blob", async () => {
    await using registry = await startTestRegistry();
    const url = await anUpload(registry);
    for (const [from, to] of [
      [0, 300],
      [300, 301],
      [301, 900],
    ] as const) {
      const answer = await patch(url, from, to);
      expect([answer.status, answer.headers.get("range")]).toEqual([202, `0-${to - 1}`]);
      const status = await fetch(url);
      expect([status.status, status.headers.get("range")]).toEqual([204, `0-${to - 1}`]);
    }
    expect((await put(url, blob.bytes.slice(900))).status).toBe(201);
    expect((await fetch(url)).status).toBe(404);
    expect(await registry.registry.repository("app").statBlob(blob.digest)).toEqual({ size: 1000 });
  });

  test("without content ranges is appended as it comes", async () => {
    await using registry = await startTestRegistry();
    const url = await anUpload(registry);
    for (const part of [blob.bytes.slice(0, 10), blob.bytes.slice(10)]) {
      expect((await fetch(url, { method: "PATCH", body: part })).status).toBe(202);
    }
    expect((await put(url)).status).toBe(201);
  });

  test.for([
    { name: "leaves a gap", range: "400-499", status: 416, code: "BLOB_UPLOAD_INVALID" },
    { name: "goes back", range: "0-99", status: 416, code: "BLOB_UPLOAD_INVALID" },
    { name: "is not as long as it says", range: "300-400", status: 400, code: "SIZE_INVALID" },
    { name: "ends before it starts", range: "399-300", status: 400, code: "BLOB_UPLOAD_INVALID" },
    { name: "says nothing", range: "some", status: 400, code: "BLOB_UPLOAD_INVALID" },
  ])("refuses a chunk that $name, and goes on with the right one", async ({ range, status, code }) => {
    await using registry = await startTestRegistry();
    const url = await anUpload(registry);
    await patch(url, 0, 300);
    const refused = await patch(url, 300, 400, range);
    expect([refused.status, await codeOf(refused)]).toEqual([status, code]);
    if (status === 416) expect(refused.headers.get("range")).toBe("0-299");
    expect((await patch(url, 300, 1000)).status).toBe(202);
    expect((await put(url)).status).toBe(201);
  });

  test("takes nothing of unknown length beyond where its chunk was to end", async () => {
    await using registry = await startTestRegistry();
    const url = await anUpload(registry);
    const body = new Blob([blob.bytes.slice(0, 700)]).stream(); // sent without a length
    const refused = await fetch(url, { method: "PATCH", headers: { "content-range": "0-99" }, body, duplex: "half" });
    expect([refused.status, await codeOf(refused)]).toEqual([400, "SIZE_INVALID"]);
    expect((await fetch(url)).headers.get("range")).toBe("0-0");
    expect((await patch(url, 0, 1000)).status).toBe(202);
    expect((await put(url)).status).toBe(201);
  });

  test("that several requests end at once is ended by one of them, and gone for the others", async () => {
    await using registry = await startTestRegistry();
    const url = await anUpload(registry);
    await patch(url, 0, 1000);
    const answers = await Promise.all(Array.from({ length: 4 }, () => put(url)));
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 404, 404, 404]);
  });

  test("goes on where the connection broke", async () => {
    await using registry = await startTestRegistry();
    const url = await anUpload(registry);
    registry.failOnce(faults.cutAfter(700), /^PATCH /);
    await expect(patch(url, 0, 1000)).rejects.toThrow();
    const status = await fetch(url);
    expect(status.headers.get("range")).toBe("0-699");
    expect((await patch(url, 700, 1000)).status).toBe(202);
    expect((await put(url)).status).toBe(201);
  });

  test("of other bytes is refused, and stores nothing", async () => {
    await using registry = await startTestRegistry();
    for (const wrong of [aBlob({ size: 1000, seed: "other" }).bytes, blob.bytes.slice(1)]) {
      const answer = await put(await anUpload(registry), wrong);
      expect([answer.status, await codeOf(answer)]).toEqual([400, "DIGEST_INVALID"]);
    }
    const answer = await put(await anUpload(registry), blob.bytes, "sha256:short");
    expect([answer.status, await codeOf(answer)]).toEqual([400, "DIGEST_INVALID"]);
    expect(await registry.registry.repository("app").statBlob(blob.digest)).toBeUndefined();
  });

  test("can be given up", async () => {
    await using registry = await startTestRegistry();
    const url = await anUpload(registry);
    expect((await fetch(url, { method: "DELETE" })).status).toBe(204);
    const answer = await patch(url, 0, 1000);
    expect([answer.status, await codeOf(answer)]).toEqual([404, "BLOB_UPLOAD_UNKNOWN"]);
  });

  test.for(["../../etc/passwd", "00000000-0000-4000-8000-000000000000"])("named %s is not there", async (id) => {
    await using registry = await startTestRegistry();
    await anUpload(registry);
    const answer = await patch(`${registry.url}/v2/app/blobs/uploads/${encodeURIComponent(id)}`, 0, 10);
    expect([400, 404]).toContain(answer.status);
  });

  test("belongs to its repository", async () => {
    await using registry = await startTestRegistry();
    const url = await anUpload(registry);
    const answer = await patch(url.replace("/app/", "/other/"), 0, 1000);
    expect([answer.status, await codeOf(answer)]).toEqual([404, "BLOB_UPLOAD_UNKNOWN"]);
  });

  test("larger than allowed is refused", async () => {
    await using server = await startServer(new MemoryRegistry(), { maxBlobBytes: 999 });
    const answer = await put(await anUpload(server), blob.bytes);
    expect([answer.status, await codeOf(answer)]).toEqual([413, "SIZE_INVALID"]);
  });
});

describe("a mount", () => {
  const mountUrl = (url: string, from: string) => `${url}/v2/two/blobs/uploads/?mount=${blob.digest}&from=${from}`;

  test("takes the blob from where it is", async () => {
    await using registry = await startTestRegistry();
    registry.seed("demo/one", blob);
    const answer = await fetch(mountUrl(registry.url, "demo%2Fone"), { method: "POST" });
    expect([answer.status, answer.headers.get("location")]).toEqual([201, `/v2/two/blobs/${blob.digest}`]);
    expect(await registry.registry.repository("two").statBlob(blob.digest)).toEqual({ size: 1000 });
  });

  test.for(["none", "", "../x"])("from %s, where it is not, opens an upload", async (from) => {
    await using registry = await startTestRegistry();
    const answer = await fetch(mountUrl(registry.url, from), { method: "POST" });
    expect(answer.status).toBe(202);
    const url = `${registry.url}${answer.headers.get("location")}`;
    expect((await put(url, blob.bytes)).status).toBe(201);
  });

  test("of a blob that is deleted meanwhile opens an upload", async () => {
    await using registry = await startTestRegistry();
    registry.seed("demo/one", blob);
    const store = MemoryRepository.prototype;
    const pushBlob = vi.spyOn(store, "pushBlob").mockImplementationOnce(async function (
      this: MemoryRepository,
      ...args
    ) {
      await registry.registry.repository("demo/one").deleteBlob(blob.digest);
      return await this.pushBlob(...args);
    });
    onTestFinished(() => pushBlob.mockRestore());
    expect((await fetch(mountUrl(registry.url, "demo%2Fone"), { method: "POST" })).status).toBe(202);
  });
});

describe("a pushed manifest", () => {
  const image = anImage();
  const { digest, mediaType } = image.manifest.descriptor;
  const pushTo = (url: string, reference: string, body = image.manifest.bytes, type = mediaType) =>
    fetch(`${url}/v2/app/manifests/${reference}`, {
      method: "PUT",
      headers: { "content-type": type },
      body: new Uint8Array(body),
    });

  test.for(["v1", digest])("as %s is kept byte for byte", async (reference) => {
    await using registry = await startTestRegistry();
    const answer = await pushTo(registry.url, reference);
    expect([answer.status, answer.headers.get("docker-content-digest")]).toEqual([201, digest]);
    expect(answer.headers.get("location")).toBe(`/v2/app/manifests/${digest}`);
    const stored = await registry.registry.repository("app").manifest(reference);
    expect(stored).toEqual(image.manifest);
  });

  test("with a subject is acknowledged as a referrer", async () => {
    await using registry = await startTestRegistry();
    const referrer = anImage({ subject: image, seed: "referrer" });
    const answer = await pushTo(registry.url, "signature", referrer.manifest.bytes);
    expect(answer.headers.get("oci-subject")).toBe(digest);
  });

  test.for([
    { name: "of another digest", reference: aBlob().digest, expected: [400, "DIGEST_INVALID"] },
    { name: "that is no JSON", body: aBlob().bytes, expected: [400, "MANIFEST_INVALID"] },
    { name: "of a strange type", type: "text/plain", expected: [400, "MANIFEST_INVALID"] },
    { name: "over 4 MiB", body: new Uint8Array(4 * 1024 * 1024 + 1), expected: [413, "SIZE_INVALID"] },
  ])("$name is refused", async ({ reference = "v1", body, type, expected }) => {
    await using registry = await startTestRegistry();
    const answer = await pushTo(registry.url, reference, body, type);
    expect([answer.status, await codeOf(answer)]).toEqual(expected);
    expect(await registry.registry.repository("app").resolve(reference)).toBeUndefined();
  });

  test("over 4 MiB of unknown length is refused, and the connection goes on", async () => {
    await using registry = await startTestRegistry();
    const body = async function* () {
      for (let sent = 0; sent < 6; sent += 1) yield new Uint8Array(1024 * 1024);
    };
    const url = `${registry.url}/v2/app/manifests/v1`;
    const init = {
      method: "PUT",
      headers: { "content-type": mediaType },
      body: ReadableStream.from(body()),
      duplex: "half",
    };
    const answer = await fetch(url, init as RequestInit);
    expect([answer.status, await codeOf(answer)]).toEqual([413, "SIZE_INVALID"]);
    expect((await pushTo(registry.url, "v1")).status).toBe(201);
  });
});
