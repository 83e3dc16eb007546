/**
 * Mirrors OCI packages and images: {@link PackagesService} and {@link ModulesService} say what a registry offers, {@link plan}
 * and {@link pull} bring it into a {@link BundleDirectory}, {@link pushBundle} brings a {@link Bundle} into a registry, and
 * {@link verify} proves that all has arrived.
 * @packageDocumentation
 */

export type { ArchiveFile } from "./bundle/archive/archive-reader.ts";
export type { ProveOptions } from "./bundle/archive/blob-copy.ts";
export type { AssumedContent, BasedSource } from "./bundle/assumed.ts";
export { type BlobOfRepository, Bundle, type BundleArchive, type OpenBundleOptions } from "./bundle/bundle.ts";
export { BundleDirectory, type BundleDirectoryOptions } from "./bundle/bundle-directory.ts";
export {
  type AbandonedFile,
  type CleanBundleOptions,
  type CleanReport,
  cleanBundle,
  type LockOutcome,
} from "./bundle/clean-bundle.ts";
export type { BundleLockFile } from "./bundle/find-places.ts";
export { type JoinBundlesOptions, type JoinReport, joinBundles } from "./bundle/join/join-bundles.ts";
export { requireWhole } from "./bundle/require-whole.ts";
export type { TarEntry } from "./bundle/tar/tar-reader.ts";
export type { UnannouncedSource } from "./bundle/unannounced.ts";
export { type VerifyBundleOptions, verifyBundle } from "./bundle/verify-bundle.ts";
export type { ChecksumKind } from "./checksums/sidecar.ts";
export { isMirrorError, MirrorError, type MirrorErrorCode, type MirrorErrorDetails, type Side } from "./errors.ts";
export type { MirrorEvent, MirrorWarning, OnEvent } from "./events.ts";
export type { ContentKind } from "./inspect/content-kind.ts";
export { diffInspections } from "./inspect/diff-inspections.ts";
export { type InspectedPlace, inspectBundle } from "./inspect/inspect-bundle.ts";
export type {
  BlobRole,
  InspectedArchive,
  InspectedBlob,
  InspectedImage,
  InspectedLeftOut,
  InspectedManifest,
  InspectedRepository,
  Inspection,
  InspectionTotals,
  LackingContent,
  UnreadableContent,
} from "./inspect/inspection.ts";
export { countManifests, type EntryAnnotations, layoutHasManifests } from "./layout/count-manifests.ts";
export { type Image, type ImageMeta, openImage } from "./layout/image.ts";
export { ImageLayout } from "./layout/image-layout.ts";
export type { BlobPiece } from "./layout/layout-content.ts";
export { LayoutRegistry, type LayoutRegistryOptions } from "./layout/layout-registry.ts";
export type { LayoutRepository } from "./layout/layout-repository.ts";
export type { BlobCount } from "./plan/blob-count.ts";
export { buildStep, type WantedImage } from "./plan/build-step.ts";
export {
  type DownloadListDiff,
  diffDownloadLists,
  type MovedTag,
  type NamedImage,
  type RepositoryDiff,
} from "./plan/diff-lists.ts";
export {
  type DownloadList,
  type DownloadTotals,
  downloadListText,
  downloadTotals,
  formatDownloadList,
  type MissingImage,
  type MissingReference,
  type PlannedArchive,
  parseDownloadList,
  plannedArchiveSchema,
} from "./plan/download-list.ts";
export type { FailedItem } from "./plan/failed-item.ts";
export {
  formatInventory,
  type InventoriedRepository,
  type Inventory,
  inventoryOf,
  joinInventories,
  type KnownBlob,
  maxInventoryLength,
  parseInventory,
} from "./plan/inventory.ts";
export { type ItemImages, imagesOfItem } from "./plan/item-images.ts";
export { type ItemVersions, itemVersions } from "./plan/item-versions.ts";
export { type ImageFilesOptions, readImageFiles } from "./plan/layers/image-files.ts";
export { LayerCache } from "./plan/layers/layer-cache.ts";
export type { LeftOutCount } from "./plan/left-out.ts";
export {
  type LockedArchive,
  type LockedChunk,
  type LockedEntry,
  type LockFile,
  lockFileName,
  minChunkBytes,
  parseLockFile,
} from "./plan/lock-file.ts";
export type {
  Item,
  PlannedStep,
  Planner,
  ReadImageFiles,
  RunContext,
  SourceView,
  TagsOptions,
} from "./plan/planner.ts";
export type { PlatformOptions } from "./plan/platforms/platform-choice.ts";
export {
  type PlatformChoice,
  type PlatformMode,
  parsePlatform,
  type WantedPlatform,
} from "./plan/platforms/platforms.ts";
export {
  type AssumedBlob,
  type LeftOutManifest,
  type MadeManifest,
  type PlannedBlob,
  type PlannedImage,
  type PlannedRepository,
  type Reason,
  reasons,
  type Section,
} from "./plan/section.ts";
export { formatShard, maxShards, parseShard, type Shard, type ShardShare } from "./plan/shards/shard.ts";
export { shardOf } from "./plan/shards/shard-of.ts";
export {
  type BlobProver,
  type GraphChecker,
  type PushBundleOptions,
  pushBundle,
  type SpaceChecker,
  type TagGatherer,
} from "./push/push-bundle.ts";
export type { PushReport } from "./push/push-report.ts";
export type { OnConflict } from "./push/push-work.ts";
export { createRoutes, type MovedCatalog, type RouteOptions, type Routes } from "./push/routes.ts";
export { type Constraint, type ConstraintFault, isConstraint, parseConstraint } from "./selection/constraint.ts";
export {
  type ExactConstraint,
  exactConstraintsOf,
  type SemverConstraint,
  semverConstraintsOf,
} from "./selection/constraints-of.ts";
export { type Filter, type FilterExpressions, parseFilter, type Wanted } from "./selection/filter.ts";
export { type ImageExclusion, parseImage, parseImageExclusion } from "./selection/image-expression.ts";
export { type ImageName, parseImageName } from "./selection/image-name.ts";
export type { ImageSelection } from "./selection/image-selection.ts";
export type { ImageTagVerdict } from "./selection/image-tags.ts";
export { type ProbeOptions, probeVersions } from "./selection/probe.ts";
export { explainVersions, selectVersions, type TagVerdict } from "./selection/select-versions.ts";
export { parseVersionRange, type VersionRange } from "./selection/version-range.ts";
export { type AttachedKinds, attachedKinds } from "./services/attached-kinds.ts";
export type { NameExplanation } from "./services/catalog/catalog-item.ts";
export type { CatalogService, CatalogServiceOptions } from "./services/catalog/catalog-service.ts";
export type { CatalogTotals, ItemStat } from "./services/catalog/item-stats.ts";
export {
  type ModuleStat,
  ModulesService,
  type ModulesServiceOptions,
  type ModulesStats,
} from "./services/catalog/modules-service.ts";
export {
  type PackageStat,
  PackagesService,
  type PackagesServiceOptions,
  type PackagesStats,
} from "./services/catalog/packages-service.ts";
export { type ImagePathOptions, type ImageRewrite, imagePaths } from "./services/images/images-paths.ts";
export { type ImageExplanation, ImagesService, type ImagesServiceOptions } from "./services/images/images-service.ts";
export type { ImageStat, ImagesStats } from "./services/images/images-stats.ts";
export { type ListPlannerOptions, listedHosts, listPlanner } from "./services/list-planner.ts";
export { type PlanOptions, plan } from "./services/plan.ts";
export { type ArchiveReport, type PullOptions, type PullReport, pull } from "./services/pull.ts";
export {
  lockOfBundle,
  type RepairBundleOptions,
  type RepairedArchive,
  type RepairReport,
  repairBundle,
} from "./services/repair-bundle.ts";
export type { ServiceEvents, ServicePlanOptions, ServicePullOptions } from "./services/service-options.ts";
export { shardPlanner } from "./services/shard-planner.ts";
export type { RegistryOfHost, SourceRegistries } from "./services/source-registries.ts";
export { type TakeInventoryOptions, takeInventory } from "./services/take-inventory.ts";
export { type SyncOptions, type SyncReport, sync } from "./sync/sync.ts";
export { type CopyGraphOptions, type CopyGraphReport, copyGraph } from "./transfer/copy-graph.ts";
export type { CopyTotals, RepositoryTotals } from "./transfer/copy-steps.ts";
export { type Graph, type GraphManifest, type GraphOptions, graphOf, type LeftOutChild } from "./transfer/graph.ts";
export { type VerifyOptions, verify } from "./transfer/verify.ts";
export {
  formatVerifyEvidence,
  type VerifyEvidence,
  type VerifySubject,
  verifyEvidence,
} from "./transfer/verify-evidence.ts";
export type { VerifiedContent, VerifyFinding, VerifyReport } from "./transfer/verify-report.ts";
