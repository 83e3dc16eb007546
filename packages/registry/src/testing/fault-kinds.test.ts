import { connect } from "node:net";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { aBlob, anImage, faults, startTestRegistry, type TestRegistry } from "./index.ts";

const blob = aBlob({ size: 100_000 });
const image = anImage({ tag: "v1" });
const path = `/v2/app/blobs/${blob.digest}`;

async function aRegistry(): Promise<TestRegistry> {
  const registry = await startTestRegistry();
  registry.seed("app", blob, image);
  return registry;
}

async function openUpload(registry: TestRegistry): Promise<string> {
  const answer = await fetch(`${registry.url}/v2/app/blobs/uploads/`, { method: "POST" });
  expect(answer.status).toBe(202);
  return `${registry.url}${answer.headers.get("location")}`;
}

describe("a lying range", () => {
  test.for([
    { mode: undefined, status: 206, contentRange: "bytes 401-99999/100000", part: [401, 100_000] },
    { mode: "start", status: 206, contentRange: "bytes 401-99999/100000", part: [401, 100_000] },
    { mode: "total", status: 206, contentRange: "bytes 400-99999/100001", part: [400, 100_000] },
    { mode: "ignored", status: 200, contentRange: null, part: [0, 100_000] },
  ] as const)("of mode $mode answers bytes=400- with $status and $contentRange", async (expected) => {
    await using registry = await aRegistry();
    registry.failOnce(faults.lyingRange(expected.mode && { mode: expected.mode }));
    await (await fetch(registry.url + path)).bytes(); // asks for no range: passed over
    const ask = () => fetch(registry.url + path, { headers: { range: "bytes=400-" } });
    const lied = await ask();
    expect([lied.status, lied.headers.get("content-range")]).toEqual([expected.status, expected.contentRange]);
    expect(Buffer.compare(await lied.bytes(), blob.bytes.slice(...expected.part))).toBe(0);
    expect((await ask()).headers.get("content-range")).toBe("bytes 400-99999/100000");
  });

  test("lies about the end of a blob too", async () => {
    await using registry = await aRegistry();
    registry.failOnce(faults.lyingRange());
    const answer = await fetch(registry.url + path, { headers: { range: "bytes=-10" } });
    expect(answer.headers.get("content-range")).toBe("bytes 99991-99999/100000");
  });
});

test("padding that nobody is told of comes after the end of an answer", async () => {
  await using registry = await aRegistry();
  registry.failOnce(faults.pad(10, { isTold: false }));
  const answer = await new Promise<string>((resolve, reject) => {
    const chunks: Buffer[] = [];
    const socket = connect(Number(registry.host.split(":")[1]), "127.0.0.1", () => {
      socket.write(`GET ${path} HTTP/1.1\r\nhost: ${registry.host}\r\nconnection: close\r\n\r\n`);
    });
    socket.on("data", (chunk) => chunks.push(chunk)).on("error", reject);
    socket.on("end", () => resolve(Buffer.concat(chunks).toString("latin1")));
  });
  const [head = "", ...body] = answer.split("\r\n\r\n");
  expect(head).toMatch(/^content-length: 100000$/im);
  expect(body.join("\r\n\r\n")).toHaveLength(100_010);
});

describe("a dropped upload", () => {
  test.for(["PATCH", "PUT"])("by %s leaves what arrived in its session", async (method) => {
    await using registry = await aRegistry();
    registry.failOnce(faults.dropUpload(700));
    await (await fetch(registry.url + path)).bytes(); // not an upload: passed over
    const url = await openUpload(registry);
    const target = method === "PUT" ? `${url}?digest=${blob.digest}` : url;
    await expect(fetch(target, { method, body: new Uint8Array(blob.bytes) })).rejects.toThrow();
    expect((await fetch(url)).headers.get("range")).toBe("0-699");
    const rest = blob.bytes.slice(700);
    expect((await fetch(`${url}?digest=${blob.digest}`, { method: "PUT", body: rest })).status).toBe(201);
  });
});

describe("credentials that run out", () => {
  const ask = async (registry: TestRegistry, authorization?: string) => {
    const answer = await fetch(registry.url + path, { headers: authorization === undefined ? {} : { authorization } });
    await answer.bytes();
    return answer;
  };

  test("are refused with a challenge, until others come", async () => {
    await using registry = await aRegistry();
    registry.fail(faults.unauthorizedAfter(2));
    const statuses: number[] = [];
    for (const token of ["old", "old", "old", "old", undefined, "new", "old", "new", "newer"]) {
      statuses.push((await ask(registry, token && `Bearer ${token}`)).status);
    }
    expect(statuses).toEqual([200, 200, 401, 401, 401, 200, 401, 200, 200]);
    const refused = await ask(registry, "Bearer old");
    expect(refused.headers.get("www-authenticate")).toMatch(/^Basic realm=/);
  });

  test("are refused at once when none are served", async () => {
    await using registry = await aRegistry();
    registry.fail(faults.unauthorizedAfter(0));
    expect((await ask(registry, "Bearer one")).status).toBe(401);
    expect((await ask(registry, "Bearer one")).status).toBe(401);
    expect((await ask(registry, "Bearer two")).status).toBe(200);
  });
});

