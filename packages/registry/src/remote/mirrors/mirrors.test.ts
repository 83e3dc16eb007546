import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { isRegistryError } from "../../errors.ts";
import type { MirrorFailed } from "../../events.ts";
import type { Blob } from "../../oci/descriptor.ts";
import type { Digest } from "../../oci/digest.ts";
import { digestOf } from "../../oci/digest.ts";
import { describeReaderContract, describeWriterContract } from "../../testing/contract.ts";
import { bytesOf, expectCode, listOf, openerOf } from "../../testing/contract-support.ts";
import {
  aBlob,
  anArtifact,
  anImage,
  type Fault,
  faults,
  type Seedable,
  startTestRegistry,
  type TestRegistry,
} from "../../testing/index.ts";
import { createRegistry } from "../create-registry.ts";
import type { RemoteRegistryRepository } from "../http-registry.ts";
import type { OriginRepository } from "./mirrored-repository.ts";
import { type Mirror, openMirrors } from "./mirrors.ts";

const image = anImage({ tag: "v1", layers: [aBlob({ size: 300_000, seed: "layer" })] });
const [layer = aBlob()] = image.layers;
const { digest } = image.manifest.descriptor;

interface SetUp {
  readonly mirrors: readonly Mirror[];
  readonly origin: string;
  readonly path?: string;
}

/** A repository of the registry at `origin` behind mirrors, with the events told and a clock that stands still. */
function mirrored({ mirrors, origin, path = "app" }: SetUp) {
  const events: MirrorFailed[] = [];
  const opened: string[] = [];
  const clock = { nowMs: 0 };
  const registry = createRegistry(origin, { retryDelayMs: 1, attempts: 2 });
  const own = openMirrors({
    mirrors,
    registry: origin,
    open: (place) => {
      const mirror = createRegistry(place, { attempts: 1, throttleWaitMs: 0, retryDelayMs: 1 });
      return {
        name: mirror.name,
        repository(below) {
          opened.push(place);
          return mirror.repository(below);
        },
        repositories: (options) => mirror.repositories(options),
        [Symbol.asyncDispose]: () => mirror.close(),
      };
    },
    onEvent: (event) => events.push(event),
    now: () => clock.nowMs,
  });
  const close = async () => {
    await own[Symbol.asyncDispose]();
    await registry.close();
  };
  onTestFinished(close);
  const over = (below: string) => own.over(below, registry.repository(below) as OriginRepository);
  return { repository: over(path), over, registry, events, opened, clock, mirrors: own };
}

/** Registries for one test, each with the image unless told otherwise. */
async function start(...seeds: readonly (readonly Seedable[] | undefined)[]): Promise<TestRegistry[]> {
  return await Promise.all(
    seeds.map(async (things = [image]) => {
      const server = await startTestRegistry();
      onTestFinished(() => server[Symbol.asyncDispose]());
      if (things.length > 0) server.seed("app", ...things);
      return server;
    }),
  );
}

const lines = (server: TestRegistry) => server.requests().map(({ method, path }) => `${method} ${path}`);
const none: readonly Seedable[] = [];
const everything = /./;

/** Where nobody listens. */
async function nowhere(): Promise<string> {
  const server = await startTestRegistry();
  await server[Symbol.asyncDispose]();
  return server.host;
}

