import { createHash } from "node:crypto";
import {
  createRegistry,
  type Descriptor,
  MediaType,
  manifestOf,
  parseDigest,
  type RemoteRegistry,
} from "@tranship/registry";
import { aLayer } from "@tranship/registry/testing";
import { keystream } from "../../support/keystream.ts";
import { gzipStored, storedGzipSize } from "./gzip-stored.ts";
import { pushPackages } from "./package-corpus.ts";

const mib = 1024 * 1024;

/** Images in a registry, to be fetched by everybody. */
export interface Corpus {
  readonly name: string;
  /** What it is, in words. */
  readonly title: string;
  readonly repositories: readonly string[];
  /** Full names without the host, such as `bench/a00:v0`, and the digests of their manifests. */
  readonly images: ReadonlyMap<string, string>;
  /** What there is by digest, manifests too: the repository it can be had from, and its size in bytes. */
  readonly blobs: ReadonlyMap<
    string,
    { readonly repository: string; readonly size: number; readonly isManifest: boolean }
  >;
  /** Of a corpus laid out as a catalog of packages: what they are called. */
  readonly packages?: readonly string[];
}

/** Names of {@link pushCorpus}. */
export type CorpusName = "A" | "B" | "C" | "D";

/** Whether there is a corpus of this name. */
export function isCorpusName(name: string): name is CorpusName {
  return ["A", "B", "C", "D"].includes(name);
}

interface Shape {
  readonly title: string;
  readonly repositories: number;
  readonly tags: number;
  /** The sizes of an image's layers, in bytes, and what makes a layer the same one as another. */
  layers(repository: number, tag: number): readonly { readonly seed: string; readonly size: number }[];
}

/** `scale` below 1 makes layers smaller, for trying things out. */
function shapeOf(name: Exclude<CorpusName, "D">, scale: number): Shape {
  const size = (seed: string) => {
    const part = createHash("sha256").update(seed).digest().readUInt32LE() / 2 ** 32;
    return Math.round((0.5 + 7.5 * part) * mib * scale);
  };
  switch (name) {
    case "A":
      return {
        title: "20 repositories of 5 tags, 4 layers each, half of them shared",
        repositories: 20,
        tags: 5,
        layers: (r, t) =>
          [`a${r}-0`, `a${r}-1`, `a${r}-${t}-2`, `a${r}-${t}-3`].map((seed) => ({ seed, size: size(seed) })),
      };
    case "B":
      return {
        title: "500 tiny images in 50 repositories",
        repositories: 50,
        tags: 10,
        layers: (r, t) => [0, 1].map((n) => ({ seed: `b${r}-${t}-${n}`, size: 2048 })),
      };
    case "C":
      return {
        title: "one image with one layer of 2 GiB",
        repositories: 1,
        tags: 1,
        layers: () => [{ seed: "c", size: Math.round(2048 * mib * scale) }],
      };
  }
}

/** Makes a corpus in the registry on `host`, below `bench`. The same name and scale make the same bytes. */
export async function pushCorpus(name: CorpusName, host: string, scale: number): Promise<Corpus> {
  if (name === "D") return await pushPackages(host, scale);
  const shape = shapeOf(name, scale);
  await using registry = createRegistry(`${host}/bench`);
  const corpus: Corpus & { repositories: string[]; images: Map<string, string>; blobs: Map<string, object> } = {
    name,
    title: shape.title,
    repositories: [],
    images: new Map(),
    blobs: new Map(),
  };
  for (let r = 0; r < shape.repositories; r += 1) {
    const path = `${name.toLowerCase()}${String(r).padStart(2, "0")}`;
    corpus.repositories.push(`bench/${path}`);
    for (let t = 0; t < shape.tags; t += 1) {
      const layers = await Promise.all(shape.layers(r, t).map((layer) => pushLayer(registry, path, layer)));
      corpus.images.set(`bench/${path}:v${t}`, await pushImage(registry, path, `v${t}`, layers, corpus));
    }
  }
  return corpus;
}

/** Layers pushed by now, by repository and seed. */
const pushed = new Map<string, Promise<Descriptor>>();

function pushLayer(registry: RemoteRegistry, path: string, layer: { seed: string; size: number }): Promise<Descriptor> {
  const key = `${registry.name} ${path} ${layer.seed} ${layer.size}`;
  const known = pushed.get(key) ?? makeLayer(registry, path, layer);
  pushed.set(key, known);
  return known;
}

async function makeLayer(registry: RemoteRegistry, path: string, { seed, size }: { seed: string; size: number }) {
  const hash = createHash("sha256");
  for (const piece of gzipStored(tar(seed, size))) hash.update(piece);
  const digest = parseDigest(`sha256:${hash.digest("hex")}`);
  const blob = { digest, size: storedGzipSize(tarSize(size)) };
  await registry.repository(path).pushBlob(blob, async function* () {
    yield* gzipStored(tar(seed, size));
  });
  return { mediaType: MediaType.ociLayerGzip, ...blob };
}

async function pushImage(
  registry: RemoteRegistry,
  path: string,
  tag: string,
  layers: readonly Descriptor[],
  { blobs }: { readonly blobs: Map<string, object> },
): Promise<string> {
  const config = encode({
    architecture: "amd64",
    os: "linux",
    config: { Labels: { path, tag } },
    rootfs: { type: "layers", diff_ids: layers.map(({ digest }) => digest) },
  });
  const { descriptor: configBlob } = manifestOf(config, MediaType.ociConfig);
  const repository = registry.repository(path);
  await repository.pushBlob(configBlob, async function* () {
    yield config;
  });
  const body = { schemaVersion: 2, mediaType: MediaType.ociManifest, config: configBlob, layers };
  const manifest = manifestOf(encode(body), MediaType.ociManifest);
  await repository.pushManifest(manifest, { tags: [tag] });
  for (const { digest, size } of [...layers, configBlob])
    blobs.set(digest, { repository: `bench/${path}`, size, isManifest: false });
  const { digest, size } = manifest.descriptor;
  blobs.set(digest, { repository: `bench/${path}`, size, isManifest: true });
  return digest;
}

function encode(value: unknown): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(JSON.stringify(value));
}

function tarSize(size: number): number {
  return 512 + Math.ceil(size / 512) * 512 + 1024;
}

/** A tar archive with one file of bytes that cannot be made smaller. */
function* tar(seed: string, size: number): Generator<Uint8Array> {
  const header = Buffer.from(aLayer({ files: { data: "" }, gzip: false }).bytes.subarray(0, 512));
  header.write(size.toString(8).padStart(11, "0"), 124);
  header.write("        ", 148);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  yield header;
  yield* keystream(seed, size);
  yield new Uint8Array(tarSize(size) - 512 - size);
}
