import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { describe, expect, test } from "vitest";
import { RegistryError } from "../errors.ts";
import { MemoryRegistry } from "../memory/memory-registry.ts";
import { anImage, startTestRegistry, type TestRegistry } from "../testing/index.ts";
import { startServer } from "./start-server.ts";

function connectTo(host: string): Socket {
  const [hostname, port] = host.split(":");
  return connect(Number(port), hostname).on("error", () => undefined);
}

/** All that comes back for bytes sent as they are. */
async function exchange(host: string, text: string): Promise<string> {
  const socket = connectTo(host);
  let received = "";
  socket.on("data", (chunk: Buffer) => {
    received += chunk.toString("latin1");
  });
  socket.end(text, "latin1");
  await once(socket, "close");
  return received;
}

async function isAlive(registry: TestRegistry): Promise<boolean> {
  return (await fetch(`${registry.url}/v2/app/manifests/v1`)).status === 200;
}

const put = "PUT /v2/app/manifests/v1 HTTP/1.1\r\nhost: x\r\n";

describe("a hostile request", () => {
  test.for([
    {
      name: "headers without end",
      text: `GET /v2/ HTTP/1.1\r\nhost: x\r\nx: ${"x".repeat(40_000)}\r\n\r\n`,
      status: 431,
    },
    { name: "a path without end", text: `GET /v2/${"a/".repeat(20_000)} HTTP/1.1\r\nhost: x\r\n\r\n`, status: 431 },
    { name: "no HTTP", text: "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", status: 400 },
    { name: "a negative length", text: `${put}content-length: -1\r\n\r\n`, status: 400 },
    { name: "two lengths", text: `${put}content-length: 1\r\ncontent-length: 2\r\n\r\nab`, status: 400 },
    {
      name: "two framings",
      text: `${put}content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
      status: 400,
    },
    { name: "a length beyond numbers", text: `${put}content-length: ${"9".repeat(30)}\r\n\r\n`, status: 400 },
    { name: "a length beyond disks", text: `${put}content-length: 9007199254740991\r\n\r\n`, status: 413 },
    { name: "no host", text: "GET /v2/ HTTP/1.1\r\n\r\n", status: 400 },
    { name: "an unknown method", text: "BREW /v2/ HTTP/1.1\r\nhost: x\r\n\r\n", status: 400 },
    { name: "a method nobody serves", text: "OPTIONS /v2/ HTTP/1.1\r\nhost: x\r\n\r\n", status: 405 },
    { name: "escapes of nothing", text: "GET /v2/%ff%fe/manifests/%00 HTTP/1.1\r\nhost: x\r\n\r\n", status: 400 },
    {
      name: "a range beyond numbers",
      text: `GET /v2/app/blobs/sha256:${"0".repeat(64)} HTTP/1.1\r\nhost: x\r\nrange: bytes=${"9".repeat(40)}-\r\n\r\n`,
      status: 404,
    },
    { name: "nested JSON", text: `${put}content-length: 200000\r\n\r\n${"[".repeat(200_000)}`, status: 400 },
    {
      name: "a prototype",
      text: `${put}content-type: __proto__\r\ncontent-length: 2\r\n\r\n{}`,
      status: 400,
    },
  ])("of $name is answered with $status, and the next one is served", async ({ text, status }) => {
    await using registry = await startTestRegistry();
    registry.seed("app", anImage({ tag: "v1" }));
    const answer = await exchange(registry.host, text);
    expect(answer.slice(0, 12)).toBe(`HTTP/1.1 ${status}`);
    expect(answer).not.toMatch(/\bat .*\.ts|node_modules|Error:/);
    expect(await isAlive(registry)).toBe(true);
  });

  test("by a method nobody serves learns which are served", async () => {
    await using registry = await startTestRegistry();
    const answer = await fetch(`${registry.url}/v2/app/manifests/v1`, { method: "POST" });
    expect([answer.status, answer.headers.get("allow")]).toEqual([405, "GET, HEAD, PUT, DELETE"]);
  });

  test("that goes on sending what nobody wants is cut off", async () => {
    await using registry = await startTestRegistry();
    registry.seed("app", anImage({ tag: "v1" }));
    const socket = connectTo(registry.host);
    const closed = new Promise((resolve) => socket.once("close", resolve)); // an error is an end too
    socket.write(`${put}content-length: 1000000000000\r\n\r\n`);
    const piece = new Uint8Array(1024 * 1024);
    let sent = 0;
    const send = () => {
      while (!socket.destroyed && socket.write(piece)) sent += piece.byteLength;
      sent += piece.byteLength;
    };
    socket.on("drain", send);
    send();
    await closed;
    expect(sent).toBeLessThan(200 * 1024 * 1024);
    expect(registry.requests()).toMatchObject([{ status: 413, bytesReceived: 0 }]);
    expect(await isAlive(registry)).toBe(true);
  });

  test("learns nothing of where content is kept", async () => {
    const registry = new MemoryRegistry({ name: "/srv/secret" });
    await using server = await startServer(registry);
    const manifest = anImage().manifest;
    const digest = `sha256:${"0".repeat(64)}`;
    const type = { "content-type": manifest.descriptor.mediaType };
    const bodies = await Promise.all([
      fetch(`${server.url}/v2/app/blobs/uploads/?digest=${digest}`, { method: "POST", body: "x" }),
      fetch(`${server.url}/v2/app/manifests/${digest}`, {
        method: "PUT",
        headers: type,
        body: new Uint8Array(manifest.bytes),
      }),
      fetch(`${server.url}/v2/app/manifests/v1`, { method: "PUT", headers: type, body: "{}" }),
      fetch(`${server.url}/v2/app/manifests/v1`),
      fetch(`${server.url}/v2/app/tags/list`),
    ]);
    for (const answer of bodies) {
      expect(answer.status).toBeGreaterThanOrEqual(400);
      expect(await answer.text()).not.toContain("secret");
    }
  });

  test("for what its registry cannot do is told so", async () => {
    const memory = new MemoryRegistry();
    const registry = {
      name: "one",
      repository: (path: string) => memory.repository(path),
      repositories: () => {
        throw new RegistryError("UNSUPPORTED", "no list in /srv/secret", {
          registry: "one",
          operation: "repositories",
        });
      },
    };
    await using server = await startServer(registry);
    const answer = await fetch(`${server.url}/v2/_catalog`);
    expect([answer.status, await answer.text()]).toEqual([405, expect.not.stringContaining("secret")]);
  });
});
