import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import {
  Annotation,
  createRegistry,
  type Descriptor,
  type Digest,
  digestHex,
  digestOf,
  MediaType,
  type Platform,
} from "@tranship/registry";
import {
  aBlob,
  anImage,
  anIndex,
  type BuiltImage,
  type BuiltIndex,
  faults,
  partsOf,
  type Seedable,
  startTestRegistry,
  type TestRegistry,
} from "@tranship/registry/testing";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { encodeIndexFile, parseIndexFile } from "../../layout/index-file.ts";
import type { DepsAccess } from "../access.ts";
import { DepsCache } from "../cache/deps-cache.ts";
import type { DepsEvent } from "../events.ts";
import { HostSlots } from "../jobs/host-slots.ts";
import type { DepsItem, DepsSink, DepsSource } from "../manifest.ts";
import { parseComponentsManifest } from "../podplane/components-manifest.ts";
import { allowHosts } from "../trust/host-policy.ts";
import { imageJob } from "./image-job.ts";
import { keepingTag } from "./layout-names.ts";
import { populateComponentsZotStore } from "./populate-components.ts";

const amd64: Platform = { os: "linux", architecture: "amd64" };
const amd64v3: Platform = { ...amd64, variant: "v3" };
const arm64: Platform = { os: "linux", architecture: "arm64" };
const arm64v8: Platform = { ...arm64, variant: "v8" };

let registry: TestRegistry;
let cache: DepsCache;
let folder: string;
let access: DepsAccess;
let close: () => Promise<void>;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "tranship-images-"));
  registry = await startTestRegistry();
  cache = await DepsCache.open(folder);
  const remote = createRegistry(registry.host, { retryDelayMs: 1 });
  close = () => remote.close();
  access = {
    files: { fetch: () => Promise.reject(new Error("no files here")) },
    registry: () => remote,
  };
});

