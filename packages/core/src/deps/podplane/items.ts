import { digestAlgorithm, digestHex } from "@tranship/registry";
import { parseItemDigest } from "../digest.ts";
import { DepsError } from "../errors.ts";
import { compareBytes } from "../json.ts";
import { requirePathSegment } from "../path-segment.ts";
import { type AxisChoice, chooseNames, isSelected, type Selectors } from "../selectors.ts";
import type { VmConfigDependency, VmConfigManifest } from "./vmconfig-manifest.ts";
import { osImageName, vmConfigName } from "./well-known.ts";

/** A file of a vmconfig manifest with its name. */
export interface VmConfigItem extends VmConfigDependency {
  readonly name: string;
}

/** Which files of a vmconfig manifest are wanted. */
export interface ItemFilter {
  /** Cloud providers, as lists with commas; `all` for all. Files for none in particular are always wanted. @defaultValue none */
  readonly providers?: string | readonly string[] | undefined;
  /** Leaves out what the cache did not note as cached. @defaultValue `false` */
  readonly cachedOnly?: boolean | undefined;
}

/** All files of a vmconfig manifest: the disk image first, as `os-image`, then its dependencies by name, bytewise. */
export function items(manifest: VmConfigManifest): readonly VmConfigItem[] {
  return [{ ...manifest.vmconfig.os.image, name: osImageName }, ...dependenciesOf(manifest)];
}

/** The files that are to be fetched: {@link items} that are wanted, without the stub. */
export function downloadItems(manifest: VmConfigManifest, filter: ItemFilter = {}): readonly VmConfigItem[] {
  return items(manifest).filter((item) => !isStub(item) && isWanted(item, filter));
}

/** The files that are installed on a machine: its dependencies that are wanted, without the stub, by name, bytewise. */
export function installItems(manifest: VmConfigManifest, filter: ItemFilter = {}): readonly VmConfigItem[] {
  return dependenciesOf(manifest).filter((item) => !isStub(item) && isWanted(item, filter));
}

/** Whether the item that configures machines is released and wanted. */
export function hasVmConfigDep(manifest: VmConfigManifest, filter: ItemFilter = {}): boolean {
  return installItems(manifest, filter).some(({ name }) => name === vmConfigName);
}

/** Whether an item stands for a package not yet released: it is called `vmconfig`, without URL and digest. */
export function isStub({ name, url, digest }: Pick<VmConfigItem, "name" | "url" | "digest">): boolean {
  return name === vmConfigName && url === "" && digest === "";
}

/**
 * Makes sure that a published manifest has no stub: only local ones may.
 * @throws DepsError `STUB_PUBLISHED`
 */
export function requireReleased(manifest: VmConfigManifest, name = "the vmconfig manifest"): void {
  const stub = items(manifest).find(isStub);
  if (stub === undefined) return;
  const message = `cannot use ${name}: ${stub.name} is not released: it has neither URL nor digest`;
  throw new DepsError("STUB_PUBLISHED", message, { item: stub.name });
}

/** What a file is for: its providers. */
export function itemSelectors({ providers }: Pick<VmConfigDependency, "providers">): Selectors {
  return providers.length === 0 ? {} : { provider: providers };
}

/** What follows the last slash of an address, with its query; slashes at its end do not count. An empty one gives `.`. */
export function filename(url: string): string {
  if (url === "") return ".";
  let end = url.length;
  while (url[end - 1] === "/") end -= 1;
  return end === 0 ? "/" : url.slice(url.lastIndexOf("/", end - 1) + 1, end);
}

/** The name of a file on the machine it is installed on. */
export function localFilename({ name, type }: Pick<VmConfigItem, "name" | "type">): string {
  return type === "deb" || type === "tar.gz" ? `${name}.${type}` : name;
}

/**
 * Where a machine fetches a file: from `base`, a file server over the cache, or, when that is empty, where the manifest
 * says. What has a meaning of its own in addresses, such as `+` and `?`, is escaped.
 * @throws DepsError `NAME_UNSAFE`
 */
export function resolveUrl({ name, version, url }: Pick<VmConfigItem, "name" | "version" | "url">, base = ""): string {
  if (base === "") return url;
  const path = ["vmconfig", "artifacts", ...artifactSegments({ name, version, url })].map(encodeURIComponent);
  return `${base.replace(/\/+$/, "")}/${path.join("/")}`;
}

/**
 * Where a machine fetches a file from `base`, a file server over the cache, by what it is: right for every architecture,
 * also where several have a file of one name. The cache keeps one link by name only.
 * @throws DepsError `DIGEST_MISSING`, `DIGEST_FORMAT`, `DIGEST_ALGORITHM`, `DIGEST_LENGTH`
 */
export function contentUrl({ name, digest }: Pick<VmConfigItem, "name" | "digest">, base: string): string {
  const parsed = parseItemDigest(digest, name);
  return `${base.replace(/\/+$/, "")}/vmconfig/blobs/${digestAlgorithm(parsed)}/${digestHex(parsed)}`;
}

/**
 * The path of a file below the folder of artifacts: name, version unless it is empty, and last part of the URL.
 * @throws DepsError `NAME_UNSAFE`
 */
export function artifactSegments({ name, version, url }: Pick<VmConfigItem, "name" | "version" | "url">): string[] {
  const file = filename(url);
  return [
    requirePathSegment(name, "item name"),
    ...(version === "" ? [] : [requirePathSegment(version, `version of ${name}`)]),
    requirePathSegment(file, `file name of ${name}`),
  ];
}

/** The providers of a filter, as a choice on the axis `provider`. */
export function chooseProviders(providers: string | readonly string[] = []): AxisChoice {
  return chooseNames(providers);
}

function dependenciesOf(manifest: VmConfigManifest): readonly VmConfigItem[] {
  const entries = Object.entries(manifest.vmconfig.dependencies).sort(([a], [b]) => compareBytes(a, b));
  return entries.map(([name, dependency]) => ({ ...dependency, name }));
}

function isWanted(item: VmConfigItem, { providers, cachedOnly = false }: ItemFilter): boolean {
  if (cachedOnly && !item.cached) return false;
  return isSelected(itemSelectors(item), { provider: chooseProviders(providers) });
}
