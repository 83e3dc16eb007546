import { createServer as createHttpServer } from "node:http";
import { type AddressInfo, createServer, type Socket } from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import type { RegistryEvent } from "../events.ts";
import { describeReaderContract, describeWriterContract } from "../testing/contract.ts";
import { bytesOf, expectCode, listOf, openerOf } from "../testing/contract-support.ts";
import { aBlob, anImage, faults, type Seedable, startTestRegistry } from "../testing/index.ts";
import { createRegistry } from "./create-registry.ts";
import { isLoopbackHost } from "./transport/private-address.ts";

async function aRemoteHome() {
  const server = await startTestRegistry();
  const registry = createRegistry(`${server.host}/root`, { retryDelayMs: 1 });
  return {
    registry,
    seed: (path: string, ...things: readonly Seedable[]) => server.seed(`root/${path}`, ...things),
    corrupt: () => server.fail(faults.corrupt({ at: 70_000 }), { match: /^GET .*\/blobs\// }),
    async [Symbol.asyncDispose]() {
      await registry.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

describeReaderContract("A remote registry", aRemoteHome);
describeWriterContract("A remote registry", aRemoteHome);

const image = anImage({ tag: "v1" });
const secret = { username: "user", password: "secret:word" };

describe("a remote registry", () => {
  test("is named as it was given", () => {
    expect(createRegistry("host.example/deckhouse/fe/").name).toBe("host.example/deckhouse/fe");
    expect(createRegistry("host.example:5000").name).toBe("host.example:5000");
    const { name } = createRegistry("host.example/deckhouse").repository("packages/console");
    expect(name).toBe("host.example/deckhouse/packages/console");
  });

  test.for(["https://host", "host/UPPER", "user:pass@host/app", "host/app:v1", ""])(
    "refuses %j as a place",
    (place) => {
      expect(() => createRegistry(place)).toThrow(expect.objectContaining({ code: "INVALID_REFERENCE" }));
    },
  );

  test("gives a repository once to whoever asks again and again, and forgets those of names without end", () => {
    const registry = createRegistry("host.example");
    const first = registry.repository("first");
    for (let at = 0; at < 900; at += 1) expect(registry.repository(`app-${at}`)).not.toBe(first);
    expect(registry.repository("first")).toBe(first);
    for (let at = 900; at < 1100; at += 1) registry.repository(`app-${at}`);
    expect(registry.repository("first")).not.toBe(first);
    expect(registry.repository("first").name).toBe(first.name);
  });

  test("lists what is below its path, by the path from there, page by page", async () => {
    await using server = await startTestRegistry({ maxPageSize: 2 });
    for (const path of ["root", "root/a", "root/a/b", "rootless", "other", "root/c"]) server.seed(path, image);
    await using registry = createRegistry(`${server.host}/root`);
    expect((await listOf(registry.repositories())).sort()).toEqual(["", "a", "a/b", "c"]);
    expect(server.requests().length).toBeGreaterThan(2);
  });

  test("is let in with the right password, by every request but the first, which asks how", async () => {
    await using server = await startTestRegistry({ credentials: secret });
    server.seed("app", image);
    await using registry = createRegistry(server.host, { credentials: secret });
    const repository = registry.repository("app");
    await repository.manifest("v1");
    const blob = aBlob({ seed: "new" });
    expect(await repository.pushBlob(blob, openerOf(blob.bytes).open)).toBe("written");
    const [first, ...others] = server.requests();
    expect(first).toMatchObject({ method: "GET", path: "/v2/", authorization: false });
    expect(others.every(({ authorization }) => authorization)).toBe(true);
  });

  test("is not told as missing what it hides from those it does not know", async () => {
    await using server = await startTestRegistry({ credentials: secret });
    server.seed("app", image);
    server.fail(faults.status(404), { match: ({ path, authorization }) => path !== "/v2/" && !authorization });
    await using registry = createRegistry(server.host, { credentials: secret });
    expect(await registry.repository("app").resolve("v1")).toMatchObject({ size: image.manifest.descriptor.size });
  });

  test.for([
    ["a 503", faults.status(503), "SERVER_ERROR"],
    ["a 429", faults.status(429), "RATE_LIMITED"],
  ] as const)("is not told as missing when it answers with %s how to introduce oneself", async ([, fault, code]) => {
    await using server = await startTestRegistry({ credentials: secret });
    server.seed("app", image);
    server.fail(faults.status(404), { match: ({ path, authorization }) => path !== "/v2/" && !authorization });
    server.failOnce(fault, ({ path }) => path === "/v2/");
    await using registry = createRegistry(server.host, { credentials: secret, attempts: 1 });
    await expectCode(registry.repository("app").resolve("v1"), code);
    expect(await registry.repository("app").resolve("v1")).toBeDefined();
  });

  test("asks nobody how to introduce itself without credentials", async () => {
    await using server = await startTestRegistry();
    server.seed("app", image);
    await using registry = createRegistry(server.host, { credentials: async () => undefined });
    await registry.repository("app").resolve("v1");
    expect(server.requests()).toHaveLength(1);
  });

  test("introduces itself once for all that starts at the same time", async () => {
    await using server = await startTestRegistry({ auth: { scheme: "bearer", credentials: secret } });
    server.seed("app", image);
    await using registry = createRegistry(server.host, { credentials: secret });
    const repository = registry.repository("app");
    await Promise.all(Array.from({ length: 10 }, () => repository.resolve("v1")));
    const paths = server.requests().map(({ path }) => path);
    expect(paths.filter((path) => path === "/v2/")).toHaveLength(1);
    expect(paths.filter((path) => path === "/token")).toHaveLength(1);
    expect(paths).toHaveLength(12);
  });

  test("that cannot be asked how to introduce oneself is asked again", async () => {
    await using server = await startTestRegistry({ credentials: secret });
    server.seed("app", image);
    server.failOnce(faults.reset(), ({ path }) => path === "/v2/");
    server.failOnce(faults.status(503), ({ path }) => path === "/v2/");
    await using registry = createRegistry(server.host, { credentials: secret, retryDelayMs: 1 });
    expect(await registry.repository("app").resolve("v1")).toBeDefined();
  });

  test.for([
    { name: "a wrong password", options: { credentials: { ...secret, password: "wrong-password" } }, requests: 3 },
    { name: "no password", options: {}, requests: 2 },
  ])("is not let in with $name, and does not try again", async ({ options, requests }) => {
    await using server = await startTestRegistry({ credentials: secret });
    server.seed("app", image);
    await using registry = createRegistry(server.host, { ...options, retryDelayMs: 1 });
    const repository = registry.repository("app");
    const error = await repository.manifest("v1").catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "UNAUTHORIZED", details: { reference: `${server.host}/app:v1` } });
    expect(String(error)).toMatch(/cannot read manifest .*\/app:v1: 401 Unauthorized/);
    expect(JSON.stringify([String(error), error])).not.toContain("wrong-password");
    await expectCode(repository.resolve("v1"), "UNAUTHORIZED");
    expect(server.requests()).toHaveLength(requests);
  });

  test("names the token server that refuses, and why", async () => {
    await using server = await startTestRegistry({ auth: { scheme: "bearer", credentials: secret } });
    await using registry = createRegistry(server.host, { credentials: { ...secret, password: "wrong-password" } });
    await expect(registry.repository("app").manifest("v1")).rejects.toMatchObject({
      code: "UNAUTHORIZED",
      message: expect.stringMatching(/token server .* refused the credentials: 401/),
    });
  });

  test("tells an unknown host after a few quick tries", async () => {
    const events: RegistryEvent[] = [];
    await using registry = createRegistry("nope.invalid", { retryDelayMs: 1, onEvent: (event) => events.push(event) });
    const error = await registry
      .repository("app")
      .resolve("v1")
      .catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: "NETWORK" });
    expect((error as { details: { reason: string } }).details.reason).toMatch(/^(?:ENOTFOUND|EAI_AGAIN)$/);
    expect(events.length).toBeGreaterThan(0);
    expect(events[0]).toMatchObject({ type: "request.retried", code: "NETWORK", reference: "nope.invalid/app:v1" });
  });

  test("tells a port where nobody listens", async () => {
    const server = createServer();
    const port = await new Promise<number>((resolve) => {
      server.listen(0, "127.0.0.1", () => resolve((server.address() as { port: number }).port));
    });
    await new Promise((resolve) => server.close(resolve));
    await using registry = createRegistry(`127.0.0.1:${port}`, { retryDelayMs: 1 });
    const reading = registry.repository("app").manifest("v1");
    await expect(reading).rejects.toMatchObject({ code: "NETWORK", details: { reason: "ECONNREFUSED" } });
  });

  test("does not speak plain HTTP with other hosts unless told", async () => {
    await using server = await startTestRegistry();
    server.seed("app", image);
    await using registry = createRegistry(server.host, { insecure: false, retryDelayMs: 1 });
    await expectCode(registry.repository("app").resolve("v1"), "TLS");
    expect(server.requests()).toEqual([]);
  });

  test.for([
    ["localhost", true],
    ["a.localhost", true],
    ["127.0.0.1", true],
    ["127.255.1.2", true],
    ["[::1]", true],
    ["notlocalhost", false],
    ["localhost.example", false],
    ["127.0.0.1.example", false],
    ["10.0.0.1", false],
  ] as const)("whether %s is this machine: %s", ([hostname, expected]) => {
    expect(isLoopbackHost(hostname)).toBe(expected);
  });

  test("waits as long as a 429 asks, tells of it, and goes on", async () => {
    await using server = await startTestRegistry();
    server.seed("app", image);
    server.failOnce(faults.status(429, { headers: { "retry-after": "1" } }));
    const events: RegistryEvent[] = [];
    await using registry = createRegistry(server.host, { retryDelayMs: 1, onEvent: (event) => events.push(event) });
    expect((await registry.repository("app").manifest("v1")).descriptor).toEqual(image.manifest.descriptor);
    expect(events).toMatchObject([
      { type: "registry.slowed", registry: server.host, delayMs: 1000 },
      { type: "request.retried", code: "RATE_LIMITED", attempt: 1, delayMs: 1000 },
    ]);
  });

  test("gives up after as many tries as it was given", async () => {
    await using server = await startTestRegistry();
    server.fail(faults.status(503));
    await using registry = createRegistry(server.host, { attempts: 3, retryDelayMs: 1 });
    await expectCode(registry.repository("app").resolve("v1"), "SERVER_ERROR");
    expect(server.requests()).toHaveLength(3);
  });

  test("refuses everything once closed, and ends what still runs or waits", async () => {
    await using server = await startTestRegistry();
    server.seed("app", image);
    server.failOnce(faults.slow({ delayMs: 60_000 }));
    const registry = createRegistry(server.host, { limits: { meta: 1 } });
    const running = registry.repository("app").manifest("v1");
    const waiting = registry.repository("app").manifest("v1");
    const ended = Promise.all([expectCode(running, "UNSUPPORTED"), expectCode(waiting, "UNSUPPORTED")]);
    while (server.requests().length === 0) await new Promise((resolve) => setImmediate(resolve));
    await registry.close();
    await registry.close();
    await ended;
    await expectCode(registry.repository("app").resolve("v1"), "UNSUPPORTED");
    const [layer] = image.blobs;
    if (layer) await expectCode(bytesOf(registry.repository("app").fetchBlob(layer)), "UNSUPPORTED");
  });

  test("drops its connections once closed, in use or not", async () => {
    const open = new Set<Socket>();
    const server = createHttpServer((request, response) => {
      if (request.url?.endsWith("/stuck")) return;
      response.writeHead(404).end();
    });
    server.on("connection", (socket) => {
      open.add(socket);
      socket.on("close", () => open.delete(socket));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const registry = createRegistry(`127.0.0.1:${(server.address() as AddressInfo).port}`);
    const stuck = expectCode(registry.repository("app").manifest("stuck"), "UNSUPPORTED");
    await registry.repository("app").resolve("v1");
    expect(open.size).toBe(2);
    await registry.close();
    await stuck;
    await expect.poll(() => open.size).toBe(0);
    server.close();
  });

  test("ends what waits for a provider of credentials once closed, and tells the provider", async () => {
    await using server = await startTestRegistry({ credentials: secret });
    const asked = Promise.withResolvers<AbortSignal | undefined>();
    const registry = createRegistry(server.host, {
      credentials: (_request, { signal }) => {
        asked.resolve(signal);
        return new Promise(() => {});
      },
    });
    const ended = expectCode(registry.repository("app").resolve("v1"), "UNSUPPORTED");
    const signal = await asked.promise;
    await registry.close();
    await ended;
    expect(signal?.aborted).toBe(true);
  });

  test("ends an upload whose source says nothing any more once closed", async () => {
    await using server = await startTestRegistry();
    const blob = aBlob({ size: 1000 });
    const opened = Promise.withResolvers<void>();
    const registry = createRegistry(server.host);
    const ended = expectCode(
      registry.repository("app").pushBlob(blob, async function* () {
        yield blob.bytes.subarray(0, 10);
        opened.resolve();
        await new Promise(() => {});
      }),
      "UNSUPPORTED",
    );
    await opened.promise;
    await registry.close();
    await ended;
  });

  test("copies inside one host with a single slot of each kind", async () => {
    await using server = await startTestRegistry();
    const blobs = Array.from({ length: 12 }, (_, n) => aBlob({ size: 300_000, seed: n }));
    server.seed("from", ...blobs);
    await using registry = createRegistry(server.host, { limits: { meta: 1, down: 1, up: 1 } });
    const [from, to] = [registry.repository("from"), registry.repository("to")];
    const copies = blobs.map((blob) => to.pushBlob(blob, (offset) => from.fetchBlob(blob, { offset })));
    expect(await Promise.all(copies)).toEqual(blobs.map(() => "written"));
  });
});

describe("a registry with mirrors", () => {
  test("speaks plain HTTP with no mirror because it does so itself", async () => {
    const seen: string[] = [];
    const proxy = createHttpServer((request, response) => {
      seen.push(`${request.method} ${request.url}`);
      response.writeHead(404).end();
    });
    proxy.on("connect", ({ url }, socket) => {
      seen.push(`CONNECT ${url}`);
      socket.end("HTTP/1.1 403 No\r\ncontent-length: 0\r\n\r\n");
    });
    await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
    onTestFinished(() => void proxy.close());
    const options = { insecure: true, proxy: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, attempts: 1 };
    await using registry = createRegistry("registry.test", { ...options, mirrors: ["mirror.test"] });
    const { digest } = image.manifest.descriptor;
    await expectCode(registry.repository("app").manifest(digest), "NOT_FOUND");
    expect(seen).toEqual(["CONNECT mirror.test:443", `GET http://registry.test/v2/app/manifests/${digest}`]);
  });

  test("reads content from them, pushes past them, and shows them no password", async () => {
    await using mirror = await startTestRegistry({ credentials: secret });
    await using server = await startTestRegistry({ credentials: secret });
    mirror.seed("hub/app", image);
    server.seed("app", image);
    const events: RegistryEvent[] = [];
    const onEvent = (event: RegistryEvent) => events.push(event);
    const place = `${mirror.host}/hub`;
    await using registry = createRegistry(server.host, { credentials: secret, mirrors: [place], onEvent });
    const repository = registry.repository("app");
    const { digest } = image.manifest.descriptor;
    expect((await repository.manifest(digest)).bytes).toEqual(image.manifest.bytes);
    expect(mirror.requests().some(({ authorization }) => authorization)).toBe(false);
    expect(events).toEqual([
      {
        type: "mirror.failed",
        registry: server.host,
        mirror: place,
        reference: expect.any(String),
        code: "UNAUTHORIZED",
      },
    ]);
    await using trusted = createRegistry(server.host, { credentials: async () => secret, mirrors: [place] });
    server.reset();
    expect((await trusted.repository("app").manifest(digest)).bytes).toEqual(image.manifest.bytes);
    expect(server.requests()).toEqual([]);
    const fresh = aBlob({ seed: "pushed past the mirror" });
    mirror.seed("hub/app", fresh);
    expect(await trusted.repository("app").pushBlob(fresh, openerOf(fresh.bytes).open)).toBe("written");
    expect(await listOf(trusted.repositories())).toEqual(["app"]);
  });

  test.for([
    ["docker.io", "alpine", "docker.io/library/alpine"],
    ["docker.io/library", "alpine", "docker.io/library/alpine"],
    ["docker.io/alpine", "", "docker.io/library/alpine"],
    ["docker.io", "grafana/loki", "docker.io/grafana/loki"],
    ["registry.example.com", "alpine", "registry.example.com/alpine"],
  ] as const)("knows the repository %s + %s as %s", async ([place, path, name]) => {
    await using registry = createRegistry(place);
    expect(registry.repository(path).name).toBe(name);
  });
});
