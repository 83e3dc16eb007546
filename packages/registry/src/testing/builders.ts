import type { Descriptor, Platform } from "../oci/descriptor.ts";
import { type DigestAlgorithm, digestOf } from "../oci/digest.ts";
import type { Manifest } from "../oci/manifest.ts";
import { MediaType } from "../oci/media-type.ts";
import type { Tag } from "../oci/reference.ts";
import { aBlob, aLayer, type BuiltBlob, type LayerOptions } from "./blob-builders.ts";

/** A manifest with all it needs, children included; `tags` name the outermost. */
export interface BuiltImage {
  readonly manifest: Manifest;
  readonly config: BuiltBlob;
  readonly layers: readonly BuiltBlob[];
  /** Config and layers, each digest once. */
  readonly blobs: readonly BuiltBlob[];
  readonly tags: readonly Tag[];
}

/** An index with the images it lists. */
export interface BuiltIndex {
  readonly manifest: Manifest;
  readonly images: readonly (BuiltImage | BuiltIndex)[];
  readonly tags: readonly Tag[];
}

/** Options of {@link anImage}. */
export interface ImageOptions {
  readonly tag?: Tag | undefined;
  /** More names; both together when both are given. */
  readonly tags?: readonly Tag[] | undefined;
  /** @defaultValue one layer of `files` and `size` */
  readonly layers?: readonly BuiltBlob[] | undefined;
  /** Files of the layer, where no `layers` are given. */
  readonly files?: LayerOptions["files"];
  /** Padding of the layer in bytes, where no `layers` are given. @defaultValue 1024 */
  readonly size?: number | undefined;
  /** Images of different seeds differ. @defaultValue the tags */
  readonly seed?: string | number | undefined;
  /** Speaks Docker's media types in place of OCI's. @defaultValue false */
  readonly docker?: boolean | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  /** What it refers to. */
  readonly subject?: Descriptor | { readonly manifest: Manifest } | undefined;
  readonly artifactType?: string | undefined;
  /** @defaultValue linux on amd64 */
  readonly platform?: Platform | undefined;
  /** @defaultValue "sha256"; of the manifest alone */
  readonly algorithm?: DigestAlgorithm | undefined;
}

/** An image of one platform: config, layers and the manifest over them. */
export function anImage(options: ImageOptions = {}): BuiltImage {
  const { docker = false, files, annotations, subject, artifactType } = options;
  const tags = tagsOf(options);
  const seed = String(options.seed ?? tags.join());
  const layers = options.layers ?? [aLayer({ files, size: options.size ?? (files ? 0 : 1024), seed, docker })];
  const platform = options.platform ?? { architecture: "amd64", os: "linux" };
  const rootfs = { type: "layers", diff_ids: layers.map(({ diffId, digest }) => diffId ?? digest) };
  const config = aBlob({
    content: JSON.stringify({ ...platform, config: { Labels: { seed } }, rootfs }),
    mediaType: docker ? MediaType.dockerConfig : MediaType.ociConfig,
  });
  const mediaType = docker ? MediaType.dockerManifest : MediaType.ociManifest;
  const manifest = jsonManifest(mediaType, options.algorithm, {
    ...(artifactType === undefined ? {} : { artifactType }),
    config: pointerTo(config),
    layers: layers.map(pointerTo),
    ...(subject === undefined
      ? {}
      : { subject: pointerTo("manifest" in subject ? subject.manifest.descriptor : subject) }),
    ...(annotations === undefined ? {} : { annotations }),
  });
  return { manifest, config, layers, blobs: distinct([config, ...layers]), tags };
}

/** Options of {@link anArtifact}. */
export interface ArtifactOptions {
  /** What it is about. */
  readonly subject: Descriptor | { readonly manifest: Manifest };
  readonly artifactType: string;
  /** @defaultValue the artifact type */
  readonly content?: string | Uint8Array | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
  readonly tag?: Tag | undefined;
}

/** Something that refers to an image, such as a signature: one layer, an empty config. */
export function anArtifact({ subject, artifactType, content, annotations, tag }: ArtifactOptions): BuiltImage {
  const config = aBlob({ content: "{}", mediaType: MediaType.ociEmpty });
  const layer = aBlob({ content: content ?? artifactType });
  const manifest = jsonManifest(MediaType.ociManifest, undefined, {
    artifactType,
    config: pointerTo(config),
    layers: [pointerTo(layer)],
    subject: pointerTo("manifest" in subject ? subject.manifest.descriptor : subject),
    ...(annotations === undefined ? {} : { annotations }),
  });
  return { manifest, config, layers: [layer], blobs: distinct([config, layer]), tags: tagsOf({ tag }) };
}

/** Options of {@link anIndex}. */
export interface IndexOptions {
  readonly images: readonly (BuiltImage | BuiltIndex)[];
  /** Platforms of the images, in their order. @defaultValue none said */
  readonly platforms?: readonly (Platform | undefined)[] | undefined;
  readonly tag?: Tag | undefined;
  readonly tags?: readonly Tag[] | undefined;
  readonly docker?: boolean | undefined;
  readonly annotations?: Readonly<Record<string, string>> | undefined;
}

/** An index (or Docker's manifest list) of images. */
export function anIndex(options: IndexOptions): BuiltIndex {
  const { images, platforms = [], docker = false, annotations } = options;
  const manifest = jsonManifest(docker ? MediaType.dockerManifestList : MediaType.ociIndex, undefined, {
    manifests: images.map((image, at) => {
      const platform = platforms[at];
      return { ...pointerTo(image.manifest.descriptor), ...(platform === undefined ? {} : { platform }) };
    }),
    ...(annotations === undefined ? {} : { annotations }),
  });
  return { manifest, images, tags: tagsOf(options) };
}

function jsonManifest(mediaType: string, algorithm: DigestAlgorithm | undefined, body: object): Manifest {
  const bytes = new TextEncoder().encode(JSON.stringify({ schemaVersion: 2, mediaType, ...body }));
  return { descriptor: { mediaType, digest: digestOf(bytes, algorithm), size: bytes.byteLength }, bytes };
}

function pointerTo({ mediaType, digest, size }: Descriptor): Descriptor {
  return { mediaType, digest, size };
}

function distinct(blobs: readonly BuiltBlob[]): readonly BuiltBlob[] {
  return [...new Map(blobs.map((blob) => [blob.digest, blob])).values()];
}

function tagsOf({ tag, tags = [] }: { readonly tag?: Tag | undefined; readonly tags?: readonly Tag[] | undefined }) {
  return tag === undefined ? tags : [tag, ...tags];
}
