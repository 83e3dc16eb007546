import { once } from "node:events";
import { connect } from "node:net";
import { describe, expect, test } from "vitest";
import { MemoryRegistry } from "../memory/memory-registry.ts";
import { aBlob } from "../testing/index.ts";
import { startServer } from "./start-server.ts";

const blob = aBlob({ size: 1_000_000 });
const path = `/v2/app/blobs/${blob.digest}`;

/** A server that holds a request for the blob until `release` is called. */
async function aHoldingServer() {
  const registry = new MemoryRegistry();
  registry.repository("app").putBlob(blob, blob.bytes);
  const { promise: released, resolve: release } = Promise.withResolvers<void>();
  const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>();
  const server = await startServer(registry, {
    onRequest: ({ path: asked }) => {
      if (asked !== path) return undefined;
      arrive();
      return {
        before: async (signal) => {
          await Promise.race([released, once(signal, "abort")]);
        },
      };
    },
  });
  return { server, arrived, release };
}

describe("a closing server", () => {
  test("ends what it is at, and begins nothing more", async () => {
    const { server, arrived, release } = await aHoldingServer();
    const answer = fetch(server.url + path);
    await arrived;
    const closed = server.close({ graceMs: 3_600_000 });
    await expect(fetch(`${server.url}/v2/`)).rejects.toThrow();
    release();
    const { headers, ...rest } = await answer.then(async (got) => ({ headers: got.headers, bytes: await got.bytes() }));
    expect(headers.get("connection")).toBe("close");
    expect(Buffer.compare(rest.bytes, blob.bytes)).toBe(0);
    await closed;
  });

  test("waits for nobody who asks for nothing", async () => {
    const { server } = await aHoldingServer();
    await using _server = server;
    const [hostname, port] = server.host.split(":");
    const idle = connect(Number(port), hostname);
    idle.write("GET /v2/ HTTP/1.1\r\nhost: x\r\n\r\n");
    await once(idle, "data"); // answered, and kept open
    const ended = once(idle.resume(), "close");
    await server.close({ graceMs: 3_600_000 });
    await ended;
  });

  test.for([
    { name: "its grace is over", patience: 1 },
    { name: "it is told to hurry", patience: 3_600_000 },
  ])("breaks off what is left when $name", async ({ patience }) => {
    const { server, arrived } = await aHoldingServer();
    const answer = fetch(server.url + path).then(
      () => "answered",
      () => "broken off",
    );
    await arrived;
    const closed = server.close({ graceMs: patience });
    if (patience > 1) await server[Symbol.asyncDispose]();
    await closed;
    expect(await answer).toBe("broken off");
  });
});
