/**
 * The cache an installer embeds: a manifest of files, images, charts, git repositories and snapshots becomes a folder in
 * which all of it lies, verified. {@link planDeps} says what is missing, {@link applyDeps} brings it into a
 * {@link DepsCache}; {@link verifyItems}, {@link prunePlan}, {@link exportCache} and {@link serveCache} look after it.
 * {@link PodplaneDeps} does all this for the manifests of Podplane, as Podplane's own tools read and write them.
 * @packageDocumentation
 */

export type { DepsAccess } from "./access.ts";
export { type ApplyDepsOptions, applyDeps } from "./apply/apply-deps.ts";
export type { DepsReport, ItemReport } from "./apply/deps-report.ts";
export { type CacheParts, type PlanDepsOptions, planDeps } from "./apply/plan-deps.ts";
export type { CacheState } from "./cache/cache-state.ts";
export { DepsCache, type OpenCacheOptions } from "./cache/deps-cache.ts";
export type { Stamps } from "./cache/stamps.ts";
export type { ChartBlob } from "./charts/chart-image.ts";
export { type PackChartOptions, type PackedChart, packChart } from "./charts/pack-chart.ts";
export { type ParseItemDigestOptions, parseItemDigest, writtenDigestHex } from "./digest.ts";
export { DepsError, type DepsErrorCode, type DepsErrorDetails, isDepsError } from "./errors.ts";
export type { DepsEvent, DepsFailure, DepsItemEvent, DepsWarning, OnDepsEvent } from "./events.ts";
export { type FetchDocumentOptions, type FetchedDocument, fetchDocument } from "./files/fetch-document.ts";
export { exactSemverTags } from "./git/semver-tags.ts";
export { type PopulateComponentsOptions, populateComponentsZotStore } from "./images/populate-components.ts";
export {
  type CheckOptions,
  type ContentCheck,
  type ExpectedContent,
  type FillOptions,
  type ItemContent,
  type StagedFile,
  type Staging,
  StartOver,
} from "./jobs/item-job.ts";
export { compareBytes, defaultMaxManifestBytes, formatJson } from "./json.ts";
export type * from "./manifest.ts";
export { depsItems } from "./manifest-file/deps-items.ts";
export { type DepsPaths, depsPaths } from "./manifest-file/deps-paths.ts";
export {
  type ManifestCacheStatus,
  type ManifestCallOptions,
  ManifestDeps,
  type ManifestDepsOptions,
  type ManifestDownloadOptions,
  type ManifestDownloadReport,
  type ManifestPlanOptions,
  type ManifestSource,
} from "./manifest-file/manifest-deps.ts";
export {
  type DepsManifestOptions,
  depsManifestOf,
  type ParseDepsManifestOptions,
  parseDepsManifest,
  readManifestJson,
} from "./manifest-file/parse-manifest.ts";
export { mergeItems } from "./merge-items.ts";
export { isPathSegment, requirePathSegment, requirePathSegments } from "./path-segment.ts";
export { type DepsPlan, type PlannedItem, type Presence, planOf } from "./plan.ts";
export * from "./podplane/index.ts";
export {
  type AxisChoice,
  chooseNames,
  isSelected,
  joinSelectors,
  parseNames,
  parseSelection,
  type Selection,
  type Selectors,
} from "./selectors.ts";
export { allowHosts, type HostPolicy } from "./trust/host-policy.ts";
export type { ManifestTrust, SignatureTrust } from "./trust/manifest-trust.ts";
export type { CacheTreeOptions } from "./upkeep/cache-tree.ts";
export { type ExportCacheOptions, type ExportReport, exportCache } from "./upkeep/export-cache.ts";
export type { ExportedItem } from "./upkeep/export-file.ts";
export { type ImportCacheOptions, type ImportReport, importCache } from "./upkeep/import-cache.ts";
export { type PrunePlanOptions, prunePlan } from "./upkeep/plan-pruning.ts";
export { type PruneOptions, type PruneReport, prune } from "./upkeep/prune.ts";
export type {
  PrunePlan,
  PruneReason,
  Removal,
  UnknownPath,
  UnlistedEntry,
  Unlisting,
} from "./upkeep/prune-plan.ts";
export { type ServeCacheOptions, serveCache } from "./upkeep/serve-cache.ts";
export type { ReadableCache } from "./upkeep/upkeep-cache.ts";
export {
  type VerifiedItem,
  type VerifyDepsReport,
  type VerifyItemsOptions,
  verifyItems,
} from "./upkeep/verify-items.ts";
