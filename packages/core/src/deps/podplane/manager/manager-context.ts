import { relative, resolve, sep } from "node:path";
import type { DepsAccess } from "../../access.ts";
import { DepsCache, type OpenCacheOptions } from "../../cache/deps-cache.ts";
import { isDepsError } from "../../errors.ts";
import { allowHosts, type HostPolicy } from "../../trust/host-policy.ts";
import { trustPolicy } from "../../trust/manifest-trust.ts";
import { type CachePaths, cachePaths } from "../cache-paths.ts";
import { manifestUrls } from "../manifest-urls.ts";
import { osName, podplaneProfiles, supportedArchs } from "../well-known.ts";
import type { LoaderContext } from "./manifest-loader.ts";
import { type ManifestSpots, manifestSpots } from "./manifest-names.ts";
import type { RowContext } from "./manifest-rows.ts";
import type { PodplaneCallOptions, PodplaneDepsOptions } from "./options.ts";

/** What all operations on a cache share. Nothing in it changes. */
export interface ManagerContext extends LoaderContext, RowContext {
  readonly spots: ManifestSpots;
  readonly recommendedAddons: readonly string[];
}

/** How a cache is opened. */
export type OpenOptions = Pick<PodplaneCallOptions, "signal" | "onEvent" | "lock" | "lockTimeoutMs">;

/** The manifests that can be pinned. */
const pinned = new RegExp(
  `^(?:components|templates|seeds|vmconfig|vmconfig_.+_${osName}_(?:${supportedArchs.join("|")}))$`,
);

/**
 * What options say, with what they leave out.
 * @throws TypeError for keys, hosts and names of manifests that are none
 */
export function managerContext(options: PodplaneDepsOptions): ManagerContext {
  const { cacheDir, trust, sleep, now = () => new Date(), profile = "v0.8" } = options;
  const { baseUrl, storePrefix, imageStore, recommendedAddons } =
    typeof profile === "string" ? podplaneProfiles[profile] : profile;
  const paths = cachePaths(resolve(cacheDir), { now, imageStore });
  for (const name of Object.keys(trust?.pins ?? {}))
    if (!pinned.test(name))
      throw new TypeError(`no manifest is called ${JSON.stringify(name)}: its pin would pin nothing`);
  return {
    access: withHosts(options.access, trust?.allowedHosts),
    trust: trustPolicy(trust),
    now,
    sleep,
    paths,
    storePrefix: options.storePrefix ?? storePrefix,
    spots: manifestSpots(manifestUrls(options.baseUrl ?? baseUrl), paths),
    recommendedAddons,
  };
}

/** The cache, to be changed; waits for others who change it. */
export function openCache(
  { paths, now }: ManagerContext,
  { signal, onEvent, lock, lockTimeoutMs }: OpenOptions,
): Promise<DepsCache> {
  return DepsCache.open(paths.root, { ...placesOf(paths), lock, lockTimeoutMs, signal, onEvent, now });
}

/** The cache, to look what is there; `undefined` if there is none. Nothing is written. */
export async function readCache(
  { paths, now }: ManagerContext,
  { signal, onEvent }: OpenOptions,
): Promise<DepsCache | undefined> {
  try {
    return await DepsCache.open(paths.root, { ...placesOf(paths), readOnly: true, signal, onEvent, now });
  } catch (error) {
    if (isDepsError(error, "NOT_CACHED")) return undefined;
    throw error;
  }
}

/** A cache that is there, to look what is in it; what is found out about its files is kept, unless somebody else has it. */
export async function lookIntoCache(context: ManagerContext, options: OpenOptions): Promise<DepsCache | undefined> {
  const { paths, now } = context;
  const { signal, onEvent } = options;
  const tried = await DepsCache.open(paths.root, { ...placesOf(paths), lock: "fail", signal, onEvent, now }).catch(
    (error: unknown) => {
      if (isDepsError(error, "CACHE_LOCKED") || isDepsError(error, "FILE_FAILED")) return undefined;
      throw error;
    },
  );
  return tried ?? readCache(context, options);
}

/** The image store is locked with the cache, if it is beside it. */
function placesOf({ root, registry }: CachePaths): Pick<OpenCacheOptions, "also"> {
  const below = relative(root, registry);
  return below === ".." || below.startsWith(`..${sep}`) ? { also: [registry] } : {};
}

function withHosts(access: DepsAccess, allowed: readonly string[] | undefined): DepsAccess {
  if (allowed === undefined) return access;
  const policies = [access.hosts, allowHosts(allowed)];
  const hosts: HostPolicy = {
    require(host, item) {
      for (const policy of policies) policy?.require(host, item);
    },
  };
  return { ...access, hosts };
}
