import { gzipSync } from "node:zlib";
import type { Blob } from "../oci/descriptor.ts";
import { type Digest, type DigestAlgorithm, digestOf } from "../oci/digest.ts";
import { MediaType } from "../oci/media-type.ts";
import { randomBytes } from "./random-bytes.ts";
import { ustarOf } from "./ustar.ts";

/** A blob with its bytes. */
export interface BuiltBlob extends Blob {
  readonly mediaType: string;
  readonly bytes: Uint8Array;
  /** Of a layer: the digest of its tar, unpacked. */
  readonly diffId?: Digest;
}

/** Options of {@link aBlob}. */
export interface BlobOptions {
  /** In bytes. @defaultValue 1024 */
  readonly size?: number | undefined;
  /** Blobs of different seeds differ. @defaultValue "blob" */
  readonly seed?: string | number | undefined;
  /** The very bytes, in place of random ones. */
  readonly content?: string | Uint8Array | undefined;
  /** @defaultValue "application/octet-stream" */
  readonly mediaType?: string | undefined;
  /** @defaultValue "sha256" */
  readonly algorithm?: DigestAlgorithm | undefined;
}

/** A blob of random-looking bytes, the same on every run. */
export function aBlob(options: BlobOptions = {}): BuiltBlob {
  const { size = 1024, seed = "blob", content, mediaType = "application/octet-stream", algorithm } = options;
  const bytes = content === undefined ? randomBytes(size, seed) : bytesOfText(content);
  return { mediaType, digest: digestOf(bytes, algorithm), size: bytes.byteLength, bytes };
}

/** Options of {@link aLayer}. */
export interface LayerOptions {
  /** What is in it, by path, in this order. */
  readonly files?: Readonly<Record<string, string | Uint8Array>> | undefined;
  /** Adds a file `padding` of so many incompressible bytes. @defaultValue 0, no such file */
  readonly size?: number | undefined;
  /** Paddings of different seeds differ. @defaultValue "layer" */
  readonly seed?: string | number | undefined;
  /** @defaultValue true */
  readonly gzip?: boolean | undefined;
  /** Names the type of a gzipped layer in Docker's words. @defaultValue false */
  readonly docker?: boolean | undefined;
}

/** An image layer: a real tar archive of `files`, gzipped. */
export function aLayer({ files = {}, size = 0, seed = "layer", gzip = true, docker }: LayerOptions = {}): BuiltBlob {
  const contents = Object.fromEntries(Object.entries(files).map(([name, content]) => [name, bytesOfText(content)]));
  const tar = ustarOf(size > 0 ? { ...contents, padding: randomBytes(size, seed) } : contents);
  const packedType = docker ? MediaType.dockerLayerGzip : MediaType.ociLayerGzip;
  const blob = gzip
    ? aBlob({ content: new Uint8Array(gzipSync(tar)), mediaType: packedType })
    : aBlob({ content: tar, mediaType: MediaType.ociLayer });
  return { ...blob, diffId: digestOf(tar) };
}

function bytesOfText(content: string | Uint8Array): Uint8Array {
  return typeof content === "string" ? new TextEncoder().encode(content) : content;
}