/** A mirror that gives the beginning of something else, breaks off, and is not to be had again. */
async function startLiar(bytes: Uint8Array, cutAt: number): Promise<string> {
  const server = createServer((_request, response) => {
    response.writeHead(200, { "content-length": bytes.byteLength });
    response.write(bytes.subarray(0, cutAt), () => {
      response.destroy();
      server.close();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function aHome(fill: "origin" | "mirror", mirrorAt?: string) {
  const [origin, mirror] = [await startTestRegistry(), await startTestRegistry()];
  const set = mirrored({ mirrors: [mirrorAt ?? `${mirror.host}/hub`], origin: `${origin.host}/root` });
  return {
    registry: {
      name: set.registry.name,
      repository: set.over,
      repositories: set.registry.repositories.bind(set.registry),
    },
    seed: (path: string, ...things: readonly Seedable[]) => {
      origin.seed(`root/${path}`, ...things);
      if (fill === "mirror") mirror.seed(`hub/${path}`, ...things);
    },
    async [Symbol.asyncDispose]() {
      await origin[Symbol.asyncDispose]();
      await mirror[Symbol.asyncDispose]();
    },
  };
}

describeReaderContract("A registry with a mirror", () => aHome("mirror"));
describeReaderContract("A registry with an empty mirror", () => aHome("origin"));
describeReaderContract("A registry with a dead mirror", async () => aHome("origin", await nowhere()));
describeWriterContract("A registry with an empty mirror", () => aHome("origin"));

test("content comes from the mirror; what is there, and under which name, the registry says", async () => {
  const [mirror, origin] = (await start(undefined, undefined)) as [TestRegistry, TestRegistry];
  const { repository, events } = mirrored({ mirrors: [mirror.host], origin: origin.host });
  expect((await repository.resolve("v1"))?.digest).toBe(digest);
  expect((await repository.manifest("v1")).descriptor.digest).toBe(digest);
  expect(lines(mirror)).toEqual([]);
  origin.reset();
  expect((await repository.resolve(digest))?.digest).toBe(digest);
  expect(await repository.statBlob(layer.digest)).toEqual({ size: layer.size });
  expect(lines(mirror)).toEqual([]);
  origin.reset();
  expect((await repository.manifest(digest)).bytes).toEqual(image.manifest.bytes);
  expect(await bytesOf(repository.fetchBlob(layer))).toEqual(layer.bytes);
  expect(await bytesOf(repository.fetchBlob(layer, { offset: 10, length: 7 }))).toEqual(layer.bytes.slice(10, 17));
  expect(lines(origin)).toEqual([]);
  expect(events).toEqual([]);
});

test("a mirror trusted with tags says what they name; the lists stay with the registry", async () => {
  const signature = anArtifact({ subject: image, artifactType: "application/x.signature" });
  const [mirror, origin] = (await start(undefined, [anImage({ tag: "v2" }), image, signature])) as [
    TestRegistry,
    TestRegistry,
  ];
  const { repository } = mirrored({ mirrors: [{ place: mirror.host, tags: true }], origin: origin.host });
  expect((await repository.resolve("v1"))?.digest).toBe(digest);
  expect((await repository.manifest("v1")).descriptor.digest).toBe(digest);
  expect(lines(origin)).toEqual([]);
  expect(await repository.resolve("v2")).toBeDefined(); // the mirror has it not
  mirror.reset();
  expect(await listOf(repository.tags())).toEqual(["v1", "v2"]);
  expect(await listOf(repository.referrers(digest))).toHaveLength(1);
  expect(lines(mirror)).toEqual([]);
});

test("mirrors stand in for the registry's place, and are asked in their order", async () => {
  const [first, second, origin] = (await start(none, none, none)) as [TestRegistry, TestRegistry, TestRegistry];
  second.seed("hub/library/app", image);
  origin.seed("root/library/app", image);
  const mirrors = [first.host, `${second.host}/hub`];
  const { repository } = mirrored({ mirrors, origin: `${origin.host}/root`, path: "library/app" });
  await repository.manifest(digest);
  expect(lines(first)).toEqual([`GET /v2/library/app/manifests/${digest}`]);
  expect(lines(second)).toEqual([`GET /v2/hub/library/app/manifests/${digest}`]);
  expect(lines(origin)).toEqual([]);
});

test("writes and deletes go to the registry only", async () => {
  const [mirror, origin] = (await start(undefined, none)) as [TestRegistry, TestRegistry];
  const { repository } = mirrored({ mirrors: [mirror.host], origin: origin.host });
  for (const blob of image.blobs) expect(await repository.pushBlob(blob, openerOf(blob.bytes).open)).toBe("written");
  await repository.pushManifest(image.manifest, { tags: ["v1"] });
  expect(await repository.deleteTag("v1")).toBe(true);
  expect(await repository.deleteManifest(digest)).toBe(true);
  expect(await repository.deleteBlob(layer.digest)).toBe(true);
  expect(lines(mirror)).toEqual([]);
});

const failures: readonly (readonly [string, Fault, string])[] = [
  ["does not have it", faults.status(404), "NOT_FOUND"],
  ["wants credentials", faults.status(401), "UNAUTHORIZED"],
  ["denies it", faults.status(403), "FORBIDDEN"],
  ["is asked too often", faults.status(429, { headers: { "retry-after": "1000" } }), "RATE_LIMITED"],
  ["is broken", faults.status(500), "SERVER_ERROR"],
  ["answers oddly", faults.status(418), "UNEXPECTED_STATUS"],
  ["hangs up", faults.reset(), "NETWORK"],
];

test.for(failures)("a mirror that %s is passed over, and told of once", async ([, fault, code]) => {
  const [mirror, origin] = (await start(undefined, undefined)) as [TestRegistry, TestRegistry];
  mirror.fail(fault, { match: everything });
  const { repository, events } = mirrored({ mirrors: [mirror.host], origin: origin.host });
  expect((await repository.manifest(digest)).bytes).toEqual(image.manifest.bytes);
  expect((await repository.resolve(digest))?.digest).toBe(digest);
  expect(await repository.statBlob(layer.digest)).toEqual({ size: layer.size });
  expect(await bytesOf(repository.fetchBlob(layer))).toEqual(layer.bytes);
  const reference = `${origin.host}/app@${digest}`;
  expect(events).toEqual([{ type: "mirror.failed", registry: origin.host, mirror: mirror.host, reference, code }]);
});

test("a manifest that is not its digest's comes from the next source, and that mirror is not asked for it again", async () => {
  const [mirror, origin] = (await start(undefined, undefined)) as [TestRegistry, TestRegistry];
  mirror.fail(faults.corrupt());
  const { repository, events } = mirrored({ mirrors: [mirror.host], origin: origin.host });
  expect((await repository.manifest(digest)).bytes).toEqual(image.manifest.bytes);
  expect(events).toMatchObject([{ code: "DIGEST_MISMATCH" }]);
  mirror.reset();
  await repository.manifest(digest);
  expect(lines(mirror)).toEqual([]);
});

test("what is missing is what the registry says is missing", async () => {
  const [mirror, origin] = (await start(none, undefined)) as [TestRegistry, TestRegistry];
  const { repository } = mirrored({ mirrors: [mirror.host], origin: origin.host });
  expect(await repository.statBlob(layer.digest)).toEqual({ size: layer.size });
  const unknown = digestOf(new Uint8Array(3));
  expect(await repository.statBlob(unknown)).toBeUndefined();
  expect(await repository.resolve(unknown)).toBeUndefined();
  origin.fail(faults.status(500), { match: everything });
  await expectCode(repository.statBlob(unknown), "SERVER_ERROR");
  mirror.fail(faults.status(403), { match: everything });
  await expectCode(repository.statBlob(unknown), "SERVER_ERROR");
});

test("the failure told is the registry's, with a word on the mirrors", async () => {
  const [mirror, origin] = (await start(none, none)) as [TestRegistry, TestRegistry];
  mirror.fail(faults.status(403), { match: everything });
  const { repository } = mirrored({ mirrors: [mirror.host], origin: origin.host });
  for (const failing of [() => repository.manifest(digest), () => bytesOf(repository.fetchBlob(layer))]) {
    const error: unknown = await failing().catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      code: "NOT_FOUND",
      message: expect.stringContaining(`; mirrors asked before: ${mirror.host}: FORBIDDEN`),
      details: { registry: origin.host },
    });
    const { errors } = (error as Error).cause as AggregateError;
    expect(errors.map((below) => isRegistryError(below) && below.code)).toEqual(["NOT_FOUND", "FORBIDDEN"]);
  }
});

test("a call that is given up is no failure of a mirror", async () => {
  const [mirror, origin] = (await start(undefined, undefined)) as [TestRegistry, TestRegistry];
  const { repository, events } = mirrored({ mirrors: [mirror.host], origin: origin.host });
  const reason = new Error("enough");
  mirror.fail(faults.stall({ afterBytes: 1000 }), { match: everything });
  const lane = (signal: AbortSignal, taken: () => void) => repository.lane.read(layer, 0, taken, signal);
  const fetch = async (signal: AbortSignal, taken: () => void) => {
    for await (const _chunk of repository.fetchBlob(layer, { signal })) taken();
  };
  for (const read of [lane, fetch]) {
    const controller = new AbortController();
    await expect(read(controller.signal, () => controller.abort(reason))).rejects.toBe(reason);
  }
  expect(events).toEqual([]);
  expect(lines(origin)).toEqual([]);
});

test("a blob that breaks off goes on at the next source, at the same byte", async () => {
  const [mirror, origin] = (await start(undefined, undefined)) as [TestRegistry, TestRegistry];
  mirror.failOnce(faults.cutAfter(100_000));
  mirror.fail(faults.status(500));
  const { repository, events } = mirrored({ mirrors: [mirror.host], origin: origin.host });
  expect(await bytesOf(repository.fetchBlob(layer))).toEqual(layer.bytes);
  expect(origin.requests().map(({ range }) => range)).toEqual([`bytes=100000-${layer.size - 1}`]);
  expect(events).toMatchObject([{ code: "SERVER_ERROR" }]);
});

test("a blob that breaks off now and then stays with its mirror", async () => {
  const [mirror, origin] = (await start(undefined, undefined)) as [TestRegistry, TestRegistry];
  mirror.fail(faults.cutAfter(100_000), { times: 2 });
  const { repository, events } = mirrored({ mirrors: [mirror.host], origin: origin.host });
  expect(await bytesOf(repository.fetchBlob(layer))).toEqual(layer.bytes);
  expect(mirror.requests().map(({ range }) => range)).toEqual([
    undefined,
    `bytes=100000-${layer.size - 1}`,
    `bytes=200000-${layer.size - 1}`,
  ]);
  expect(lines(origin)).toEqual([]);
  expect(events).toEqual([]);
});

test("a blob that breaks off too often does not", async () => {
  const [mirror, origin] = (await start(undefined, undefined)) as [TestRegistry, TestRegistry];
  mirror.fail(faults.cutAfter(1000));
  const { repository } = mirrored({ mirrors: [mirror.host], origin: origin.host });
  expect(await bytesOf(repository.fetchBlob(layer))).toEqual(layer.bytes);
  expect(lines(mirror)).toHaveLength(9);
  expect(origin.requests().map(({ range }) => range)).toEqual([`bytes=9000-${layer.size - 1}`]);
});

test("a part that breaks off goes on at the next source, and ends where it should", async () => {
  const [mirror, origin] = (await start(undefined, undefined)) as [TestRegistry, TestRegistry];
  mirror.failOnce(faults.cutAfter(1000));
  mirror.fail(faults.status(500));
  const { repository } = mirrored({ mirrors: [mirror.host], origin: origin.host });
  const part = await bytesOf(repository.fetchBlob(layer, { offset: 50, length: 2000 }));
  expect(part).toEqual(layer.bytes.slice(50, 2050));
  expect(origin.requests().map(({ range }) => range)).toEqual(["bytes=1050-2049"]);
});

test("bytes that prove wrong once they are out are an error, and the mirror is not asked for that blob again", async () => {
  const [mirror, origin] = (await start(undefined, undefined)) as [TestRegistry, TestRegistry];
  mirror.fail(faults.corrupt({ at: 5 }));
  const { repository, events } = mirrored({ mirrors: [mirror.host], origin: origin.host });
  await expect(bytesOf(repository.fetchBlob(layer))).rejects.toMatchObject({
    code: "DIGEST_MISMATCH",
    message: expect.stringContaining(`, from ${mirror.host}`),
    details: { expected: layer.digest },
  });
  expect(events).toMatchObject([{ code: "DIGEST_MISMATCH" }]);
  mirror.reset();
  expect(await bytesOf(repository.fetchBlob(layer))).toEqual(layer.bytes);
  expect(lines(mirror)).toEqual([]);
});

test("a blob pieced together is verified as a whole", async () => {
  const [origin] = (await start(undefined)) as [TestRegistry];
  const other = aBlob({ size: layer.size, seed: "another" });
  const liar = await startLiar(other.bytes, 100_000);
  const { repository } = mirrored({ mirrors: [liar], origin: origin.host });
  await expect(bytesOf(repository.fetchBlob(layer))).rejects.toMatchObject({
    code: "DIGEST_MISMATCH",
    message: expect.stringContaining(`, from ${liar} and ${origin.host}/app`),
  });
  expect(await bytesOf(repository.fetchBlob(layer))).toEqual(layer.bytes);
});

test("a lane moves on to the next source when a blob is asked for again", async () => {
  const [liar, mirror, origin] = (await start(undefined, undefined, undefined)) as [
    TestRegistry,
    TestRegistry,
    TestRegistry,
  ];
  liar.fail(faults.corrupt({ at: 5 }));
  const mirrors = [liar.host, mirror.host];
  const { repository, clock } = mirrored({ mirrors, origin: origin.host });
  const read = async () => {
    const chunks: Uint8Array[] = [];
    const keep = (chunk: Uint8Array) => void chunks.push(new Uint8Array(chunk));
    await repository.lane.read(layer, 0, keep, new AbortController().signal);
    return digestOf(Buffer.concat(chunks));
  };
  const got: Digest[] = [];
  for (let n = 0; n < 4; n += 1) got.push(await read());
  expect(got[0]).not.toBe(layer.digest);
  expect(got.slice(1)).toEqual([layer.digest, layer.digest, layer.digest]);
  expect([liar, mirror, origin].map((server) => server.requests().length)).toEqual([1, 1, 2]);
  clock.nowMs += 61_000; // long after: whoever asks now asks for another reason
  await read();
  expect(liar.requests()).toHaveLength(2);
});

test("a lane that is cut goes on at the same mirror, and at the next when that one is gone", async () => {
  const [mirror, origin] = (await start(undefined, undefined)) as [TestRegistry, TestRegistry];
  mirror.failOnce(faults.cutAfter(1000));
  const { repository } = mirrored({ mirrors: [mirror.host], origin: origin.host });
  const chunks: Uint8Array[] = [];
  const { signal } = new AbortController();
  const read = () => {
    const offset = Buffer.concat(chunks).byteLength;
    return repository.lane.read(layer, offset, (chunk) => void chunks.push(new Uint8Array(chunk)), signal);
  };
  await expectCode(read(), "NETWORK");
  expect(Buffer.concat(chunks).byteLength).toBe(1000);
  mirror.failOnce(faults.cutAfter(2000));
  await expectCode(read(), "NETWORK");
  expect(lines(origin)).toEqual([]);
  mirror.fail(faults.status(403));
  await read();
  expect(mirror.requests().map(({ range }) => range)).toEqual([
    undefined,
    `bytes=1000-${layer.size - 1}`,
    `bytes=3000-${layer.size - 1}`,
  ]);
  expect(origin.requests().map(({ range }) => range)).toEqual([`bytes=3000-${layer.size - 1}`]);
  expect(digestOf(Buffer.concat(chunks))).toBe(layer.digest);
});

test.for(["at once", "later"])("what a lane's sink throws %s is the caller's own", async (when) => {
  const [mirror, origin] = (await start(undefined, undefined)) as [TestRegistry, TestRegistry];
  const { repository, events } = mirrored({ mirrors: [mirror.host], origin: origin.host });
  const full = new Error("disk full");
  const sink = () => {
    if (when === "later") return Promise.reject(full);
    throw full;
  };
  await expect(repository.lane.read(layer, 0, sink, new AbortController().signal)).rejects.toBe(full);
  expect(events).toEqual([]);
  expect(lines(origin)).toEqual([]);
});

test("a mirror that is gone is left alone for half a minute, then tried by one caller", async () => {
  const [origin] = (await start(undefined)) as [TestRegistry];
  const gone = await nowhere();
  const { repository, opened, clock, events } = mirrored({ mirrors: [gone], origin: origin.host });
  await repository.manifest(digest);
  await repository.manifest(digest);
  await bytesOf(repository.fetchBlob(layer));
  expect(opened).toHaveLength(1);
  clock.nowMs += 29_999;
  await repository.manifest(digest);
  expect(opened).toHaveLength(1);
  clock.nowMs += 1;
  await Promise.all(Array.from({ length: 5 }, () => repository.manifest(digest)));
  expect(opened).toHaveLength(2);
  expect(events).toMatchObject([{ code: "NETWORK" }]);
});

test("a mirror that stumbles is given three chances, and all of them again when it is back", async () => {
  const [mirror, origin] = (await start(undefined, undefined)) as [TestRegistry, TestRegistry];
  mirror.fail(faults.status(503), { match: everything, times: 3 });
  const { repository, clock } = mirrored({ mirrors: [mirror.host], origin: origin.host });
  for (let n = 0; n < 5; n += 1) await repository.manifest(digest);
  expect(lines(mirror)).toHaveLength(3);
  clock.nowMs += 30_000;
  origin.reset();
  for (let n = 0; n < 5; n += 1) await repository.manifest(digest);
  expect(lines(mirror)).toHaveLength(8);
  expect(lines(origin)).toEqual([]);
});

test.for<[string, (repository: RemoteRegistryRepository, blob: Blob) => Promise<unknown>]>([
  ["blobs", (repository, blob) => bytesOf(repository.fetchBlob(blob))],
  ["a lane", (repository, blob) => repository.lane.read(blob, 0, () => {}, new AbortController().signal)],
  ["manifests", (repository, { digest }) => repository.manifest(digest)],
])("a mirror that hangs is found out by the first of many calls for %s", async ([kind, read]) => {
  const images = Array.from({ length: 12 }, (_, n) => anImage({ layers: [aBlob({ size: 100, seed: n })] }));
  const [mirror, origin] = (await start(images, images)) as [TestRegistry, TestRegistry];
  mirror.fail(faults.slow({ delayMs: 600_000 }), { match: everything });
  await using registry = createRegistry(origin.host, {
    mirrors: [mirror.host],
    limits: { meta: 2, down: 2 },
    idleTimeoutMs: 200,
  });
  const repository = registry.repository("app");
  const things = images.flatMap(({ manifest, layers }): readonly Blob[] =>
    kind === "manifests" ? [manifest.descriptor] : layers,
  );
  await Promise.all(things.map((thing) => read(repository, thing)));
  expect(things).toHaveLength(12);
  // those in the first places, and at most who took them over before it was known
  expect(mirror.requests().length).toBeLessThanOrEqual(4);
});

test("a mirror that asks for rest gets it", async () => {
  const [mirror, origin] = (await start(undefined, undefined)) as [TestRegistry, TestRegistry];
  mirror.fail(faults.status(429, { headers: { "retry-after": "100" } }), { match: everything, times: 1 });
  const { repository, clock } = mirrored({ mirrors: [mirror.host], origin: origin.host });
  await repository.manifest(digest);
  clock.nowMs += 99_000;
  await repository.manifest(digest);
  expect(lines(mirror)).toHaveLength(1);
  clock.nowMs += 1000;
  await repository.manifest(digest);
  expect(lines(mirror)).toHaveLength(2);
});

test("mirrors are closed with what opened them; the registry goes on", async () => {
  const [mirror, origin] = (await start(undefined, undefined)) as [TestRegistry, TestRegistry];
  const { repository, mirrors } = mirrored({ mirrors: [mirror.host], origin: origin.host });
  await mirrors[Symbol.asyncDispose]();
  expect((await repository.manifest(digest)).descriptor.digest).toBe(digest);
  expect(lines(mirror)).toEqual([]);
});

test("a path that cannot be one at the mirror is the mirror's failure", async () => {
  const [mirror, origin] = (await start(undefined, undefined)) as [TestRegistry, TestRegistry];
  const { repository } = mirrored({ mirrors: [mirror.host], origin: `${origin.host}/app`, path: "" });
  expect((await repository.manifest(digest)).descriptor.digest).toBe(digest);
});
