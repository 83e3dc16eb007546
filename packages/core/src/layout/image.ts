import {
  type CallOptions,
  type Digest,
  formatName,
  isDigest,
  type Manifest,
  type RepositoryReader,
  type Tag,
} from "@tranship/registry";

/** Where an image came from. */
export interface ImageMeta {
  /** Such as `registry.example.com/deckhouse/fe/packages/console:v1.45.2`; absent when it was asked for by digest. */
  readonly tagReference?: string | undefined;
  /** Such as `registry.example.com/deckhouse/fe/packages/console@sha256:2c26…`. */
  readonly digestReference: string;
  readonly digest: Digest;
}

/** An image whose manifest is at hand; its blobs stay in `repository` until they are read. */
export interface Image {
  readonly manifest: Manifest;
  readonly repository: RepositoryReader;
  readonly meta?: ImageMeta | undefined;
}

/**
 * The image a tag or digest names, with its metadata. Reads the manifest only.
 * @throws RegistryError `NOT_FOUND`, `TOO_LARGE`, `DIGEST_MISMATCH`
 */
export async function openImage(
  repository: RepositoryReader,
  reference: Tag | Digest,
  { signal }: CallOptions = {},
): Promise<Image> {
  const manifest = await repository.manifest(reference, { signal });
  const { digest } = manifest.descriptor;
  const digestReference = formatName(repository.name, digest);
  const tagReference = isDigest(reference) ? {} : { tagReference: formatName(repository.name, reference) };
  return { manifest, repository, meta: { ...tagReference, digestReference, digest } };
}
