import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname } from "node:path";
import {
  type BlobLane,
  createRegistry,
  type Digest,
  MemoryRegistry,
  RegistryError,
  type RepositoryReader,
} from "@tranship/registry";
import { aBlob, type BuiltBlob, type Fault, faults, startTestRegistry } from "@tranship/registry/testing";
import { expect, test } from "vitest";
import { tempFolder } from "../../../../../tests/support/temp-folder.ts";
import type { RootfsEvent } from "../events.ts";
import type { PullProgress } from "../progress/pull-progress.ts";
import { type FetchLayersOptions, fetchLayers, type LayeredImage } from "./fetch-layers.ts";
import type { LayerFile } from "./layer-file.ts";

function imageOf(repository: RepositoryReader, blobs: readonly BuiltBlob[]): LayeredImage {
  return {
    reference: "demo/app:v1",
    repository,
    layers: blobs.map((descriptor, layer) => ({ layer, descriptor, diffId: descriptor.digest })),
  };
}

function blobs(count: number, size = 1000): readonly BuiltBlob[] {
  return Array.from({ length: count }, (_, seed) => aBlob({ seed, size }));
}

function bytesOf({ pieces }: LayerFile): Buffer {
  return Buffer.concat(pieces.map(({ path, offset, length }) => readFileSync(path).subarray(offset, offset + length)));
}

/** Blobs that come when the test lets them, and a record of when they were asked for. */
class GatedSource {
  readonly asked: Digest[] = [];
  readonly repository: RepositoryReader & { readonly lane: BlobLane };
  readonly #gates = new Map<Digest, PromiseWithResolvers<void>>();
  #changed: PromiseWithResolvers<void> = Promise.withResolvers();

  constructor(all: readonly BuiltBlob[]) {
    const lane: BlobLane = {
      read: async ({ digest }, offset, sink, signal) => {
        this.asked.push(digest);
        this.#changed.resolve();
        const gate = Promise.withResolvers<void>();
        this.#gates.set(digest, gate);
        signal.addEventListener("abort", () => gate.reject(signal.reason), { once: true });
        await gate.promise;
        const blob = all.find((one) => one.digest === digest);
        if (blob) await sink(blob.bytes.subarray(offset));
      },
    };
    this.repository = Object.assign(new MemoryRegistry().repository("demo/app"), { lane });
  }

  async untilAsked(count: number): Promise<void> {
    while (this.asked.length < count) {
      this.#changed = Promise.withResolvers();
      await this.#changed.promise;
    }
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve(); // whatever else would be asked for now is
  }

  open(blob: BuiltBlob | undefined): void {
    if (blob) this.#gates.get(blob.digest)?.resolve();
  }
}

async function fetchAll(image: LayeredImage, options: Partial<FetchLayersOptions> = {}): Promise<Map<number, Buffer>> {
  const found = new Map<number, Buffer>();
  await using fetch = fetchLayers(image, { directory: tempFolder(), jobs: 3, delayMs: 1, ...options });
  for await (const file of fetch) found.set(file.layer, bytesOf(file));
  return found;
}

test("every layer comes whole into a file of this user's alone, which goes at the end", async () => {
  await using registry = await startTestRegistry();
  const all = blobs(5);
  registry.seed("demo/app", ...all);
  await using remote = createRegistry(registry.host);
  const directory = tempFolder();
  {
    await using fetch = fetchLayers(imageOf(remote.repository("demo/app"), all), { directory, jobs: 2 });
    const layers: number[] = [];
    for await (const file of fetch) {
      layers.push(file.layer);
      expect(bytesOf(file)).toEqual(Buffer.from(all[file.layer]?.bytes ?? []));
      const path = file.pieces[0]?.path ?? "";
      expect(statSync(path).mode & 0o777).toBe(0o600);
      expect(statSync(dirname(path)).mode & 0o777).toBe(0o700);
      expect(dirname(dirname(path))).toBe(directory);
    }
    expect(layers.sort()).toEqual([0, 1, 2, 3, 4]);
  }
  expect(readdirSync(directory)).toEqual([]);
});

test("layers begin in their order, exactly two at a time, and are given as they get ready", async () => {
  const all = blobs(4);
  const source = new GatedSource(all);
  const digests = all.map(({ digest }) => digest);
  await using fetch = fetchLayers(imageOf(source.repository, all), { directory: tempFolder(), jobs: 2 });
  const given = fetch[Symbol.asyncIterator]();
  const first = given.next();
  await source.untilAsked(2);
  expect(source.asked).toEqual(digests.slice(0, 2));
  source.open(all[1]);
  expect((await first).value).toMatchObject({ layer: 1 });
  await source.untilAsked(3);
  expect(source.asked).toEqual(digests.slice(0, 3));
  source.open(all[2]);
  expect((await given.next()).value).toMatchObject({ layer: 2 });
  await source.untilAsked(4);
  source.open(all[3]);
  source.open(all[0]);
  const rest = [await given.next(), await given.next()].map(({ value }) => (value as LayerFile).layer);
  expect(rest.sort()).toEqual([0, 3]);
  expect((await given.next()).done).toBe(true);
});

