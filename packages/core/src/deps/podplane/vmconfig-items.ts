import { parseItemDigest } from "../digest.ts";
import { DepsError } from "../errors.ts";
import type { DepsItem } from "../manifest.ts";
import type { Selectors } from "../selectors.ts";
import type { CachePaths } from "./cache-paths.ts";
import { itemSelectors, type VmConfigItem } from "./items.ts";
import type { VmConfigManifest } from "./vmconfig-manifest.ts";

/** What everything in a vmconfig manifest is for. */
export function machineSelectors({ vmconfig: { kind, os } }: VmConfigManifest): Selectors {
  const axes = { kind, os: os.name, arch: os.arch };
  return Object.fromEntries(Object.entries(axes).flatMap(([axis, value]) => (value === "" ? [] : [[axis, [value]]])));
}

/**
 * A file of a machine, kept by its digest.
 * @throws DepsError `URL_INVALID`, `NAME_UNSAFE`, and those of {@link parseItemDigest}
 */
export function fileItem(item: VmConfigItem, manifest: VmConfigManifest, paths: CachePaths): DepsItem {
  const { kind, os } = manifest.vmconfig;
  const { name, version, url, type, size } = item;
  const digest = parseItemDigest(item.digest, name);
  return {
    id: `file/${kind}/${os.arch}/${name}`,
    version,
    source: { type: "http", urls: [requireHttpUrl(url, name)] },
    digest,
    size,
    selectors: { ...machineSelectors(manifest), ...itemSelectors(item) },
    sink: { type: "file", path: paths.vmConfigContent(digest), links: [paths.vmConfigArtifact(item)] },
    labels: { domain: "vmconfig", name, type },
  };
}

/**
 * An address files can be fetched from: `http://` or `https://`, and a host.
 * @throws DepsError `URL_INVALID`
 */
export function requireHttpUrl(url: string, item: string): string {
  if (/^https?:\/\//i.test(url) && URL.canParse(url)) return url;
  const shown = url
    .replace(/^.*@/s, "***@") // before a query is looked for: a password may have a question mark in it
    .replace(/\?.*$/s, "?***")
    .slice(0, 300);
  const reason = "it is no http or https address";
  const message = `cannot fetch ${item} from ${JSON.stringify(shown)}: ${reason}`;
  throw new DepsError("URL_INVALID", message, { item, url: shown, reason });
}
