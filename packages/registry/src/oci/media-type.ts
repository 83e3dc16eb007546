/** Media types and annotations by name, so that none is spelled twice. */
export const MediaType = {
  ociManifest: "application/vnd.oci.image.manifest.v1+json",
  ociIndex: "application/vnd.oci.image.index.v1+json",
  ociConfig: "application/vnd.oci.image.config.v1+json",
  ociLayer: "application/vnd.oci.image.layer.v1.tar",
  ociLayerGzip: "application/vnd.oci.image.layer.v1.tar+gzip",
  ociLayerZstd: "application/vnd.oci.image.layer.v1.tar+zstd",
  ociEmpty: "application/vnd.oci.empty.v1+json",
  dockerManifest: "application/vnd.docker.distribution.manifest.v2+json",
  dockerManifestList: "application/vnd.docker.distribution.manifest.list.v2+json",
  dockerConfig: "application/vnd.docker.container.image.v1+json",
  dockerLayerGzip: "application/vnd.docker.image.rootfs.diff.tar.gzip",
  dockerForeignLayerGzip: "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
} as const;

/** Annotation keys this project reads or writes. */
export const Annotation = {
  /** image-spec v1.1, "Pre-Defined Annotation Keys": the reference an index entry was stored under. */
  refName: "org.opencontainers.image.ref.name",
  /** The tag an index entry of a bundle is pushed under. */
  shortTag: "io.deckhouse.image.short_tag",
  /** Digests, with spaces between, of what an index entry leads to and its layout leaves out on purpose. */
  leftOut: "io.tranship.image.left_out",
  /** Of an index that was put together where it lies: the name it was made for. */
  localIndex: "io.tranship.image.local_index",
} as const;

/** The manifest types a client offers in `Accept`. */
export const manifestMediaTypes: readonly string[] = [
  MediaType.ociManifest,
  MediaType.ociIndex,
  MediaType.dockerManifest,
  MediaType.dockerManifestList,
];

/** Whether the media type names an index: a manifest whose children are manifests. */
export function isIndexMediaType(mediaType: string): boolean {
  return mediaType === MediaType.ociIndex || mediaType === MediaType.dockerManifestList;
}

/** Whether the media type names a manifest of either kind. */
export function isManifestMediaType(mediaType: string): boolean {
  return manifestMediaTypes.includes(mediaType);
}

/** Layers that registries are not expected to hold: their bytes live at the `urls` of their descriptor. */
export function isForeignLayerMediaType(mediaType: string): boolean {
  return mediaType === MediaType.dockerForeignLayerGzip || mediaType.includes(".nondistributable.");
}
