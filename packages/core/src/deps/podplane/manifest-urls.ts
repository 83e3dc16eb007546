import { requirePathSegment } from "../path-segment.ts";
import { osName } from "./well-known.ts";

/** Where the manifests are published below an address. */
export interface ManifestUrls {
  /** @throws DepsError `NAME_UNSAFE` */
  vmconfig(kind: string, arch: string): string;
  readonly components: string;
  readonly templates: string;
  readonly seeds: string;
}

/** Where the manifests are published below `base`, such as `https://deps.podplane.dev`; slashes at its end do not count. */
export function manifestUrls(base: string): ManifestUrls {
  const urlOf = (file: string) => `${base.replace(/\/+$/, "")}/manifests/${encodeURIComponent(file)}`;
  return {
    vmconfig: (kind, arch) => urlOf(vmConfigFile(kind, arch)),
    components: urlOf("components.json"),
    templates: urlOf("templates.json"),
    seeds: urlOf("seeds.json"),
  };
}

/**
 * The file name of a vmconfig manifest, such as `vmconfig_knc_debian-13_arm64.json`.
 * @throws DepsError `NAME_UNSAFE`
 */
export function vmConfigFile(kind: string, arch: string): string {
  const stem = `vmconfig_${requirePathSegment(kind, "kind")}_${osName}_${requirePathSegment(arch, "architecture")}`;
  return requirePathSegment(`${stem}.json`, "manifest name");
}
