import { existsSync, mkdtempSync, readdirSync, readlinkSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { aBlob, faults, startTestRegistry, type TestRegistry, type TestRegistryOptions } from "../testing/index.ts";

const blob = aBlob({ size: 1000 });

/** Where Linux tells which files a process has open, with or without a name. */
const openFiles = "/proc/self/fd";
const hasOpenFiles = existsSync(openFiles);

/** A registry with an upload begun in it. */
async function anUpload(options: TestRegistryOptions) {
  const registry = await startTestRegistry(options);
  const opened = await fetch(`${registry.url}/v2/app/blobs/uploads/`, { method: "POST" });
  const url = `${registry.url}${opened.headers.get("location")}`;
  const patch = async (from: number, to: number) => {
    const headers = { "content-range": `${from}-${to - 1}` };
    return (await fetch(url, { method: "PATCH", headers, body: blob.bytes.slice(from, to) })).status;
  };
  const put = async (from: number) =>
    (await fetch(`${url}?digest=${blob.digest}`, { method: "PUT", body: blob.bytes.slice(from) })).status;
  return { registry, opened, url, patch, put, [Symbol.asyncDispose]: () => registry[Symbol.asyncDispose]() };
}

describe("a least size of chunks", () => {
  test("is told when an upload is opened, and only where there is one", async () => {
    await using some = await anUpload({ minChunkBytes: 300 });
    await using none = await anUpload({});
    expect(some.opened.headers.get("oci-chunk-min-length")).toBe("300");
    expect(none.opened.headers.get("oci-chunk-min-length")).toBeNull();
  });

  test.for([
    { name: "in the closing request", last: 600 },
    { name: "in a request of its own", last: 900 },
  ])("does not hold for the last chunk, $name", async ({ last }) => {
    await using upload = await anUpload({ minChunkBytes: 300 });
    for (let at = 0; at < last; at += 300) expect(await upload.patch(at, at + 300)).toBe(202);
    if (last === 900) expect(await upload.patch(900, 1000)).toBe(202);
    expect(await upload.put(last === 900 ? 1000 : last)).toBe(201);
  });

  test("is kept to: nothing may follow a chunk that is too short", async () => {
    await using upload = await anUpload({ minChunkBytes: 300 });
    expect(await upload.patch(0, 299)).toBe(202);
    expect(await upload.patch(299, 700)).toBe(400);
    expect(await upload.put(299)).toBe(400);
  });

  test("does not hold for the rest of a chunk that broke off", async () => {
    await using upload = await anUpload({ minChunkBytes: 300 });
    upload.registry.failOnce(faults.dropUpload(250));
    await expect(upload.patch(0, 300)).rejects.toThrow();
    expect(await upload.patch(250, 300)).toBe(202);
    expect(await upload.patch(300, 600)).toBe(202);
    expect(await upload.put(600)).toBe(201);
  });
});

test("an announced body that is too large is refused before it comes", async () => {
  await using upload = await anUpload({ maxBlobBytes: 999 });
  expect(await upload.patch(0, 500)).toBe(202);
  expect(await upload.patch(500, 1000)).toBe(413);
  expect((await fetch(upload.url)).headers.get("range")).toBe("0-499");
});

describe("an upload nobody goes on with", () => {
  function aFolder(): string {
    const folder = mkdtempSync(join(tmpdir(), "server-test-"));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    vi.stubEnv("TMPDIR", folder);
    onTestFinished(() => void vi.unstubAllEnvs());
    return folder;
  }

  /** This process's open files that are, or were, in the folder. */
  function spooled(folder: string): readonly string[] {
    return readdirSync(openFiles)
      .map((name) => targetOf(join(openFiles, name)))
      .filter((path) => path.startsWith(folder));
  }

  function targetOf(link: string): string {
    try {
      return readlinkSync(link, { encoding: "utf8" });
    } catch {
      return ""; // closed since, as the list itself was
    }
  }

  test("is gone after its time, counted from its last use", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: 1_000_000 });
    onTestFinished(() => void vi.useRealTimers());
    await using upload = await anUpload({ uploadExpiryMs: 1000 });
    vi.setSystemTime(1_000_900);
    expect(await upload.patch(0, 100)).toBe(202);
    vi.setSystemTime(1_001_899);
    expect((await fetch(upload.url)).status).toBe(204);
    vi.setSystemTime(1_002_899);
    expect((await fetch(upload.url)).status).toBe(404);
    expect(await upload.put(100)).toBe(404);
  });

  test("has a file without a name, so that a killed server leaves none", async () => {
    const folder = aFolder();
    await using upload = await anUpload({});
    expect(await upload.patch(0, 500)).toBe(202);
    expect(readdirSync(folder)).toEqual([]);
    expect(await upload.put(500)).toBe(201);
  });

  test.skipIf(!hasOpenFiles)("leaves no file once another is opened", async () => {
    vi.useFakeTimers({ toFake: ["Date"], now: 1_000_000 });
    onTestFinished(() => void vi.useRealTimers());
    const folder = aFolder();
    await using upload = await anUpload({ uploadExpiryMs: 1000 });
    upload.registry.failOnce(faults.dropUpload(10));
    await expect(upload.put(0)).rejects.toThrow();
    const [left] = spooled(folder);
    vi.setSystemTime(1_001_000);
    await fetch(`${upload.registry.url}/v2/app/blobs/uploads/`, { method: "POST" });
    expect(spooled(folder)).toHaveLength(1);
    expect(spooled(folder)).not.toContain(left);
  });

  test.skipIf(!hasOpenFiles)("leaves no file where nobody could go on with it", async () => {
    const folder = aFolder();
    await using registry = await startTestRegistry();
    registry.failOnce(faults.dropUpload(10));
    const url = `${registry.url}/v2/app/blobs/uploads/?digest=${blob.digest}`;
    await expect(fetch(url, { method: "POST", body: new Uint8Array(blob.bytes) })).rejects.toThrow();
    await vi.waitFor(() => expect(spooled(folder)).toEqual([]));
  });

  test.skipIf(!hasOpenFiles)("leaves no file when the server is closed", async () => {
    const folder = aFolder();
    await using upload = await anUpload({});
    expect(await upload.patch(0, 500)).toBe(202);
    expect(spooled(folder)).toHaveLength(1);
    await upload.registry[Symbol.asyncDispose]();
    expect(spooled(folder)).toEqual([]);
  });

  test.skipIf(!hasOpenFiles)("leaves no file even when nobody asks for anything", async () => {
    const folder = aFolder();
    await using _upload: AsyncDisposable & { registry: TestRegistry } = await anUpload({ uploadExpiryMs: 1 });
    await vi.waitFor(() => expect(spooled(folder)).toEqual([]));
  });
});

