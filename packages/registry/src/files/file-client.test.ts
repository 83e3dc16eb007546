import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { CertificateAuthority, canMakeCertificates, type KeyPair } from "../../../../tests/support/certificates.ts";
import { type FileServer, faults, startFileServer } from "../testing/index.ts";
import { createFileClient } from "./file-client.ts";
import type { FileClientOptions } from "./file-client-options.ts";
import type { FetchedFile, FileFetcher } from "./file-fetcher.ts";

if (!canMakeCertificates) console.warn("files/file-client: https skipped, openssl is not installed");

const credentials = { username: "ann", password: "pw" };
let server: FileServer;
let other: FileServer;

beforeAll(async () => {
  server = await startFileServer();
  other = await startFileServer();
  server.put("/file", "text");
  other.put("/file", "other");
});
beforeEach(() => {
  server.reset();
  other.reset();
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await other[Symbol.asyncDispose]();
});

function aClient(options?: FileClientOptions): FileFetcher & AsyncDisposable {
  const client = createFileClient(options);
  onTestFinished(() => client[Symbol.asyncDispose]());
  return client;
}

async function textOf(file: FetchedFile): Promise<string> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of file.body) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

const read = async (files: FileFetcher, url: string) => await textOf(await files.fetch(url));

test("asks a server for so many files at once, and others meanwhile", async () => {
  const files = aClient({ limits: { connections: 2 } });
  server.holdUntil(2);
  const asked = [1, 2, 3, 4, 5].map(() => read(files, server.url("/file")));
  expect(await read(files, other.url("/file"))).toBe("other");
  expect(await Promise.all(asked)).toEqual(["text", "text", "text", "text", "text"]);
  expect(server.mostOpen("/file")).toBe(2);
  expect(server.connections()).toBe(2);
});

test("gives the place of a file to the next one when it is read, dropped, broken off, refused or given up", async () => {
  const files = aClient({ limits: { connections: 1 } });
  const url = server.put("/large", new Uint8Array(4_000_000));
  await using dropped = await files.fetch(url);
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  onTestFinished(() => void vi.useRealTimers());
  const next = files.fetch(url);
  const leaving = new AbortController();
  const given = expect(files.fetch(url, { signal: leaving.signal })).rejects.toThrow("given up");
  leaving.abort(new Error("given up"));
  await given;
  vi.advanceTimersByTime(3_600_000); // who waits for a place or for the reader is not kept waiting by the server
  vi.useRealTimers();
  await dropped[Symbol.asyncDispose]();
  for await (const _chunk of (await next).body) break;
  server.failOnce(faults.cutAfter(1000));
  await expect(read(files, url)).rejects.toMatchObject({ code: "NETWORK" });
  await expect(files.fetch(server.url("/none"))).rejects.toMatchObject({ code: "NOT_FOUND" });
  expect(await read(files, server.url("/file"))).toBe("text");
  expect(server.mostOpen()).toBe(1);
});

test("takes no more bytes in a second than it may", async () => {
  const files = aClient({ limits: { bytesPerSecond: 1_000_000 } });
  const url = server.put("/paced", new Uint8Array(120_000));
  const beganAtMs = performance.now();
  await Promise.all([read(files, url), read(files, url)]);
  expect(performance.now() - beganAtMs).toBeGreaterThan(150); // 240 ms of bytes, less what it may make up for
});

test("shows headers and credentials to their origin alone, and to nobody once led away", async () => {
  const files = aClient({
    userAgent: "tool/1",
    credentials: { [server.origin]: credentials },
    headers: { [server.origin]: { "X-Team": "blue" }, [other.origin]: { "x-team": "red" } },
  });
  server.put("/secret", "secret", { credentials });
  server.redirect("/near", "/secret");
  server.redirect("/far", other.redirect("/back", server.url("/secret")));
  expect(await read(files, server.url("/near"))).toBe("secret");
  await expect(files.fetch(server.url("/far"))).rejects.toMatchObject({ code: "UNAUTHORIZED" });
  expect(await read(files, other.url("/file"))).toBe("other");
  const seen = (of: FileServer) =>
    of.requests().map(({ path, authorization, headers }) => [path, authorization, headers["x-team"]]);
  expect(seen(server)).toEqual([
    ["/near", true, "blue"],
    ["/secret", true, "blue"],
    ["/far", true, "blue"],
    ["/secret", false, undefined],
  ]);
  expect(seen(other)).toEqual([
    ["/back", false, undefined],
    ["/file", false, "red"],
  ]);
  expect(server.requests().map(({ userAgent }) => userAgent)).toEqual(Array(4).fill("tool/1"));
  await expect(read(files, server.url("/secret").replace("//", "//bob:no@"))).rejects.toMatchObject({
    code: "UNAUTHORIZED",
  });
});

