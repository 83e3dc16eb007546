import { describe, expect, test } from "vitest";
import { aBlob, anImage, type Fault, faults, startTestRegistry } from "./index.ts";

const blob = aBlob({ size: 200_000 });
const path = `/v2/app/blobs/${blob.digest}`;

async function aRegistry() {
  const registry = await startTestRegistry();
  registry.seed("app", blob, anImage({ tag: "v1" }));
  return registry;
}

/** The bytes that came before the connection broke, and whether it did. */
async function receive(url: string): Promise<{ bytes: Uint8Array; isBroken: boolean }> {
  const chunks: Uint8Array[] = [];
  try {
    const { body } = await fetch(url);
    for await (const chunk of body ?? []) chunks.push(chunk as Uint8Array);
    return { bytes: new Uint8Array(Buffer.concat(chunks)), isBroken: false };
  } catch {
    return { bytes: new Uint8Array(Buffer.concat(chunks)), isBroken: true };
  }
}

describe("a fault", () => {
  test.for([0, 1, 1000, 65_536, 70_000, 199_999])("cuts the connection after %i bytes, once", async (bytes) => {
    await using registry = await aRegistry();
    registry.failOnce(faults.cutAfter(bytes));
    expect(await receive(registry.url + path)).toEqual({ bytes: blob.bytes.slice(0, bytes), isBroken: true });
    expect((await receive(registry.url + path)).isBroken).toBe(false);
    expect(registry.requests().map(({ bytesSent }) => bytesSent)).toEqual([bytes, 200_000]);
    expect(registry.bytesSent()).toBe(bytes + 200_000);
  });

  test("answers with a status, headers and a body", async () => {
    await using registry = await aRegistry();
    registry.failOnce(faults.status(429, { headers: { "retry-after": "7" }, body: "slow down" }));
    const answer = await fetch(registry.url + path);
    expect([answer.status, answer.headers.get("retry-after"), await answer.text()]).toEqual([429, "7", "slow down"]);
    expect((await fetch(registry.url + path)).status).toBe(200);
  });

  test.for([0, 100_000, 199_999])("flips a bit of byte %i, and leaves what is stored alone", async (at) => {
    await using registry = await aRegistry();
    registry.failOnce(faults.corrupt({ at }));
    const { bytes } = await receive(registry.url + path);
    const changed = [...bytes.keys()].filter((index) => bytes[index] !== blob.bytes[index]);
    expect(changed).toEqual([at]);
    expect((await receive(registry.url + path)).bytes).toEqual(blob.bytes);
  });

  test("spoils an upload on its way in", async () => {
    await using registry = await aRegistry();
    const other = aBlob({ seed: "other" });
    const url = `${registry.url}/v2/app/blobs/uploads/?digest=${other.digest}`;
    registry.failOnce(faults.corrupt());
    const spoilt = await fetch(url, { method: "POST", body: new Uint8Array(other.bytes) });
    expect(spoilt.status).toBe(400);
    expect(await spoilt.json()).toMatchObject({ errors: [{ code: "DIGEST_INVALID" }] }); // the answer comes as it is
    expect((await fetch(url, { method: "POST", body: new Uint8Array(other.bytes) })).status).toBe(201);
  });

  test("slows an answer down without changing it", async () => {
    await using registry = await aRegistry();
    registry.fail(faults.slow({ delayMs: 1, jitterMs: 2, bytesPerSecond: 20_000_000 }));
    expect(await receive(registry.url + path)).toEqual({ bytes: blob.bytes, isBroken: false });
  });

  test("keeps no server from closing", async () => {
    const registry = await aRegistry();
    registry.fail(faults.slow({ delayMs: 3_600_000 }));
    const waiting = fetch(registry.url + path).then(
      () => "answered",
      () => "broken off",
    );
    while (registry.requests().length === 0) await fetch(`${registry.url}/v2/`);
    await registry[Symbol.asyncDispose]();
    expect(await waiting).toBe("broken off");
  });

  test.for<{ name: string; fault: Fault; method: string; path: string }>([
    { name: "of a body passes over HEAD", fault: faults.cutAfter(0), method: "HEAD", path },
    { name: "passes over lists unless told", fault: faults.status(500), method: "GET", path: "/v2/app/tags/list" },
  ])("$name", async ({ fault, method, path: other }) => {
    await using registry = await aRegistry();
    registry.failOnce(fault);
    expect((await fetch(registry.url + other, { method })).status).toBe(200);
    const answer = await fetch(registry.url + path);
    const outcome = await answer.bytes().then(
      () => answer.status,
      () => "broken",
    );
    expect(outcome).not.toBe(200);
  });

  test.for([
    { name: "a pattern", match: /^GET .*\/tags\/list$/g },
    { name: "a predicate", match: (request: { path: string }) => request.path.endsWith("/tags/list") },
  ])("happens where $name says, as often as told", async ({ match }) => {
    await using registry = await aRegistry();
    registry.fail(faults.status(503), { match, times: 2 });
    const statuses: number[] = [];
    for (const asked of [path, "/v2/app/tags/list", path, "/v2/app/tags/list", "/v2/app/tags/list"]) {
      statuses.push((await fetch(registry.url + asked)).status);
    }
    expect(statuses).toEqual([200, 503, 200, 503, 200]);
  });

  test("waits its turn, and is forgotten by a reset that keeps the content", async () => {
    await using registry = await aRegistry();
    registry.failOnce(faults.status(500));
    registry.failOnce(faults.status(502));
    registry.fail(faults.status(503));
    const ask = async () => (await fetch(registry.url + path)).status;
    expect([await ask(), await ask(), await ask(), await ask()]).toEqual([500, 502, 503, 503]);
    registry.reset();
    expect(registry.requests()).toEqual([]);
    expect(await ask()).toBe(200);
  });
});
