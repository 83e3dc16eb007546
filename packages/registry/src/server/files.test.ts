import { once } from "node:events";
import { connect } from "node:net";
import { expect, test } from "vitest";
import { MemoryRegistry } from "../memory/memory-registry.ts";
import type { ServedFiles } from "./files.ts";
import { startServer } from "./start-server.ts";

const bytes = Buffer.from("0123456789");

/** One file, `a/b c`, and what was asked for. */
function oneFile() {
  const asked: (readonly string[])[] = [];
  let open = 0;
  const files: ServedFiles = {
    find: async (path) => {
      asked.push(path);
      if (path.join("/") !== "a/b c") return undefined;
      open += 1;
      return {
        size: bytes.byteLength,
        etag: "v1",
        async *read(offset, length) {
          yield bytes.subarray(offset, offset + length);
        },
        async [Symbol.asyncDispose]() {
          open -= 1;
        },
      };
    },
  };
  return { files, asked, open: () => open };
}

test.for([
  { name: "whole", status: 200, body: "0123456789", length: "10" },
  { name: "HEAD", method: "HEAD", status: 200, body: "", length: "10" },
  { name: "from a place on", headers: { range: "bytes=4-" }, status: 206, body: "456789", range: "bytes 4-9/10" },
  { name: "its end", headers: { range: "bytes=-3" }, status: 206, body: "789", range: "bytes 7-9/10" },
  { name: "beyond its end", headers: { range: "bytes=10-" }, status: 416, range: "bytes */10" },
  { name: "another version alone", headers: { "if-match": '"v0"' }, status: 412 },
  { name: "the same version", headers: { "if-none-match": 'W/"v1"' }, status: 304, body: "" },
  { name: "another version", headers: { "if-none-match": '"v0"' }, status: 200, body: "0123456789" },
  { name: "the rest of the same", headers: { range: "bytes=9-", "if-range": '"v1"' }, status: 206, body: "9" },
  { name: "the rest of another", headers: { range: "bytes=9-", "if-range": '"v0"' }, status: 200, body: "0123456789" },
  { name: "a write", method: "PUT", status: 405 },
  { name: "a folder", path: "/a/", status: 404 },
  { name: "nothing", path: "/nothing", status: 404 },
])("a file beside a registry: $name", async ({ path = "/a/b%20c", method = "GET", headers = {}, ...expected }) => {
  const { files, open } = oneFile();
  await using server = await startServer(new MemoryRegistry(), { files });
  const answer = await fetch(server.url + path, { method, headers });
  expect(answer.status).toBe(expected.status);
  const text = await answer.text();
  if (expected.body !== undefined) expect(text).toBe(expected.body);
  if (expected.length !== undefined) expect(answer.headers.get("content-length")).toBe(expected.length);
  if (expected.range !== undefined) expect(answer.headers.get("content-range")).toBe(expected.range);
  if (answer.ok) expect([answer.headers.get("etag"), answer.headers.get("accept-ranges")]).toEqual(['"v1"', "bytes"]);
  await server.close();
  expect(open()).toBe(0);
});

test.for([
  "/a/../b",
  "/a/..%2fb",
  "/a/%2e%2e/b",
  "/a%2fb",
  "/a\\b",
  "/a%5cb",
  "/a%00",
  "/a%0a",
  "/%",
  "http://elsewhere.example/a",
  "*",
  `/${"a".repeat(5000)}`,
])("a path that could mean another place is refused: %s", async (path) => {
  const { files, asked } = oneFile();
  await using server = await startServer(new MemoryRegistry(), { files });
  const socket = connect(Number(server.host.split(":")[1]), "127.0.0.1");
  let answer = "";
  socket.on("data", (chunk: Buffer) => {
    answer += chunk.toString();
  });
  socket.end(`GET ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
  await once(socket, "close");
  expect(answer).toMatch(/^HTTP\/1\.1 400 /);
  expect(asked).toEqual([]);
});

test("files are for who is let in, and the registry is at its own paths", async () => {
  const { files, asked } = oneFile();
  const credentials = { username: "ann", password: "secret" };
  await using server = await startServer(new MemoryRegistry(), { files, credentials });
  expect((await fetch(`${server.url}/a/b%20c`)).status).toBe(401);
  expect(asked).toEqual([]);
  const headers = { authorization: `Basic ${Buffer.from("ann:secret").toString("base64")}` };
  expect(await (await fetch(`${server.url}/a/b%20c`, { headers })).text()).toBe("0123456789");
  expect((await fetch(`${server.url}/v2/`, { headers })).status).toBe(200);
  expect(asked).toEqual([["a", "b c"]]);
});
