import { unreadable } from "../../json.ts";
import type { ManifestPaths as CachedPaths, CachePaths } from "../cache-paths.ts";
import type { ComponentsManifest } from "../components-manifest.ts";
import { requireReleased } from "../items.ts";
import { type ManifestUrls, vmConfigFile } from "../manifest-urls.ts";
import type { SeedsManifest } from "../seeds-manifest.ts";
import type { TemplatesManifest } from "../templates-manifest.ts";
import type { VmConfigManifest } from "../vmconfig-manifest.ts";
import {
  componentsFormat,
  type ManifestFormat,
  type ManifestName,
  seedsFormat,
  templatesFormat,
  vmConfigFormat,
} from "./manifest-format.ts";

/** One manifest: what it is called, where it is published and where it is cached. */
export interface ManifestSpot<Manifest> {
  readonly format: ManifestFormat<Manifest>;
  /** Such as `components` or `vmconfig_knc_debian-13_arm64`: unlike that of any other. */
  readonly stem: string;
  readonly url: string;
  readonly paths: CachedPaths;
  /**
   * Makes sure that it is the manifest that was meant.
   * @throws DepsError `MANIFEST_PARSE`
   */
  readonly check?: ((manifest: Manifest, name: string) => void) | undefined;
  /**
   * Makes sure that it may have been published.
   * @throws DepsError `STUB_PUBLISHED`
   */
  readonly requirePublished?: ((manifest: Manifest) => void) | undefined;
}

/** Every manifest of a cache. */
export interface ManifestSpots {
  /** @throws DepsError `NAME_UNSAFE` */
  vmconfig(kind: string, arch: string): ManifestSpot<VmConfigManifest>;
  readonly components: ManifestSpot<ComponentsManifest>;
  readonly templates: ManifestSpot<TemplatesManifest>;
  readonly seeds: ManifestSpot<SeedsManifest>;
}

/** The manifests that are published below an address and cached in a folder. */
export function manifestSpots(urls: ManifestUrls, paths: CachePaths): ManifestSpots {
  const spot = <Manifest>(
    format: ManifestFormat<Manifest>,
    name: Exclude<ManifestName, "vmconfig">,
    cached: CachedPaths,
  ): ManifestSpot<Manifest> => ({ format, stem: name, url: urls[name], paths: cached });
  return {
    vmconfig: (kind, arch) => ({
      format: vmConfigFormat,
      stem: vmConfigFile(kind, arch).replace(/\.json$/, ""),
      url: urls.vmconfig(kind, arch),
      paths: paths.vmConfigManifest(kind, arch),
      check: (manifest, name) => requireMachine(manifest, kind, arch, name),
      requirePublished: (manifest) => requireReleased(manifest),
    }),
    components: spot(componentsFormat, "components", paths.componentsManifest),
    templates: spot(templatesFormat, "templates", paths.templatesManifest),
    seeds: spot(seedsFormat, "seeds", paths.seedsManifest),
  };
}

/** A manifest that says what machine it is for is for that one alone. */
function requireMachine({ vmconfig }: VmConfigManifest, kind: string, arch: string, name: string): void {
  const require = (path: string, said: string, wanted: string) => {
    if (said !== "" && said !== wanted)
      throw unreadable(name, path, `it is for ${JSON.stringify(said)}, not ${wanted}`);
  };
  require("vmconfig.kind", vmconfig.kind, kind);
  require("vmconfig.os.arch", vmconfig.os.arch, arch);
}
