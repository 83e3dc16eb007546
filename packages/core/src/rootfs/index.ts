/**
 * Makes root file systems of images, without root and without a daemon: a directory, a tar archive, or an ext4 image whose
 * bytes depend on the image alone.
 * @packageDocumentation
 */

export type { Timestamp } from "../layer-archive/layer-entry.ts";
export { formatPlatform, parsePlatform, type WantedPlatform } from "../plan/platforms/platforms.ts";
export { type BuildOptions, type BuildResult, buildExt4, type RootfsHook } from "./build-ext4.ts";
export { isRootfsError, RootfsError, type RootfsErrorCode, type RootfsErrorDetails } from "./errors.ts";
export type { OnRootfsEvent, ProgressUnit, RootfsEvent, RootfsStage, RootfsWarning } from "./events.ts";
export { type ExportedDirectory, type ExportTarOptions, exportTar, streamRegistryToDir } from "./export.ts";
export type { ToolEnvironment } from "./ext4/find-tool.ts";
export { type Ext4Tools, findExt4Tools } from "./ext4/probe-ext4-tools.ts";
export type { Ext4Image } from "./ext4/write-ext4.ts";
export type { KeptLayers } from "./layers/fetch-layers.ts";
export { LayerCache, type LayerCacheOptions } from "./layers/layer-cache.ts";
export type { FilePiece } from "./layers/layer-file.ts";
export type { LocalBlobFiles } from "./layers/local-blob-files.ts";
export { defaultRootfsLimits, type RootfsLimits } from "./limits.ts";
export type { OpenRootfsOptions } from "./open-tree.ts";
export {
  type BytesInJson,
  type MetadataSidecar,
  type MetadataSidecarEntry,
  metadataSidecarSchema,
} from "./output/directory/sidecar.ts";
export type { WrittenTar } from "./output/tar/write-tar.ts";
export type { WrittenDirectory } from "./output/write-directory.ts";
export type { OnPullProgress, PullProgress } from "./progress/pull-progress.ts";
export {
  PullProgressSink,
  type PullProgressSinkOptions,
  type SavePullProgress,
} from "./progress/pull-progress-sink.ts";
export { Rootfs, type RootfsDirectoryOptions, type RootfsExt4Options, type RootfsTarOptions } from "./rootfs.ts";
export { DockerArchive } from "./source/archive/docker-archive.ts";
export { exportModeOf, type OnPath } from "./source/export-mode.ts";
export type { DockerImageConfig, ImageHealthcheck } from "./source/image-config.ts";
export { type ImageReference, normalizeBaseUrl, parseImageRef, validateImageRef } from "./source/image-reference.ts";
export { type OpenedSource, openSource, type SourcePlace } from "./source/open-source.ts";
export type { OpenedImage } from "./source/opened-image.ts";
export { prepareLocalSource, prepareSource } from "./source/prepare-source.ts";
export type {
  ExportMode,
  ImageLayer,
  OpenRegistry,
  PreparedSource,
  RegistryAccess,
  RegistryAuthConfig,
  ResolvedImage,
  SourceSpec,
} from "./source/source.ts";
export {
  artifactFallbackStoreRootDir,
  artifactStoreRootDir,
  artifactWorkRootDir,
  type FolderOptions,
  resolveArtifactStoreDir,
} from "./store/artifact-folders.ts";
export { artifactFingerprint, artifactIdOf, type FingerprintParts, validArtifactId } from "./store/artifact-id.ts";
export {
  type ArtifactPresence,
  type ArtifactRecord,
  artifactPresence,
  type WantedArtifact,
} from "./store/artifact-presence.ts";
export {
  artifactBuildInProgress,
  type BuildMarker,
  type BuildMarkerInfo,
  describeArtifactBuildMarker,
  type MarkerOptions,
  type MarkOptions,
  markArtifactBuildInProgress,
} from "./store/build-marker.ts";
export type { BuildOwner } from "./store/build-owner.ts";
export type { HashedFile } from "./store/copy-hashed.ts";
export { type Environment, type RootfsSettings, readEnvironment } from "./store/environment.ts";
export { ensureArtifactBuildPreflight, type PreflightOptions } from "./store/preflight.ts";
export {
  type PublishedExt4,
  type PublishOptions,
  type PublishTarget,
  publishExt4,
  removePublishedExt4,
} from "./store/publish-ext4.ts";
export type {
  EditMetadata,
  MkdirOptions,
  ReadOptions,
  RemoveOptions,
  RootfsFileStat,
} from "./tree/edit-options.ts";
export type { RootfsFiles } from "./tree/rootfs-files.ts";
export type { TreeTotals } from "./tree/tree-totals.ts";