test("no more bytes than allowed come before they are asked for, and a layer over that comes alone", async () => {
  const all = [...blobs(3, 600), aBlob({ seed: "large", size: 5000 })];
  const source = new GatedSource(all);
  const options = { directory: tempFolder(), jobs: 8, lookAheadBytes: 1300 };
  await using fetch = fetchLayers(imageOf(source.repository, all), options);
  const given = fetch[Symbol.asyncIterator]();
  const first = given.next();
  await source.untilAsked(2);
  expect(source.asked).toHaveLength(2);
  source.open(all[0]);
  await first;
  await source.untilAsked(3);
  expect(source.asked).toHaveLength(3);
  source.open(all[1]);
  source.open(all[2]);
  await given.next();
  expect(source.asked).toHaveLength(3);
  await given.next();
  await source.untilAsked(4);
  source.open(all[3]);
  expect((await given.next()).value).toMatchObject({ layer: 3 });
});

test("a layer that is there twice makes room for others once", async () => {
  const [a, b, c, d] = blobs(4, 600);
  const all = [a, a, b, c, d].filter((blob) => blob !== undefined);
  const source = new GatedSource(all);
  const options = { directory: tempFolder(), jobs: 8, lookAheadBytes: 1300 };
  await using fetch = fetchLayers(imageOf(source.repository, all), options);
  const given = fetch[Symbol.asyncIterator]();
  const first = given.next();
  await source.untilAsked(2);
  source.open(a);
  expect((await first).value).toMatchObject({ layer: 0 });
  expect((await given.next()).value).toMatchObject({ layer: 1 });
  await source.untilAsked(3);
  expect(source.asked).toHaveLength(3); // b and c are on their way, and d would be too much
  for (const blob of [b, c]) source.open(blob);
  await given.next();
  await source.untilAsked(4);
  source.open(d);
  await given.next();
  expect((await given.next()).value).toMatchObject({ layer: 4 });
});

test("a digest that several layers have is fetched once, and one without bytes not at all", async () => {
  await using registry = await startTestRegistry();
  const blob = aBlob();
  const empty = aBlob({ content: "" });
  registry.seed("demo/app", blob);
  await using remote = createRegistry(registry.host);
  const events: RootfsEvent[] = [];
  const image = imageOf(remote.repository("demo/app"), [blob, empty, blob, empty]);
  const found = await fetchAll(image, { onEvent: (event) => events.push(event) });
  expect([...found.values()].map(({ length }) => length).sort()).toEqual([0, 0, 1024, 1024]);
  expect(registry.requests().filter(({ path }) => path.includes("/blobs/"))).toHaveLength(1);
  expect(events.filter(({ type }) => type === "layer.finished")).toHaveLength(4);
  expect(events.findLast(({ type }) => type === "stage.progress")).toMatchObject({ done: 1024, total: 1024 });
  expect([events[0]?.type, events.at(-1)?.type]).toEqual(["stage.started", "stage.finished"]);
});

test("a layer's file goes when all layers with its bytes are released", async () => {
  const blob = aBlob();
  const registry = new MemoryRegistry();
  await registry.repository("demo/app").pushBlob(blob, async function* () {
    yield blob.bytes;
  });
  const image = imageOf(registry.repository("demo/app"), [blob, blob]);
  await using fetch = fetchLayers(image, { directory: tempFolder(), jobs: 1 });
  let path = "";
  for await (const file of fetch) path = file.pieces[0]?.path ?? "";
  await fetch.release(0);
  await fetch.release(0);
  expect(existsSync(path)).toBe(true);
  await fetch.release(1);
  expect(existsSync(path)).toBe(false);
});

test("a body that breaks off goes on where it broke", async () => {
  await using registry = await startTestRegistry();
  const blob = aBlob({ size: 100_000 });
  registry.seed("demo/app", blob);
  registry.failOnce(faults.cutAfter(60_000));
  await using remote = createRegistry(registry.host);
  const told: PullProgress[] = [];
  const image = imageOf(remote.repository("demo/app"), [blob]);
  const found = await fetchAll(image, { onPullProgress: (progress) => told.push(progress) });
  expect(found.get(0)?.equals(blob.bytes)).toBe(true);
  expect(registry.bytesSent()).toBeLessThan(150_000);
  expect(told[0]).toMatchObject({ totalBytes: 100_000, downloadedBytes: 0, totalLayers: 1, percent: 0, speedBps: 0 });
  expect(told.at(-1)).toMatchObject({ downloadedBytes: 100_000, completedLayers: 1, percent: 100 });
});