test("closed, drops what runs, sends home who waits, and refuses what comes", async () => {
  const files = createFileClient({ limits: { connections: 1 } });
  server.fail(faults.stall({ afterBytes: 2 }), { match: "/file" });
  const running = await files.fetch(server.url("/file"));
  const reading = textOf(running);
  const waiting = files.fetch(server.url("/file"));
  const all = Promise.allSettled([reading, waiting]);
  await files[Symbol.asyncDispose]();
  await files[Symbol.asyncDispose]();
  const closed = { code: "UNSUPPORTED", message: "cannot fetch files: their client was closed" };
  expect(await all).toMatchObject([{ reason: closed }, { reason: closed }]);
  await expect(files.fetch(other.url("/file"))).rejects.toMatchObject(closed);
  await expect.poll(() => server.connections()).toBe(0);
  expect(other.requests()).toEqual([]);
});

test("tells of a server that is not there", async () => {
  await using gone = await startFileServer();
  const url = gone.url("/file");
  await gone[Symbol.asyncDispose]();
  await expect(aClient().fetch(url)).rejects.toMatchObject({
    code: "NETWORK",
    message: `cannot fetch ${url}: the connection was refused (${gone.host}, ECONNREFUSED)`,
    details: { registry: gone.host, reference: url, reason: "ECONNREFUSED" },
  });
});

test("goes by a proxy, and from the open Internet into no private network", async () => {
  const seen: string[] = [];
  const proxy = createServer(({ url = "" }, response) => {
    seen.push(url);
    const at = new URL(url).pathname.slice(1);
    if (at === "") response.end("here");
    else response.writeHead(302, { location: decodeURIComponent(at) }).end();
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  onTestFinished(() => void proxy.close());
  const { port } = proxy.address() as AddressInfo;
  const files = aClient({ proxy: `http://127.0.0.1:${port}` });
  const led = (to: string) => `http://files.example/${encodeURIComponent(to)}`;
  expect(await read(files, led("http://mirror.example/"))).toBe("here");
  expect(seen).toEqual([led("http://mirror.example/"), "http://mirror.example/"]);
  await expect(files.fetch(led(server.url("/file")))).rejects.toMatchObject({
    code: "PROTOCOL",
    message: expect.stringMatching(/it leads from files\.example to \S+, a loopback address$/),
  });
  expect(server.requests()).toEqual([]);
});

test.for<FileClientOptions>([
  { limits: { connections: 0 } },
  { limits: { bytesPerSecond: -1 } },
  { idleTimeoutMs: Number.NaN },
  { userAgent: "a\nb" },
  { headers: { "https://a.example": { range: "bytes=0-" } } },
  { headers: { "https://a.example": { "x-a": "b\r\nx-c: d" } } },
  { headers: { "a.example": {} } },
  { credentials: { "https://a.example/path": credentials } },
  { credentials: { "https://ann:s3cret@a.example": credentials } },
  { hosts: { "https://a.example": {} } },
  { proxy: "ftp://nowhere" },
  { ca: "no certificate" },
])("is not made of what makes no sense: %o", (options) => {
  expect(() => createFileClient(options)).toThrow(/^(?!.*s3cret)/);
});

describe.skipIf(!canMakeCertificates)("files over TLS", () => {
  let authority: CertificateAuthority;
  let secure: FileServer;
  let strict: FileServer;
  let clientCertificate: KeyPair;

  beforeAll(async () => {
    authority = new CertificateAuthority();
    const tls = authority.issue({ altNames: "DNS:localhost,IP:127.0.0.1" });
    clientCertificate = authority.issue({ altNames: "DNS:client" });
    secure = await startFileServer({ tls });
    strict = await startFileServer({ tls: { ...tls, clientCa: authority.cert } });
    secure.put("/file", "secure");
    strict.put("/file", "strict");
  });
  afterAll(async () => {
    authority[Symbol.dispose]();
    await secure[Symbol.asyncDispose]();
    await strict[Symbol.asyncDispose]();
  });

  test("come from servers of a trusted authority alone", async () => {
    const url = secure.url("/file");
    await expect(aClient().fetch(url)).rejects.toMatchObject({ code: "TLS" });
    for (const options of [{ ca: authority.cert }, { hosts: { "127.0.0.1": { ca: authority.cert } } }]) {
      expect(await read(aClient(options), url)).toBe("secure");
    }
    expect(await read(aClient({ hosts: { [secure.host]: { tlsSkipVerify: true } } }), url)).toBe("secure");
  });

  test("come by redirects from http and https, and never from https to http", async () => {
    const files = aClient({ ca: authority.cert });
    expect(await read(files, server.redirect("/up", secure.redirect("/on", "/file")))).toBe("secure");
    await expect(files.fetch(secure.redirect("/down", server.url("/file")))).rejects.toMatchObject({
      code: "PROTOCOL",
      message: `cannot fetch ${secure.url("/down")}: redirect 302: it leads from https to http`,
    });
    expect(server.requests()).toMatchObject([{ path: "/up" }]);
  });

  test("come with a client certificate from servers that were named, not from those a redirect leads to", async () => {
    const files = aClient({ ca: authority.cert, clientCertificate });
    expect(await read(files, strict.url("/file"))).toBe("strict");
    const url = secure.redirect("/led", strict.url("/file"));
    await expect(files.fetch(url)).rejects.toThrow(`, which leads to ${strict.url("/file")}: `);
    expect(strict.requests()).toHaveLength(1);
    const told = aClient({ ca: authority.cert, hosts: { [strict.host]: { clientCertificate } } });
    expect(await read(told, url)).toBe("strict");
  });
});
