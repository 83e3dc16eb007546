export { type CachePaths, type CachePathsOptions, cachePaths, type ManifestPaths } from "./cache-paths.ts";
export { chartReference, chartRepository, requireChart } from "./charts.ts";
export { parseArchs, secretProviders } from "./choices.ts";
export {
  type ComponentImage,
  type ComponentsManifest,
  clearComponentsMarkers,
  formatComponentsManifest,
  type GitSource,
  parseComponentsManifest,
} from "./components-manifest.ts";
export { type PodplaneConfig, type PodplaneHost, podplaneConfig } from "./config.ts";
export type { ParseManifestOptions, Rest } from "./fields.ts";
export { type GitRef, gitRefOf, gitRepositoryPath } from "./git-source.ts";
export {
  chartTag,
  type ImageName,
  mirroredImageRef,
  registryHost,
  resolvedImageRef,
  splitImageName,
  storeRepository,
} from "./image-names.ts";
export type { ImageRow } from "./image-row.ts";
export {
  type ComponentImageFilter,
  componentImageIndexes,
  componentImageSelectors,
  imageSelectors,
  templateImageIndexes,
} from "./image-selection.ts";
export {
  contentUrl,
  downloadItems,
  filename,
  hasVmConfigDep,
  type ItemFilter,
  installItems,
  isStub,
  itemSelectors,
  items,
  localFilename,
  requireReleased,
  resolveUrl,
  type VmConfigItem,
} from "./items.ts";
export type { CachedItemsOptions } from "./manager/cached-items.ts";
export type { CachedManifest } from "./manager/cached-manifest.ts";
export type { CachedChart } from "./manager/charts.ts";
export type { ManifestName } from "./manager/manifest-format.ts";
export type {
  ManifestFiles,
  ManifestStatus,
  PodplaneCallOptions,
  PodplaneDepsOptions,
  PodplaneDownloadOptions,
  PodplaneReport,
  PodplaneStatus,
  PodplaneVerifyOptions,
  UsedManifest,
} from "./manager/options.ts";
export { PodplaneDeps } from "./manager/podplane-deps.ts";
export { isMendedByDownload } from "./manager/verify.ts";
export { type ManifestUrls, manifestUrls, vmConfigFile } from "./manifest-urls.ts";
export { markChartCached, markItemsCached, markRowsCached, markSnapshotsCached } from "./markers.ts";
export {
  type LoadedManifest,
  type PodplaneItemsOptions,
  type PodplaneManifests,
  type PodplaneSelection,
  podplaneItems,
} from "./podplane-items.ts";
export {
  clearSeedsMarkers,
  formatSeedsManifest,
  parseSeedsManifest,
  type SeedSnapshot,
  type SeedsManifest,
} from "./seeds-manifest.ts";
export {
  clearTemplatesMarkers,
  formatTemplatesManifest,
  parseTemplatesManifest,
  type TemplateChart,
  type TemplateImage,
  type TemplatesManifest,
} from "./templates-manifest.ts";
export { validateImageRows, validateItems, validateSnapshot } from "./validate.ts";
export {
  type BootConfig,
  type BootFile,
  clearVmConfigMarkers,
  formatVmConfigManifest,
  isBootComplete,
  isSameVmConfig,
  parseVmConfigManifest,
  type VmConfigDependency,
  type VmConfigManifest,
} from "./vmconfig-manifest.ts";
export {
  defaultKind,
  osImageName,
  osName,
  type PodplaneProfile,
  podplaneProfiles,
  supportedArchs,
  vmConfigName,
} from "./well-known.ts";
