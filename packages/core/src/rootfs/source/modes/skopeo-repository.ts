import {
  type Blob,
  type CallOptions,
  type Descriptor,
  type Digest,
  digestOf,
  formatName,
  isDigest,
  type Manifest,
  type ManifestOptions,
  RegistryError,
  type RepositoryReader,
  sniffManifestMediaType,
  type Tag,
} from "@tranship/registry";
import * as z from "zod";
import { type SkopeoAccess, skopeoInspect } from "./skopeo.ts";

/** The largest manifest that is read, in bytes. */
const maxManifestBytes = 4 * 1024 * 1024;

const bodySchema = z.object({
  schemaVersion: z.number(),
  config: z.object({ digest: z.string() }).optional(),
});

/**
 * A repository that skopeo asks, as far as finding an image needs it: manifests, and the configs of images whose manifests
 * have been read. Layers are not read here but copied, all at once.
 */
export class SkopeoRepository implements RepositoryReader {
  readonly name: string;
  readonly #access: SkopeoAccess;
  /** Which image has a config: skopeo names configs by their images. */
  readonly #images = new Map<string, Digest>();

  constructor(name: string, access: SkopeoAccess) {
    this.name = name;
    this.#access = access;
  }

  async manifest(
    reference: Tag | Digest,
    { signal, maxBytes = maxManifestBytes }: ManifestOptions = {},
  ): Promise<Manifest> {
    const bytes = await skopeoInspect(this.#access, { reference: formatName(this.name, reference), maxBytes, signal });
    const digest = digestOf(bytes, isDigest(reference) && reference.startsWith("sha512:") ? "sha512" : "sha256");
    if (isDigest(reference) && reference !== digest) throw this.#mismatch(reference, digest);
    const body = bodySchema.safeParse(json(bytes));
    if (body.data?.config) this.#images.set(body.data.config.digest, digest);
    return {
      descriptor: { mediaType: mediaTypeOf(bytes, body.data?.schemaVersion), digest, size: bytes.byteLength },
      bytes,
    };
  }

  /** The config of an image whose manifest was read before. @throws RegistryError `NOT_FOUND`, `DIGEST_MISMATCH` */
  async *fetchBlob({ digest, size }: Blob, { signal }: CallOptions = {}): AsyncIterable<Uint8Array> {
    const image = this.#images.get(digest);
    if (image === undefined) throw this.#notFound(digest);
    const reference = formatName(this.name, image);
    const bytes = await skopeoInspect(this.#access, { reference, isConfig: true, maxBytes: size, signal });
    const actual = digestOf(bytes, digest.startsWith("sha512:") ? "sha512" : "sha256");
    if (actual !== digest) throw this.#mismatch(digest, actual);
    yield bytes;
  }

  async resolve(reference: Tag | Digest, options: CallOptions = {}): Promise<Descriptor | undefined> {
    return (await this.manifest(reference, options)).descriptor;
  }

  /** Skopeo cannot tell whether a blob is there: none is promised. */
  async statBlob(): Promise<undefined> {
    return undefined;
  }

  async *tags(): AsyncIterable<Tag> {}

  async *referrers(): AsyncIterable<Descriptor> {}

  #notFound(digest: Digest): RegistryError<"NOT_FOUND"> {
    const message = `cannot read ${digest} from ${this.name}: skopeo only gives configs of images that were found`;
    return new RegistryError("NOT_FOUND", message, { registry: this.name, reference: digest });
  }

  #mismatch(expected: Digest, actual: Digest): RegistryError<"DIGEST_MISMATCH"> {
    const message = `cannot read ${formatName(this.name, expected)}: the bytes have the digest ${actual}`;
    return new RegistryError("DIGEST_MISMATCH", message, { reference: expected, expected, actual });
  }
}

/** Skopeo gives no content type. */
function mediaTypeOf(bytes: Uint8Array, schemaVersion: number | undefined): string {
  if (schemaVersion === 1) return "application/vnd.docker.distribution.manifest.v1+json";
  return sniffManifestMediaType(bytes) ?? "application/octet-stream";
}

function json(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(bytes).toString("utf8"));
  } catch {
    return undefined;
  }
}
