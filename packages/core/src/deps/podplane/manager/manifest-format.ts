import {
  type ComponentsManifest,
  clearComponentsMarkers,
  formatComponentsManifest,
  parseComponentsManifest,
} from "../components-manifest.ts";
import type { ParseManifestOptions } from "../fields.ts";
import { clearSeedsMarkers, formatSeedsManifest, parseSeedsManifest, type SeedsManifest } from "../seeds-manifest.ts";
import {
  clearTemplatesMarkers,
  formatTemplatesManifest,
  parseTemplatesManifest,
  type TemplatesManifest,
} from "../templates-manifest.ts";
import {
  clearVmConfigMarkers,
  formatVmConfigManifest,
  parseVmConfigManifest,
  type VmConfigManifest,
} from "../vmconfig-manifest.ts";

/** The manifests there are. */
export type ManifestName = "vmconfig" | "components" | "templates" | "seeds";

/** How manifests of one sort are read and written. */
export interface ManifestFormat<Manifest> {
  readonly name: ManifestName;
  parse(bytes: Uint8Array | string, options?: ParseManifestOptions): Manifest;
  format(manifest: Manifest): string;
  /** Without what the cache noted. */
  clear(manifest: Manifest): Manifest;
  versionOf(manifest: Manifest): string;
}

/** Files of a machine. */
export const vmConfigFormat: ManifestFormat<VmConfigManifest> = {
  name: "vmconfig",
  parse: parseVmConfigManifest,
  format: formatVmConfigManifest,
  clear: clearVmConfigMarkers,
  versionOf: ({ vmconfig }) => vmconfig.version,
};

/** Images of components. */
export const componentsFormat: ManifestFormat<ComponentsManifest> = {
  name: "components",
  parse: parseComponentsManifest,
  format: formatComponentsManifest,
  clear: clearComponentsMarkers,
  versionOf: ({ components }) => components.version,
};

/** Charts and their images. */
export const templatesFormat: ManifestFormat<TemplatesManifest> = {
  name: "templates",
  parse: parseTemplatesManifest,
  format: formatTemplatesManifest,
  clear: clearTemplatesMarkers,
  versionOf: ({ templates }) => templates.version,
};

/** Snapshots. */
export const seedsFormat: ManifestFormat<SeedsManifest> = {
  name: "seeds",
  parse: parseSeedsManifest,
  format: formatSeedsManifest,
  clear: clearSeedsMarkers,
  versionOf: ({ seeds }) => seeds.version,
};

/** Whether two manifests say the same, apart from what a cache noted in them. */
export function isSameManifest<Manifest>(format: ManifestFormat<Manifest>, one: Manifest, other: Manifest): boolean {
  return format.format(format.clear(one)) === format.format(format.clear(other));
}