const wrongDigest = { code: "LAYER_MISMATCH", details: { layer: 1, isDiffId: false } };
const wrongSize = { code: "SOURCE_FAILED", details: { layer: 1, code: "SIZE_MISMATCH", failure: "corrupt" } };
test.for<{ name: string; fault: Fault; expected: object }>([
  { name: "has other bytes", fault: faults.corrupt({ at: 500 }), expected: wrongDigest },
  { name: "ends early", fault: faults.truncate(700), expected: wrongSize },
  { name: "is gone", fault: faults.status(404), expected: { code: "SOURCE_FAILED", details: { failure: "missing" } } },
])("a layer that $name is not given: the error names it, and nothing stays", async ({ fault, expected }) => {
  await using registry = await startTestRegistry();
  const all = blobs(2);
  registry.seed("demo/app", ...all);
  registry.fail(fault, { match: ({ path }) => path.endsWith(all[1]?.digest ?? "") });
  await using remote = createRegistry(registry.host);
  const directory = tempFolder();
  const failed = fetchAll(imageOf(remote.repository("demo/app"), all), { directory, attempts: 2 });
  await expect(failed).rejects.toMatchObject(expected);
  await expect(failed).rejects.toThrow("cannot read layer 1 of demo/app:v1 at its source");
  expect(readdirSync(directory)).toEqual([]);
});

test("an answer longer than the layer is refused", async () => {
  const blob = aBlob();
  const lane: BlobLane = {
    read: async (_, offset, sink) => sink(Buffer.concat([blob.bytes, blob.bytes]).subarray(offset)),
  };
  const repository = Object.assign(new MemoryRegistry().repository("demo/app"), { lane });
  const failed = fetchAll(imageOf(repository, [blob]), { attempts: 2 });
  await expect(failed).rejects.toMatchObject({ code: "SOURCE_FAILED", details: { code: "SIZE_MISMATCH" } });
});

test("a digest that is said to have two sizes is refused before anything is fetched", async () => {
  const [blob = aBlob()] = blobs(1);
  const source = new GatedSource([blob]);
  const failed = fetchAll(imageOf(source.repository, [blob, { ...blob, size: 999 }]));
  await expect(failed).rejects.toMatchObject({ code: "IMAGE_INVALID" });
  expect(source.asked).toEqual([]);
});

test("an abort ends what is under way with its reason, and nothing stays", async () => {
  const all = blobs(3);
  const source = new GatedSource(all);
  const directory = tempFolder();
  const abort = new AbortController();
  const options = { directory, jobs: 2, signal: abort.signal };
  const failed = fetchAll(imageOf(source.repository, all), options);
  await source.untilAsked(2);
  const reason = new Error("enough");
  abort.abort(reason);
  await expect(failed).rejects.toBe(reason);
  expect(readdirSync(directory)).toEqual([]);
});

test("leaving the loop ends what is under way", async () => {
  const all = blobs(2);
  const source = new GatedSource(all);
  const directory = tempFolder();
  {
    await using fetch = fetchLayers(imageOf(source.repository, all), { directory, jobs: 2 });
    void source.untilAsked(2).then(() => source.open(all[0]));
    for await (const { layer } of fetch) {
      expect(layer).toBe(0);
      break;
    }
  }
  expect(readdirSync(directory)).toEqual([]);
});

test("layers that lie in files already are given as they lie there", async () => {
  const [blob = aBlob()] = blobs(1);
  const pieces = [{ path: "/bundle/app.tar", offset: 512, length: 1000 }];
  const source = new GatedSource([]);
  const directory = tempFolder();
  const image = imageOf(Object.assign(source.repository, { filePieces: async () => pieces }), [blob]);
  await using fetch = fetchLayers(image, { directory, jobs: 1 });
  for await (const file of fetch) expect(file.pieces).toEqual(pieces);
  expect(readdirSync(directory)).toEqual([]);
  expect(source.asked).toEqual([]);
});

test("layers whose files cannot be told are told as the source's failure", async () => {
  const [blob = aBlob()] = blobs(1);
  const filePieces = async () => {
    throw new RegistryError("SIZE_MISMATCH", "it has 3 bytes", { reference: "app", expected: blob.size, actual: 3 });
  };
  const image = imageOf(Object.assign(new GatedSource([]).repository, { filePieces }), [blob]);
  await using fetch = fetchLayers(image, { directory: tempFolder(), jobs: 1 });
  await expect(Array.fromAsync(fetch)).rejects.toMatchObject({
    code: "SOURCE_FAILED",
    details: { layer: 0, code: "SIZE_MISMATCH", failure: "corrupt" },
  });
});