describe("a mount that names no source", () => {
  const mountUrl = (registry: TestRegistry) => `${registry.url}/v2/two/blobs/uploads/?mount=${blob.digest}`;

  test("takes the blob from wherever it is", async () => {
    await using registry = await startTestRegistry({ anonymousMount: true });
    registry.seed("demo/one", blob);
    expect((await fetch(mountUrl(registry), { method: "POST" })).status).toBe(201);
    expect(await registry.registry.repository("two").statBlob(blob.digest)).toEqual({ size: 1000 });
  });

  test("opens an upload where the server is told to want one", async () => {
    await using registry = await startTestRegistry();
    registry.seed("demo/one", blob);
    expect((await fetch(mountUrl(registry), { method: "POST" })).status).toBe(202);
  });

  test("opens an upload where the blob is nowhere, or nowhere one may read", async () => {
    const auth = { scheme: "bearer", credentials: { username: "ann", password: "x" } } as const;
    await using open = await startTestRegistry({ anonymousMount: true });
    expect((await fetch(mountUrl(open), { method: "POST" })).status).toBe(202);
    await using closed = await startTestRegistry({ anonymousMount: true, auth });
    closed.seed("demo/one", blob);
    const mount = async (scope: string) => {
      const basic = `Basic ${Buffer.from("ann:x").toString("base64")}`;
      const url = `${closed.url}/token?scope=${encodeURIComponent(scope)}`;
      const { token } = (await (await fetch(url, { headers: { authorization: basic } })).json()) as { token: string };
      return (await fetch(mountUrl(closed), { method: "POST", headers: { authorization: `Bearer ${token}` } })).status;
    };
    expect(await mount("repository:two:pull,push")).toBe(202);
    expect(await mount("repository:two:pull,push repository:demo/one:pull")).toBe(201);
  });
});