test("a rate limit serves so many requests in each window", async () => {
  vi.useFakeTimers({ toFake: ["Date"], now: 1_000_000 });
  onTestFinished(() => void vi.useRealTimers());
  await using registry = await aRegistry();
  registry.fail(faults.rateLimit({ requests: 2, retryAfterSeconds: 7 }));
  const ask = async () => {
    const answer = await fetch(registry.url + path, { method: "HEAD" });
    return [answer.status, answer.headers.get("retry-after")];
  };
  const served = [200, null];
  const refused = [429, "7"];
  expect([await ask(), await ask(), await ask(), await ask()]).toEqual([served, served, refused, refused]);
  vi.setSystemTime(1_006_999);
  expect(await ask()).toEqual(refused);
  vi.setSystemTime(1_007_000);
  expect([await ask(), await ask(), await ask()]).toEqual([served, served, refused]);
});

describe("a stall", () => {
  test.for([{ afterBytes: undefined }, { afterBytes: 1234 }])(
    "sends the headers, $afterBytes bytes and no more",
    async ({ afterBytes }) => {
      await using registry = await aRegistry();
      registry.failOnce(faults.stall(afterBytes === undefined ? undefined : { afterBytes }));
      const controller = new AbortController();
      const answer = await fetch(registry.url + path, { signal: controller.signal });
      expect([answer.status, answer.headers.get("content-length")]).toEqual([200, "100000"]);
      const reader = answer.body?.getReader();
      let received = 0;
      while (received < (afterBytes ?? 0)) received += (await reader?.read())?.value?.byteLength ?? Number.NaN;
      const next = reader?.read();
      const other = await fetch(registry.url + path); // a whole other answer comes, and still nothing here
      expect(await other.bytes()).toHaveLength(100_000);
      controller.abort(new Error("waited enough"));
      await expect(next).rejects.toThrow("waited enough");
      expect(received).toBe(afterBytes ?? 0);
    },
  );

  test("keeps no server from closing", async () => {
    const registry = await aRegistry();
    registry.fail(faults.stall());
    const answer = await fetch(registry.url + path);
    await registry[Symbol.asyncDispose]();
    await expect(answer.bytes()).rejects.toThrow();
  });
});

test("a reset breaks the connection off before an answer", async () => {
  await using registry = await aRegistry();
  registry.failOnce(faults.reset());
  await expect(fetch(registry.url + path)).rejects.toThrow("fetch failed");
  expect(registry.requests()).toMatchObject([{ status: 0, bytesSent: 0 }]);
  expect((await fetch(registry.url + path)).status).toBe(200);
});

test("an HTML error is no answer of a registry", async () => {
  await using registry = await aRegistry();
  registry.failOnce(faults.htmlError(502));
  const answer = await fetch(registry.url + path);
  expect([answer.status, answer.headers.get("content-type")]).toEqual([502, "text/html; charset=utf-8"]);
  expect(answer.headers.get("docker-distribution-api-version")).toBeNull();
  expect(await answer.text()).toMatch(/^<!doctype html>/);
});

test.for([0, 1, 70_000, 200_000])("a body truncated to %i bytes ends cleanly", async (bytes) => {
  await using registry = await aRegistry();
  registry.failOnce(faults.truncate(bytes));
  const answer = await fetch(registry.url + path);
  const size = Math.min(bytes, 100_000);
  expect([answer.status, answer.headers.get("content-length")]).toEqual([200, String(size)]);
  expect(Buffer.compare(await answer.bytes(), blob.bytes.slice(0, size))).toBe(0);
});

test("a truncated manifest loses its end", async () => {
  await using registry = await aRegistry();
  registry.failOnce(faults.truncate(10));
  expect(await (await fetch(`${registry.url}/v2/app/manifests/v1`)).text()).toHaveLength(10);
});

test("a warning comes with the registry's own answer", async () => {
  await using registry = await aRegistry();
  registry.fail(faults.warning('use "v2",\nplease'));
  const answer = await fetch(registry.url + path);
  expect([answer.status, answer.headers.get("warning")]).toEqual([200, '299 - "use \\"v2\\", please"']);
  expect(await answer.bytes()).toHaveLength(100_000);
  expect((await fetch(registry.url + path, { method: "HEAD" })).headers.get("warning")).toMatch(/^299/);
});

test("the log keeps what helps to tell requests apart, and no secret", async () => {
  await using registry = await aRegistry();
  const url = await openUpload(registry);
  const headers = { "content-range": "0-99", "user-agent": "tool/1", authorization: "Bearer s3cret" };
  await fetch(`${url}?token=s3cret&n=1&n=2`, { method: "PATCH", headers, body: blob.bytes.slice(0, 100) });
  await fetch(registry.url + path, { headers: { authorization: "Bearer s3cret" } });
  await fetch(registry.url + path, { headers: { authorization: "Bearer other" } });
  const [opened, patched, read, other] = registry.requests();
  expect(patched).toMatchObject({
    queryNames: ["token", "n", "n"],
    contentRange: "0-99",
    contentLength: 100,
    userAgent: "tool/1",
    authorization: true,
  });
  expect(read?.authorizationId).toBe(patched?.authorizationId);
  expect(other?.authorizationId).not.toBe(patched?.authorizationId);
  expect(opened?.authorizationId).toBeUndefined();
  expect(JSON.stringify(registry.requests())).not.toContain("s3cret");
});
