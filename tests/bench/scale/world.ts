import { createHash } from "node:crypto";

/** How much a source has. Every image is one manifest with a config that all share and layers of its own. */
export interface WorldSize {
  readonly repositories: number;
  /** Of every repository. */
  readonly tags: number;
  /** Of every image. */
  readonly layers: number;
  /** Bytes of each layer, at least 32. @defaultValue 32 */
  readonly layerBytes?: number | undefined;
}

const config = Buffer.from("{}");
const configDigest = digestOf(config);

/** The content of a source of any size, made from counters when it is asked for: only digests are kept. */
export class World {
  readonly size: WorldSize;
  readonly #layerBytes: number;
  /** By digest: the number of an image, or of a layer counted over all images, behind the images' numbers. */
  readonly #numbers = new Map<string, number>();

  constructor(size: WorldSize) {
    this.size = size;
    this.#layerBytes = size.layerBytes ?? 32;
    const images = size.repositories * size.tags;
    for (let image = 0; image < images; image += 1) {
      this.#numbers.set(digestOf(this.manifest(image)), image);
      for (let layer = 0; layer < size.layers; layer += 1) {
        this.#numbers.set(digestOf(this.#layer(image, layer)), images + image * size.layers + layer);
      }
    }
  }

  /** The name of a repository, such as `bench/app-0`. */
  static repositoryName(repository: number): string {
    return `bench/app-${repository}`;
  }

  /** The tag with a number: a version, three numbers. */
  static tagName(tag: number): string {
    return `v${Math.floor(tag / 1000) + 1}.${Math.floor(tag / 10) % 100}.${tag % 10}`;
  }

  /** The image that a tag or a digest of a repository names. */
  imageOf(repository: number, reference: string): number | undefined {
    const { tags } = this.size;
    if (reference.startsWith("sha256:")) return this.#numbers.get(reference);
    const [, major, minor, patch] = /^v(\d+)\.(\d+)\.(\d+)$/.exec(reference) ?? [];
    const tag = (Number(major) - 1) * 1000 + Number(minor) * 10 + Number(patch);
    return tag < tags ? repository * tags + tag : undefined;
  }

  manifest(image: number): Buffer {
    const { layers } = this.size;
    const manifest = {
      schemaVersion: 2,
      mediaType: "application/vnd.oci.image.manifest.v1+json",
      config: { mediaType: "application/vnd.oci.empty.v1+json", digest: configDigest, size: config.byteLength },
      layers: Array.from({ length: layers }, (_, layer) => ({
        mediaType: "application/vnd.oci.image.layer.v1.tar",
        digest: digestOf(this.#layer(image, layer)),
        size: this.#layerBytes,
      })),
    };
    return Buffer.from(JSON.stringify(manifest));
  }

  blob(digest: string): Buffer | undefined {
    if (digest === configDigest) return config;
    const { repositories, tags, layers } = this.size;
    const number = (this.#numbers.get(digest) ?? -1) - repositories * tags;
    return number < 0 ? undefined : this.#layer(Math.floor(number / layers), number % layers);
  }

  #layer(image: number, layer: number): Buffer {
    return Buffer.alloc(this.#layerBytes, `${image}/${layer} of a source, counted `.padEnd(32, "."));
  }
}

export function digestOf(bytes: Buffer): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}
