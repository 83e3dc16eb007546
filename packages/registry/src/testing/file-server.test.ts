import { gunzipSync } from "node:zlib";
import { request } from "undici";
import { expect, test } from "vitest";
import { faults, startFileServer } from "./index.ts";
import { randomBytes } from "./random-bytes.ts";

const bytes = randomBytes(100_000, "file");
const size = bytes.byteLength;

test.for([
  { name: "the whole file", headers: {}, status: 200, part: [0, size] },
  { name: "the rest", headers: { range: "bytes=400-" }, status: 206, part: [400, size] },
  {
    name: "the rest of the same version",
    headers: { range: "bytes=400-", "if-range": '"v1"' },
    status: 206,
    part: [400, size],
  },
  { name: "another version whole", headers: { range: "bytes=400-", "if-range": '"v0"' }, status: 200, part: [0, size] },
  { name: "nothing known again", headers: { "if-none-match": 'W/"v1", "v3"' }, status: 304, part: [0, 0] },
  { name: "nothing behind the end", headers: { range: `bytes=${size}-` }, status: 416, part: [0, 0] },
])("a file server sends $name", async ({ headers, status, part }) => {
  await using server = await startFileServer();
  const url = server.put("/a/file", bytes, { etag: '"v1"' });
  const answer = await fetch(url, { headers });
  expect(answer.status).toBe(status);
  expect(answer.headers.get("etag")).toBe('"v1"');
  expect(answer.headers.get("accept-ranges")).toBe("bytes");
  expect(answer.headers.get("docker-distribution-api-version")).toBeNull();
  expect(Buffer.compare(await answer.bytes(), bytes.subarray(...part))).toBe(0);
  expect(server.requests()).toMatchObject([{ method: "GET", path: "/a/file", status, headers }]);
});

test("a file server leads elsewhere, knows who may read, and forgets what was removed", async () => {
  await using server = await startFileServer();
  server.redirect("/old", server.put("/secret", "text", { credentials: { username: "ann", password: "pw" } }), 307);
  expect((await fetch(server.url("/old"))).status).toBe(401);
  const authorization = `Basic ${btoa("ann:pw")}`;
  const answer = await fetch(server.url("/secret?x=1"), { headers: { authorization } });
  expect(await answer.text()).toBe("text");
  expect(JSON.stringify(server.requests())).not.toContain(authorization);
  server.remove("/secret");
  expect((await fetch(server.url("/secret"))).status).toBe(404);
  expect(server.requests()).toHaveLength(4);
  server.reset();
  expect(server.requests()).toEqual([]);
});

test("a held file server answers once so many have asked at once", async () => {
  await using server = await startFileServer();
  server.put("/held/a", "a");
  server.put("/free", "f");
  server.holdUntil(3, "/held/");
  const first = [1, 2].map(async () => (await fetch(server.url("/held/a"))).text());
  expect(await (await fetch(server.url("/free"))).text()).toBe("f");
  expect(await Promise.all([...first, (await fetch(server.url("/held/a"))).text()])).toEqual(["a", "a", "a"]);
  expect([server.mostOpen("/held/"), server.mostOpen("/none")]).toEqual([3, 0]);
});

test.for([
  { name: "pad", fault: faults.pad(5), length: String(size + 5), decode: (body: Uint8Array) => body.subarray(0, size) },
  { name: "unsized", fault: faults.unsized(), length: null, decode: (body: Uint8Array) => body },
  { name: "truncate", fault: faults.truncate(size), length: String(size), decode: (body: Uint8Array) => body },
])("the fault $name changes how long a file is said to be", async ({ fault, length, decode }) => {
  await using server = await startFileServer();
  const url = server.put("/file", bytes);
  server.failOnce(fault, "/file");
  const answer = await fetch(url);
  expect(answer.headers.get("content-length")).toBe(length);
  expect(Buffer.compare(decode(await answer.bytes()), bytes)).toBe(0);
  expect((await fetch(url, { method: "HEAD" })).headers.get("content-length")).toBe(String(size));
});

test("an endless file ends when its reader leaves", async () => {
  await using server = await startFileServer();
  const url = server.put("/file", bytes);
  server.fail(faults.endless(), { match: "/file", times: 1 });
  let received = 0;
  for await (const chunk of (await fetch(url)).body ?? []) {
    received += chunk.byteLength;
    if (received > 4 * size) break;
  }
  expect((await (await fetch(url)).bytes()).byteLength).toBe(size);
});

test("a coded file is gzip, and says so", async () => {
  await using server = await startFileServer();
  const url = server.put("/file", bytes);
  server.fail(faults.gzip());
  const answer = await fetch(url);
  expect(answer.headers.get("content-encoding")).toBe("gzip");
  expect(Buffer.compare(await answer.bytes(), bytes)).toBe(0); // fetch has undone it
  const { body } = await request(url);
  expect(Buffer.compare(gunzipSync(await body.arrayBuffer()), bytes)).toBe(0);
});
