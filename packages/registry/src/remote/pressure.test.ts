import { getEventListeners } from "node:events";
import { describe, expect, test } from "vitest";
import type { RegistryEvent } from "../events.ts";
import { openBytes } from "../open-bytes.ts";
import { bytesOf, expectCode } from "../testing/contract-support.ts";
import { aBlob, anImage, faults, startTestRegistry } from "../testing/index.ts";
import { createRegistry, type RegistryOptions } from "./create-registry.ts";
import type { RemoteRegistryRepository } from "./http-registry.ts";

const image = anImage({ tag: "v1" });

async function aClient(options: RegistryOptions = {}) {
  const server = await startTestRegistry();
  server.seed("app", image);
  const events: RegistryEvent[] = [];
  const registry = createRegistry(server.host, { retryDelayMs: 1, onEvent: (event) => events.push(event), ...options });
  return {
    server,
    events,
    repository: registry.repository("app"),
    async [Symbol.asyncDispose]() {
      await registry.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

describe("a registry that asks for rest", () => {
  test.for([
    { status: 429, code: "RATE_LIMITED" },
    { status: 503, code: "SERVER_ERROR" },
  ] as const)("beyond all patience with a $status fails at once, and says how much", async ({ status, code }) => {
    await using home = await aClient();
    home.server.failOnce(faults.status(status, { headers: { "retry-after": "86400" } }));
    await expect(home.repository.manifest("v1")).rejects.toMatchObject({
      code,
      message: expect.stringMatching(/asks to wait 86400 s/),
      details: { retryAfterMs: 86_400_000 },
    });
    expect(home.server.requests()).toHaveLength(1);
    await home.repository.manifest("v1"); // the next call is not held up by a wait nobody agreed to
    expect(home.events).toEqual([]);
  });

  test.for(["1000000000", "99999999999999999999", "Fri, 31 Dec 9999 23:59:59 GMT"])(
    "for %s is beyond any patience, and holds nobody else up",
    async (retryAfter) => {
      await using home = await aClient({ throttleWaitMs: Number.POSITIVE_INFINITY });
      home.server.failOnce(faults.status(429, { headers: { "retry-after": retryAfter } }));
      await expectCode(home.repository.manifest("v1"), "RATE_LIMITED");
      expect(home.server.requests()).toHaveLength(1);
      await home.repository.manifest("v1");
      expect(home.events).toEqual([]);
    },
  );

  test("is told of once, however many requests it turned away", async () => {
    await using home = await aClient();
    // all three are on their way before the first is answered
    home.server.fail(faults.status(429, { headers: { "retry-after": "1" } }), { times: 3 });
    await Promise.all([1, 2, 3].map(() => home.repository.manifest("v1")));
    expect(home.events.filter(({ type }) => type === "registry.slowed")).toMatchObject([
      { registry: home.server.host, delayMs: 1000, untilMs: expect.any(Number) },
    ]);
  });

  test("again and again is not waited for any longer by who stands in line", async () => {
    await using home = await aClient({ throttleWaitMs: 1500, limits: { meta: 2 } });
    home.server.fail(faults.status(429, { headers: { "retry-after": "1" } }));
    const beganMs = performance.now();
    const calls = await Promise.allSettled(Array.from({ length: 40 }, () => home.repository.manifest("v1")));
    expect(performance.now() - beganMs).toBeLessThan(15_000); // two at a time, a second each: 20 s and more
    for (const call of calls) expect(call).toMatchObject({ status: "rejected", reason: { code: "RATE_LIMITED" } });
    expect(home.server.requests().length).toBeLessThan(20);
  });

  test("is waited for by everybody as long as somebody is let in", async () => {
    await using home = await aClient({ throttleWaitMs: 1500, limits: { meta: 1 } });
    const tags = Array.from({ length: 6 }, (_, at) => `v1.${at}`);
    home.server.seed("app", anImage({ tags }));
    const headers = { "retry-after": "1" };
    for (const at of [0, 2, 4]) home.server.failOnce(faults.status(429, { headers }), new RegExp(`/v1.${at}$`));
    const beganMs = performance.now();
    await Promise.all(tags.map((tag) => home.repository.manifest(tag)));
    expect(performance.now() - beganMs).toBeGreaterThan(2500); // a second each, one after another
  });

  test("is waited for even with a single attempt, and not at all without patience", async () => {
    await using patient = await aClient({ attempts: 1 });
    patient.server.failOnce(faults.status(429, { headers: { "retry-after": "1" } }));
    await patient.repository.manifest("v1");
    await using hasty = await aClient({ throttleWaitMs: 0 });
    hasty.server.failOnce(faults.status(429, { headers: { "retry-after": "1" } }));
    await expectCode(hasty.repository.manifest("v1"), "RATE_LIMITED");
  });
});

describe("a limit", () => {
  const blob = aBlob({ size: 30_000 });

  test.for([
    { way: "down", move: (to: RemoteRegistryRepository) => bytesOf(to.fetchBlob(blob)) },
    { way: "up", move: (to: RemoteRegistryRepository) => to.pushBlob(blob, openBytes(blob.bytes)) },
  ])("of bytes holds for a blob on its way $way", async ({ way, move }) => {
    await using home = await aClient({ limits: { bytesPerSecond: 100_000 } });
    if (way === "down") home.server.seed("app", blob);
    const beganMs = performance.now();
    await move(home.repository);
    expect(performance.now() - beganMs).toBeGreaterThan(200); // 300, less what may come at once
  });

  test("of requests holds for all that is asked", async () => {
    await using home = await aClient({ limits: { requestsPerSecond: 20 } });
    const beganMs = performance.now();
    await Promise.all(Array.from({ length: 10 }, () => home.repository.resolve("v1")));
    expect(performance.now() - beganMs).toBeGreaterThan(250); // four come at once
  });
});

test("calls leave nothing on their signal, whatever they waited for", async () => {
  await using home = await aClient({ limits: { meta: 1 } });
  home.server.failOnce(faults.status(503));
  const { signal } = new AbortController();
  const [layer] = image.layers;
  await Promise.all([1, 2, 3].map(() => home.repository.manifest("v1", { signal })));
  if (layer) await bytesOf(home.repository.fetchBlob(layer, { signal }));
  expect(getEventListeners(signal, "abort")).toEqual([]);
});

describe("a registry's warnings", () => {
  test("are told once for each text, with good answers and bad ones", async () => {
    await using home = await aClient();
    const body = Buffer.from(image.manifest.bytes).toString();
    const headers = { "content-type": "application/vnd.oci.image.manifest.v1+json" };
    const warning = '299 - "The end is near.", 110 - "stale"';
    home.server.fail(faults.status(200, { headers: { ...headers, warning }, body }), { times: 2 });
    home.server.failOnce(faults.status(404, { headers: { warning: '299 - "Nothing here."' } }));
    await home.repository.manifest("v1");
    await home.repository.manifest("v1");
    await expectCode(home.repository.manifest("v2"), "NOT_FOUND");
    const { host } = home.server;
    expect(home.events).toEqual([
      { type: "registry.warned", registry: host, message: "The end is near." },
      { type: "registry.warned", registry: host, message: "Nothing here." },
    ]);
  });

  test("of somebody else, where a redirect leads, are not its own", async () => {
    await using storage = await startTestRegistry();
    storage.fail(faults.status(404, { headers: { warning: '299 - "Buy storage."' } }));
    await using home = await aClient();
    home.server.fail(faults.status(307, { headers: { location: `${storage.url}/v2/app/manifests/v1` } }));
    await expectCode(home.repository.manifest("v1"), "NOT_FOUND");
    expect(home.events).toEqual([]);
  });

  test("fill no memory when a registry numbers them", async () => {
    await using home = await aClient();
    for (let n = 0; n < 11; n += 1) {
      const warning = Array.from({ length: 10 }, (_, m) => `299 - "${n * 10 + m}"`).join(", ");
      home.server.failOnce(faults.status(404, { headers: { warning } }));
      await expectCode(home.repository.manifest("v1"), "NOT_FOUND");
    }
    expect(home.events).toHaveLength(100);
  });
});

describe("a call that is given up", () => {
  const blob = aBlob({ size: 300_000 });
  const reason = { why: "enough" };

  test("while it waits for a slot ends at once, and takes none", async () => {
    await using home = await aClient({ limits: { meta: 1 } });
    home.server.failOnce(faults.slow({ delayMs: 60_000 }));
    const first = new AbortController();
    const holding = home.repository.manifest("v1", { signal: first.signal });
    const second = new AbortController();
    const waiting = home.repository.manifest("v1", { signal: second.signal });
    second.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    while (home.server.requests().length === 0) await new Promise((resolve) => setImmediate(resolve));
    first.abort(reason);
    await expect(holding).rejects.toBe(reason);
    await home.repository.manifest("v1");
    expect(home.server.requests()).toHaveLength(2);
  });

  test("while the host rests ends at once, and so do those who wait behind it", async () => {
    await using home = await aClient();
    home.server.failOnce(faults.status(503, { headers: { "retry-after": "60" } }));
    const controller = new AbortController();
    const pausing = home.repository.manifest("v1", { signal: controller.signal });
    while (home.events.length < 2) await new Promise((resolve) => setImmediate(resolve));
    const resting = home.repository.manifest("v1", { signal: controller.signal });
    await Promise.resolve();
    controller.abort(reason);
    await expect(pausing).rejects.toBe(reason);
    await expect(resting).rejects.toBe(reason);
    expect(home.server.requests()).toHaveLength(1);
  });

  test("while its bytes wait for their time ends at once, down and up", async () => {
    await using home = await aClient({ limits: { down: 1, up: 1, bytesPerSecond: 1 } });
    home.server.seed("app", blob);
    const controller = new AbortController();
    const reading = bytesOf(home.repository.fetchBlob(blob, { signal: controller.signal }));
    const writing = home.repository.pushBlob(
      { digest: aBlob({ seed: "new" }).digest, size: 1024 },
      () =>
        (async function* () {
          yield aBlob({ seed: "new" }).bytes;
        })(),
      { signal: controller.signal },
    );
    const refused = Promise.all([expect(reading).rejects.toBe(reason), expect(writing).rejects.toBe(reason)]);
    while (!home.server.requests().some(({ method }) => method === "GET")) {
      await new Promise((resolve) => setImmediate(resolve));
    }
    controller.abort(reason);
    await refused;
  });
});
