import { type Digest, type DigestAlgorithm, digestOf } from "./digest.ts";

/** Content by digest: what is enough to fetch and check a blob. `size` is in bytes. */
export interface Blob {
  readonly digest: Digest;
  readonly size: number;
}

/** The platform an image was made for. @see image-spec v1.1, "Image Index Property Descriptions" */
export interface Platform {
  readonly architecture: string;
  readonly os: string;
  readonly "os.version"?: string | undefined;
  readonly "os.features"?: readonly string[] | undefined;
  readonly variant?: string | undefined;
}

/** A typed pointer to content. @see image-spec v1.1, "OCI Content Descriptors" */
export interface Descriptor extends Blob {
  readonly mediaType: string;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  readonly artifactType?: string | undefined;
  readonly platform?: Platform | undefined;
  readonly urls?: readonly string[] | undefined;
  /** The content itself, base64, when it is small. */
  readonly data?: string | undefined;
}

/** What a writer needs to know of bytes in memory: digest and size. `algorithm` is `sha256` unless told. */
export function blobOf(bytes: Uint8Array, algorithm?: DigestAlgorithm): Blob {
  return { digest: digestOf(bytes, algorithm), size: bytes.byteLength };
}
