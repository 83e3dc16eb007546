/**
 * The vocabulary of the OCI specifications as plain values: digests, descriptors, manifests, references, media types. No I/O.
 * @packageDocumentation
 */

export { type Blob, blobOf, type Descriptor, type Platform } from "./descriptor.ts";
export {
  type Digest,
  type DigestAlgorithm,
  digestAlgorithm,
  digestHex,
  digestOf,
  formatDigest,
  hashFor,
  isDigest,
  parseDigest,
} from "./digest.ts";
export {
  childBlobs,
  childManifests,
  defaultMaxManifestBytes,
  descriptorSchema,
  type ImageIndex,
  type ImageManifest,
  type Manifest,
  manifestOf,
  parseManifest,
  referrerDescriptor,
  sniffManifestMediaType,
} from "./manifest.ts";
export {
  Annotation,
  isForeignLayerMediaType,
  isIndexMediaType,
  isManifestMediaType,
  MediaType,
  manifestMediaTypes,
} from "./media-type.ts";
export {
  formatName,
  formatReference,
  isRepositoryPath,
  isTag,
  joinPath,
  type Place,
  parsePlace,
  parseReference,
  parseRepositoryPath,
  parseTag,
  type Reference,
  referrersTag,
  type Tag,
} from "./reference.ts";
export { sharedText } from "./shared-text.ts";