afterEach(async () => {
  await cache[Symbol.asyncDispose]();
  await close();
  await registry[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const root = () => join(folder, "registry");
const layout = (repository = "app") => join(root(), repository);

interface Wanted {
  readonly digest?: Digest | undefined;
  readonly index?: Digest | undefined;
  readonly platform?: Platform | undefined;
  readonly tags?: readonly string[];
  readonly repository?: string;
  readonly sink?: DepsSink;
  readonly source?: Partial<DepsSource>;
}

function anItem({ digest, index, platform, tags = ["v1"], repository = "app", sink, source }: Wanted): DepsItem {
  return {
    id: `image/${repository}:${tags.join()}@${digest}`,
    version: "1",
    source: {
      ...{ type: "image", registry: registry.host, repository: "org/app", index, platform },
      ...source,
    } as DepsSource,
    digest,
    selectors: {},
    sink: sink ?? { type: "repository-layout", root: root(), repository, tags },
    labels: {},
  };
}

function contextOf({ signal = new AbortController().signal, isDeep = false, concurrency = 4 } = {}) {
  const told = { started: 0, bytes: 0, total: undefined as number | undefined };
  const progress = {
    started: () => {
      told.started += 1;
    },
    add: (bytes: number) => {
      told.bytes += bytes;
    },
    total: (bytes: number) => {
      told.total = bytes;
    },
  };
  const slots = new HostSlots({ total: concurrency });
  return { contents: cache.contents, staging: cache.staging, access, slots, progress, signal, isDeep, told };
}

const probe = (item: DepsItem, isDeep = false) => imageJob.probe(item, contextOf({ isDeep }));
const bring = (item: DepsItem) => imageJob.bring(item, contextOf());
const entriesOf = (repository?: string) => parseIndexFile(readFileSync(join(layout(repository), "index.json")));
const refOf = ({ annotations }: Descriptor) => annotations?.[Annotation.refName];
const tagged = (tag: string, repository?: string) => entriesOf(repository).filter((entry) => refOf(entry) === tag);
const blobPath = (digest: Digest, repository?: string) =>
  join(layout(repository), "blobs", "sha256", digestHex(digest));
const digest = ({ manifest }: BuiltImage | BuiltIndex) => manifest.descriptor.digest;
const listed = (digestOfEntry: Digest, tag = "v1") =>
  (JSON.parse(readFileSync(blobPath(digestOfEntry), "utf8")) as { manifests: Descriptor[] }).manifests.map(
    ({ platform, digest: child }) => [tag, platform?.architecture, platform?.variant, child],
  );

/** A layout as another tool has left it: these blobs, these entries. */
function left(things: readonly Seedable[], entries: readonly Descriptor[], repository = "app"): void {
  const blobs = join(layout(repository), "blobs", "sha256");
  mkdirSync(blobs, { recursive: true });
  for (const thing of things) {
    const { blobs: parts, manifests } = partsOf(thing);
    for (const { bytes, digest: one } of parts) writeFileSync(join(blobs, digestHex(one)), bytes);
    for (const { manifest } of manifests)
      writeFileSync(join(blobs, digestHex(manifest.descriptor.digest)), manifest.bytes);
  }
  writeFileSync(join(layout(repository), "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
  writeFileSync(join(layout(repository), "index.json"), encodeIndexFile(entries));
}

const entry = ({ manifest }: BuiltImage | BuiltIndex, tag?: string, platform?: Platform): Descriptor => ({
  ...manifest.descriptor,
  ...(platform === undefined ? {} : { platform }),
  ...(tag === undefined ? {} : { annotations: { [Annotation.refName]: tag } }),
});

/** An index with its bytes alone, as a pinned one is kept. */
const alone = (index: BuiltIndex): BuiltIndex => ({ ...index, images: [] });

describe("what counts as present", () => {
  const image = anImage({ seed: "a" });
  const other = anImage({ seed: "b" });

  test("a tag that names the manifest itself, and no other tag", async () => {
    left([image], [entry(image, "v1")]);
    expect(await probe(anItem({ digest: digest(image), platform: amd64 }))).toBe("present");
    expect(await probe(anItem({ digest: digest(image), platform: amd64, tags: ["v2"] }))).toBe("absent");
    expect(await probe(anItem({ digest: digest(other), platform: amd64 }))).toBe("differs");
  });

  test("a tag listed twice only once it is listed once", async () => {
    registry.seed("org/app", image);
    for (const entries of [
      [entry(image, "v1"), entry(other, "v1")],
      [entry(other, "v1"), entry(image, "v1")],
    ]) {
      left([image, other], entries);
      const item = anItem({ digest: digest(image), platform: amd64 });
      expect(await probe(item)).toBe("differs");
      await bring(item);
      expect(tagged("v1")).toHaveLength(1);
      expect(await probe(item)).toBe("present");
      expect(entriesOf().some((one) => one.digest === digest(other))).toBe(true);
    }
    expect(registry.requests()).toEqual([]);
  });

  test("no layer of another size, or of other bytes of that size", async () => {
    left([image], [entry(image, "v1")]);
    const item = anItem({ digest: digest(image), platform: amd64 });
    const layer = blobPath(image.layers[0]?.digest ?? digest(image));
    const bytes = readFileSync(layer);
    expect(await probe(item)).toBe("present");
    truncateSync(layer, 10);
    expect(await probe(item)).toBe("differs");
    writeFileSync(
      layer,
      bytes.map((byte) => byte ^ 1),
    );
    expect(await probe(item)).toBe("differs");
    rmSync(layer);
    expect(await probe(item)).toBe("absent");
    writeFileSync(layer, bytes);
    expect(await probe(item, true)).toBe("present");
  });

  test("a pinned index only once its bytes are there", async () => {
    const index = anIndex({ images: [image], platforms: [amd64] });
    const local = anIndex({ images: [image], platforms: [amd64], annotations: { made: "here" } });
    left([image, alone(local)], [entry(image, undefined, amd64), entry(local, "v1")]);
    const item = anItem({ digest: digest(image), index: digest(index), platform: amd64 });
    expect(await probe(item)).toBe("absent");
    writeFileSync(blobPath(digest(index)), index.manifest.bytes);
    expect(await probe(item)).toBe("present");
  });

  test("an image only once it is listed beside the index of its tag", async () => {
    const index = anIndex({ images: [image], platforms: [amd64] });
    left([index], [entry(index, "v1")]);
    const item = anItem({ digest: digest(image), platform: amd64 });
    expect(await probe(item)).toBe("absent");
    left([index], [entry(index, "v1"), entry(image, undefined, amd64)]);
    expect(await probe(item)).toBe("present");
  });

  test("an image without tags that is listed", async () => {
    left([image], []);
    const item = anItem({ digest: digest(image), tags: [] });
    expect(await probe(item)).toBe("absent");
    left([image], [entry(image)]);
    expect(await probe(item)).toBe("present");
  });

  test.for([
    { name: "another image for its platform comes first", platforms: [arm64, arm64v8], presence: "differs" },
    { name: "another is for machines of another level", platforms: [amd64, amd64v3], presence: "present" },
  ] as const)("of an index: $name", async ({ platforms, presence }) => {
    const index = anIndex({ images: [other, image], platforms });
    left([index], [entry(index, "v1"), entry(image), entry(other)]);
    expect(await probe(anItem({ digest: digest(image), platform: platforms[1] }))).toBe(presence);
  });

  test("an index only with all that indexes in it lead to", async () => {
    const nested = anIndex({ images: [anIndex({ images: [image] }), other] });
    left([nested], [entry(nested, "v1")]);
    const item = anItem({ digest: digest(nested) });
    expect(await probe(item)).toBe("present");
    rmSync(blobPath(image.config.digest));
    expect(await probe(item)).toBe("absent");
  });
});

describe("bringing images", () => {
  test("brings two architectures under one tag into one index, and lists each image too", async () => {
    const images = [anImage({ seed: 1 }), anImage({ seed: 2, platform: arm64 })] as const;
    registry.seed("org/app", ...images);
    const items = [
      anItem({ digest: digest(images[0]), platform: amd64 }),
      anItem({ digest: digest(images[1]), platform: arm64 }),
    ];
    const brought = await Promise.all(items.map(bring));
    expect(brought.map((content) => content.digest)).toEqual(images.map(digest));
    const entries = entriesOf();
    expect(entries).toHaveLength(3);
    expect(entries.filter((one) => refOf(one) === undefined).map(({ platform }) => platform)).toEqual(
      expect.arrayContaining([amd64, arm64]),
    );
    const [index] = tagged("v1");
    expect(listed(index?.digest ?? digest(images[0]))).toEqual([
      ["v1", "amd64", undefined, digest(images[0])],
      ["v1", "arm64", undefined, digest(images[1])],
    ]);
    const blobs = [...new Set(images.flatMap((image) => [digest(image), ...image.blobs.map((blob) => blob.digest)]))];
    expect(readdirSync(dirname(blobPath(digest(images[0])))).sort()).toEqual(
      [...blobs, index?.digest ?? blobs[0]].map((one) => digestHex(one as Digest)).sort(), // no index of before, no temporary file
    );
    registry.reset();
    expect(await Promise.all(items.map((item) => probe(item)))).toEqual(["present", "present"]);
    await Promise.all(items.map(bring));
    expect(registry.requests()).toEqual([]);
    expect(entriesOf()).toEqual(entries);
  });

  test("replaces the image of a platform under its tag, also when it names a variant then", async () => {
    const images = [anImage({ seed: "old", platform: arm64 }), anImage({ seed: "new", platform: arm64v8 })] as const;
    registry.seed("org/app", ...images);
    await bring(anItem({ digest: digest(images[0]), platform: arm64 }));
    const newer = anItem({ digest: digest(images[1]), platform: arm64v8 });
    expect(await probe(newer)).toBe("differs");
    await bring(newer);
    expect(await probe(newer)).toBe("present");
    const [index] = tagged("v1");
    expect(listed(index?.digest ?? digest(images[0]))).toEqual([["v1", "arm64", "v8", digest(images[1])]]);
  });

  test("keeps images for no platform from heaping up under a tag that moves", async () => {
    const images = ["a", "b", "c"].map((seed) => anImage({ seed }));
    registry.seed("org/app", ...images);
    for (const image of images) await bring(anItem({ digest: digest(image) }));
    expect(tagged("v1").map((one) => one.digest)).toEqual([images[2] && digest(images[2])]);
    const other = anImage({ seed: "arm", platform: arm64 });
    registry.seed("org/app", other, anImage({ seed: "d" }));
    await bring(anItem({ digest: digest(other) })); // for another platform, as its config says
    await bring(anItem({ digest: digest(anImage({ seed: "d" })) }));
    const [index] = tagged("v1");
    expect(listed(index?.digest ?? digest(other)).map(([, , , child]) => child)).toEqual([
      digest(anImage({ seed: "d" })),
      digest(other),
    ]);
  });

  test("names an index by its tag as it is upstream, and leaves out what was not asked for", async () => {
    const images = [anImage({ seed: 1 }), anImage({ seed: 2, platform: arm64 })] as const;
    const index = anIndex({ images, platforms: [amd64, arm64], tag: "v1" });
    registry.seed("org/app", index);
    const item = anItem({ digest: digest(images[1]), index: digest(index), platform: arm64 });
    await bring(item);
    expect(tagged("v1").map((one) => one.digest)).toEqual([digest(index)]);
    expect(readFileSync(blobPath(digest(index)))).toEqual(Buffer.from(index.manifest.bytes));
    expect(
      entriesOf()
        .map((one) => one.digest)
        .sort(),
    ).toEqual([digest(index), digest(images[1])].sort());
    expect(registry.requests().some(({ path }) => path.includes(digest(images[0])))).toBe(false);
    expect(await probe(item)).toBe("present");
    const other = anItem({ digest: digest(images[0]), platform: amd64 }); // of nobody who says which index
    await bring(other);
    expect(tagged("v1").map((one) => one.digest)).toEqual([digest(index)]);
    expect(entriesOf()).toHaveLength(3);
    expect(await Promise.all([probe(item), probe(other)])).toEqual(["present", "present"]);
  });

  test("brings an index whole, but for what its registry does not have", async () => {
    const images = [anImage({ seed: 1 }), anImage({ seed: 2 })] as const;
    const nested = anIndex({ images: [anIndex({ images: [images[0]] }), images[1]], platforms: [undefined, arm64] });
    registry.seed("org/app", images[0], anIndex({ images: [images[0]] }), alone(nested));
    const item = anItem({ digest: digest(nested) });
    const context = contextOf();
    const { sizeBytes } = await imageJob.bring(item, context);
    expect(context.told).toEqual({ started: expect.any(Number), bytes: sizeBytes, total: sizeBytes });
    expect(tagged("v1").map((one) => one.digest)).toEqual([digest(nested)]);
    expect(entriesOf()).toHaveLength(3);
    expect(await probe(item)).toBe("present");
    expect(await imageJob.content(item, context)).toEqual({ digest: digest(nested), sizeBytes });
  });

  test("takes no index of which its registry has nothing, and asks for no end of indexes", async () => {
    const empty = anIndex({ images: [anImage({ seed: 1 }), anImage({ seed: 2 })] });
    registry.seed("org/app", alone(empty));
    await expect(bring(anItem({ digest: digest(empty) }))).rejects.toMatchObject({ code: "NOT_FOUND" });
    let nested: BuiltImage | BuiltIndex = anImage();
    for (let depth = 0; depth < 30; depth += 1) {
      nested = anIndex({ images: [nested] });
      registry.seed("org/app", nested);
    }
    const before = registry.requests().length;
    await expect(bring(anItem({ digest: digest(nested) }))).rejects.toMatchObject({ code: "TRANSFER_FAILED" });
    expect(registry.requests().length - before).toBeLessThan(15);
  });

  test.for([
    { what: "size", wrong: (entry: Descriptor) => ({ ...entry, size: entry.size + 1 }) },
    { what: "type", wrong: (entry: Descriptor) => ({ ...entry, mediaType: `${entry.mediaType}x` }) },
  ])("puts a wrong $what right in a list", async ({ wrong }) => {
    const image = anImage({ seed: 1 });
    registry.seed("org/app", image);
    const item = anItem({ digest: digest(image), platform: amd64 });
    await bring(item);
    const before = entriesOf();
    expect(before).toHaveLength(2);
    for (const harmed of before) {
      const entries = before.map((entry) => (entry === harmed ? wrong(entry) : entry));
      writeFileSync(join(layout(), "index.json"), encodeIndexFile(entries));
      expect(await probe(item)).toBe("differs");
      await bring(item);
      expect(entriesOf()).toEqual(before);
    }
  });

  test("keeps what nobody names, under a name of its own", async () => {
    const image = anImage({ seed: "pinned" });
    const index = anIndex({ images: [image], platforms: [amd64] });
    registry.seed("org/app", index);
    const item = anItem({ digest: digest(image), index: digest(index), platform: amd64, tags: [] });
    await bring(item);
    expect(await probe(item)).toBe("present");
    expect(tagged(keepingTag(digest(index))).map((one) => one.digest)).toEqual([digest(index)]);
    const single = anItem({ digest: digest(image), platform: amd64, tags: [], repository: "other" });
    await bring(single);
    expect(tagged(`keep-sha256-${digestHex(digest(image))}`, "other").map((one) => one.digest)).toEqual([
      digest(image),
    ]);
    expect(keepingTag(digestOf(new Uint8Array(), "sha512"))).toHaveLength(128);
  });

  test("keeps two tags of one image, and entries of others", async () => {
    const [image, foreign] = [anImage({ seed: 1 }), anImage({ seed: "foreign" })];
    registry.seed("org/app", image);
    left([foreign], [{ ...entry(foreign, "theirs"), annotations: { [Annotation.refName]: "theirs", more: "x" } }]);
    const item = anItem({ digest: digest(image), tags: ["v1", "latest"] });
    await bring(item);
    await bring(anItem({ digest: digest(image), tags: ["v2"] }));
    for (const tag of ["v1", "latest", "v2"]) expect(tagged(tag).map((one) => one.digest)).toEqual([digest(image)]);
    expect(tagged("theirs")[0]?.annotations).toEqual({ [Annotation.refName]: "theirs", more: "x" });
    expect(await probe(item)).toBe("present");
  });

  test("fetches a blob that several repositories need once, and names it in each", async () => {
    const layer = { ...aBlob({ seed: "shared", size: 5000 }), mediaType: MediaType.ociLayerGzip };
    const images = ["a", "b", "c"].map((seed) => anImage({ seed, layers: [layer] }));
    registry.seed("org/app", ...images);
    const items = images.map((image, at) => anItem({ digest: digest(image), platform: amd64, repository: `r${at}` }));
    await Promise.all(items.slice(0, 2).map(bring));
    await cache[Symbol.asyncDispose]();
    cache = await DepsCache.open(folder); // another process
    await bring(items[2] as DepsItem);
    expect(registry.requests().filter(({ path }) => path.includes(layer.digest))).toHaveLength(1);
    const inodes = ["r0", "r1", "r2"].map((repository) => statSync(blobPath(layer.digest, repository)).ino);
    expect(new Set(inodes).size).toBe(1);
    expect(await Promise.all(items.map((item) => probe(item, true)))).toEqual(["present", "present", "present"]);
  });

  test("goes on with a layer where it broke off, and fetches what is missing or wrong again", async () => {
    const image = anImage({ seed: "big", size: 200_000 });
    registry.seed("org/app", image);
    const item = anItem({ digest: digest(image), platform: amd64 });
    const isLayer = ({ path }: { readonly path: string }) => path.includes(image.layers[0]?.digest ?? "");
    const stop = new AbortController();
    registry.failOnce(faults.stall({ afterBytes: 150_000 }), isLayer);
    const running = contextOf({ signal: stop.signal });
    const add = running.progress.add;
    running.progress.add = (bytes) => {
      add(bytes);
      if (running.told.bytes > 100_000) stop.abort(new Error("enough"));
    };
    await expect(imageJob.bring(item, running)).rejects.toThrow("enough");
    expect(await probe(item)).toBe("absent");
    registry.reset();
    await bring(item);
    expect(registry.bytesSent()).toBeLessThan(120_000);
    rmSync(layout(), { recursive: true });
    registry.reset();
    registry.failOnce(faults.cutAfter(150_000), isLayer);
    await bring(item);
    expect(registry.bytesSent()).toBeLessThan(220_000);
    writeFileSync(blobPath(image.config.digest), "other");
    rmSync(blobPath(image.layers[0]?.digest ?? digest(image)));
    expect(await probe(item)).toBe("differs");
    await bring(item);
    expect(await probe(item, true)).toBe("present");
  });

  test.for([
    { name: "breaks off", tear: (text: string) => text.slice(0, text.length - 90) },
    { name: "is empty", tear: () => "" },
  ])("makes a list anew that $name", async ({ tear }) => {
    const images = [anImage({ seed: 1 }), anImage({ seed: 2, platform: arm64 }), anImage({ seed: 3 })] as const;
    registry.seed("org/app", ...images);
    const unnamed = anItem({ digest: digest(images[2]), platform: amd64, tags: [] });
    const items = [
      anItem({ digest: digest(images[0]), platform: amd64 }),
      anItem({ digest: digest(images[1]), platform: arm64 }),
    ] as const;
    for (const item of items) await bring(item);
    await bring(unnamed);
    const before = entriesOf();
    const path = join(layout(), "index.json");
    writeFileSync(path, tear(readFileSync(path, "utf8")));
    expect(await probe(items[0])).toBe("absent");
    registry.reset();
    await bring(items[0]);
    expect(registry.requests()).toEqual([]);
    expect(new Set(entriesOf().map((one) => JSON.stringify(one)))).toEqual(
      new Set(before.map((one) => JSON.stringify(one))),
    );
    expect(await probe(items[1])).toBe("present");
  });

  test("keeps a repository whose name has a port, and images in one layout for tools", async () => {
    const images = [anImage({ seed: 1 }), anImage({ seed: 2 })] as const;
    registry.seed("org/app", ...images);
    await bring(anItem({ digest: digest(images[0]), repository: "mirror/localhost:5000/e/app" }));
    expect(tagged("v1", "mirror/localhost:5000/e/app")).toHaveLength(1);
    await cache[Symbol.asyncDispose]();
    cache = await DepsCache.open(folder); // another process
    registry.reset();
    await bring(anItem({ digest: digest(images[0]), repository: "other" }));
    expect(registry.requests().filter(({ path }) => path.includes("/blobs/"))).toEqual([]);
    const path = join(folder, "one");
    const names = ["example.org/a:v1", "example.org/b:v1"];
    const items = images.map((image, at) =>
      anItem({ digest: digest(image), sink: { type: "layout", path, names: [names[at] ?? ""] } }),
    );
    await Promise.all(items.map(bring));
    const entries = parseIndexFile(readFileSync(join(path, "index.json")));
    expect(new Map(entries.map((one) => [refOf(one), one.digest]))).toEqual(
      new Map(names.map((name, at) => [name, digest(images[at] ?? images[0])])),
    );
    expect(await Promise.all(items.map((item) => probe(item)))).toEqual(["present", "present"]);
  });
});

describe("artifacts", () => {
  const chart = (seed: string, layers = 1) =>
    anImage({
      seed,
      tag: "1.0.0",
      layers: ["chart", "provenance"].slice(0, layers).map((name) => ({
        ...aBlob({ seed: `${name} ${seed}` }),
        mediaType: `application/vnd.cncf.helm.${name}.content.v1.tar+gzip`,
      })),
    });
  const layerMediaType = "application/vnd.cncf.helm.chart.content.v1.tar+gzip";

  test("follow their tag where no digest pins them, and are fetched when that has moved", async () => {
    registry.seed("org/app", chart("one"));
    const source = { type: "artifact", tag: "1.0.0", layerMediaType } as const;
    const item = anItem({ source, tags: ["1.0.0"] });
    expect(await probe(item)).toBe("absent");
    const first = await bring(item);
    const { layers } = chart("one");
    expect(first.layer).toEqual({ digest: layers[0]?.digest, path: blobPath(layers[0]?.digest as Digest) });
    expect(await probe(item)).toBe("unpinned");
    registry.reset();
    expect(await bring(item)).toEqual(first);
    expect(registry.requests().map(({ method }) => method)).toEqual(["HEAD"]);
    registry.seed("org/app", chart("two", 2));
    expect((await bring(item)).layer?.digest).toBe(chart("two").layers[0]?.digest);
    expect((await imageJob.content(item, contextOf())).digest).toBe(digest(chart("two", 2)));
  });

  test("without the layer that is meant are refused before they are kept", async () => {
    registry.seed("org/app", anImage({ seed: "x", layers: [aBlob({ seed: 1 }), aBlob({ seed: 2 })] }));
    const source = { type: "artifact", layerMediaType } as const;
    const item = anItem({
      source,
      digest: digest(anImage({ seed: "x", layers: [aBlob({ seed: 1 }), aBlob({ seed: 2 })] })),
    });
    await expect(bring(item)).rejects.toMatchObject({ code: "CHART_LAYER" });
    expect(await probe(item)).toBe("absent");
  });
});

describe("what goes wrong", () => {
  test.for([
    { name: "not there", status: 404, code: "NOT_FOUND", details: {} },
    { name: "not let in", status: 401, code: "HTTP_STATUS", details: { status: 401 } },
    { name: "forbidden", status: 403, code: "HTTP_STATUS", details: { status: 403 } },
    { name: "too many requests", status: 429, code: "HTTP_STATUS", details: { status: 429 } },
    { name: "out of order", status: 503, code: "HTTP_STATUS", details: { status: 503 } },
  ])("is told as it is: $name", async ({ status, code, details }) => {
    const image = anImage({ seed: "gone" });
    registry.seed("org/app", image);
    registry.fail(faults.status(status, { headers: { "retry-after": "0" } }));
    const item = anItem({ digest: digest(image) });
    const url = `${registry.host}/org/app@${digest(image)}`;
    await expect(bring(item)).rejects.toMatchObject({
      name: "DepsError",
      code,
      details: { url, ...details },
      message: expect.stringContaining(item.id),
    });
    expect(await probe(item)).toBe("absent");
  });

  test("bytes of a layer that are others than its digest says are not kept", async () => {
    const image = anImage({ seed: "bad" });
    registry.seed("org/app", image);
    const isLayer = ({ path }: { readonly path: string }) => path.includes(image.layers[0]?.digest ?? "");
    registry.fail(faults.corrupt(), { match: isLayer });
    await expect(bring(anItem({ digest: digest(image) }))).rejects.toMatchObject({ code: "DIGEST_MISMATCH" });
    expect(readdirSync(join(layout(), "blobs", "sha256"))).not.toContain(digestHex(image.layers[0]?.digest as Digest));
  });

  test("hosts, names and sinks that may not be", async () => {
    const image = anImage({ seed: "x" });
    const pinned = digest(image);
    access = { ...access, hosts: allowHosts(["example.org"]) };
    await expect(bring(anItem({ digest: pinned }))).rejects.toMatchObject({ code: "HOST_FORBIDDEN" });
    await expect(probe(anItem({ digest: pinned, repository: "../x" }))).rejects.toMatchObject({ code: "NAME_UNSAFE" });
    await expect(bring(anItem({ digest: pinned, repository: "../x" }))).rejects.toMatchObject({ code: "NAME_UNSAFE" });
    await expect(bring(anItem({ digest: pinned, tags: ["no tag"] }))).rejects.toMatchObject({
      code: "REFERENCE_INVALID",
    });
    const sink = { type: "file", path: "/x", links: [] } as const;
    await expect(bring(anItem({ digest: pinned, sink }))).rejects.toMatchObject({ code: "SINK_UNSUITABLE" });
    expect(registry.requests()).toEqual([]);
  });
});

test("brings an image to a registry, and nothing when it is there", async () => {
  await using target = await startTestRegistry();
  const remote = access.registry;
  const other = createRegistry(target.host);
  onTestFinished(() => other.close());
  access = { ...access, registry: (host) => (host === target.host ? other : remote(host)) };
  const images = [anImage({ seed: 1 }), anImage({ seed: 2 })] as const;
  const index = anIndex({ images, platforms: [amd64, arm64] });
  registry.seed("org/app", index);
  const sink = { type: "push", registry: target.host, repository: "to/app", tags: ["v1", "v2"] } as const;
  const item = anItem({ digest: digest(images[0]), sink });
  expect(await probe(item)).toBe("absent");
  const context = contextOf();
  const { sizeBytes } = await imageJob.bring(item, context);
  expect(context.told).toMatchObject({ bytes: sizeBytes, total: sizeBytes });
  const to = other.repository("to/app");
  for (const tag of ["v1", "v2"]) expect((await to.resolve(tag))?.digest).toBe(digest(images[0]));
  target.reset();
  await bring(item);
  expect(target.requests().map(({ method }) => method)).toEqual(["HEAD", "HEAD"]);
  const pinned = anItem({ digest: digest(images[0]), index: digest(index), sink: { ...sink, tags: ["whole"] } });
  await bring(pinned);
  expect((await to.resolve("whole"))?.digest).toBe(digest(index));
});

describe("all images of components", () => {
  const images = [anImage({ seed: 1 }), anImage({ seed: 2, platform: arm64 })] as const;

  function components(...rows: readonly object[]) {
    return parseComponentsManifest(JSON.stringify({ components: { version: "1", images: rows } }));
  }

  test("are brought whatever they are for, each once, and not again", async () => {
    registry.seed("org/app", ...images);
    const row = { components: ["app"], image: `${registry.host}/org/app:v1`, size: 2000 };
    const manifest = components(
      { ...row, digest: digest(images[0]), platform: "linux/amd64", providers: ["aws"], addon: true },
      { ...row, digest: digest(images[1]), platform: "linux/arm64/v8" },
      { ...row, digest: digest(images[0]), components: ["other"] },
    );
    const events: DepsEvent[] = [];
    const store = join(folder, "store");
    const onEvent = (event: DepsEvent) => events.push(event);
    expect(await populateComponentsZotStore(store, manifest, { access, onEvent })).toMatchObject({
      done: 2,
      cached: 0,
    });
    const repository = join(store, "mirror", registry.host, "org/app");
    expect(parseIndexFile(readFileSync(join(repository, "index.json")))).toHaveLength(3);
    expect(events.filter(({ type }) => type === "done")).toMatchObject([{ name: row.image }, { name: row.image }]);
    registry.reset();
    expect(await populateComponentsZotStore(store, manifest, { access })).toMatchObject({ done: 0, cached: 2 });
    expect(registry.requests()).toEqual([]);
  });

  test("are all checked before anything is asked for or made", async () => {
    const row = { image: `${registry.host}/org/app:v1`, digest: digest(images[0]) };
    const manifest = components({ ...row, size: 1 }, row);
    const store = join(folder, "store");
    await expect(populateComponentsZotStore(store, manifest, { access })).rejects.toMatchObject({
      code: "SIZE_MISSING",
    });
    expect(readdirSync(folder)).not.toContain("store");
    expect(registry.requests()).toEqual([]);
  });
});
