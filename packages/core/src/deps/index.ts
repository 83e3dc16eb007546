/**
 * Describes what an installer depends on (files, images, charts, git repositories) as manifests of items, chooses among
 * them, and says where in a cache each belongs. Everything here is a pure function of its arguments: nothing is read from
 * the network or the disk.
 * @packageDocumentation
 */

export { type ParseItemDigestOptions, parseItemDigest, writtenDigestHex } from "./digest.ts";
export { DepsError, type DepsErrorCode, type DepsErrorDetails, isDepsError } from "./errors.ts";
export { compareBytes, defaultMaxManifestBytes, formatJson } from "./json.ts";
export type * from "./manifest.ts";
export { depsItems } from "./manifest-file/deps-items.ts";
export { type DepsPaths, depsPaths } from "./manifest-file/deps-paths.ts";
export {
  type DepsManifestOptions,
  depsManifestOf,
  type ParseDepsManifestOptions,
  parseDepsManifest,
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
