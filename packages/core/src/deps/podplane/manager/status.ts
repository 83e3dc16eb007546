import { utimes } from "node:fs/promises";
import { onDisk } from "../../file-error.ts";
import { readCached, readIfWhole } from "./cached-manifest.ts";
import { type ManagerContext, readCache } from "./manager-context.ts";
import { readIfAny } from "./manifest-bytes.ts";
import { isSameManifest } from "./manifest-format.ts";
import { ManifestLoader } from "./manifest-loader.ts";
import type { ManifestSpot } from "./manifest-names.ts";
import type { ManifestStatus, PodplaneCallOptions, PodplaneStatus } from "./options.ts";

const dayMs = 24 * 60 * 60 * 1000;

/** Compares the manifests of a cache with those that are published; see {@link PodplaneDeps.status}. */
export async function statusOf(
  context: ManagerContext,
  kind: string,
  arch: string,
  options: PodplaneCallOptions,
): Promise<PodplaneStatus> {
  await using cache = await readCache(context, options);
  const { spots } = context;
  const ending = new AbortController();
  const signal = options.signal ? AbortSignal.any([options.signal, ending.signal]) : ending.signal;
  const loader = new ManifestLoader(context, cache, { ...options, signal });
  const comparing = [
    compare(spots.vmconfig(kind, arch), loader),
    compare(spots.components, loader),
    compare(spots.templates, loader),
    compare(spots.seeds, loader),
  ] as const;
  try {
    const [vmconfig, ...shared] = await Promise.all(comparing);
    const [components, templates, seeds] = shared;
    const others = shared.some(({ cached, needsUpdate }) => cached !== undefined && needsUpdate);
    return { needsUpdate: vmconfig.needsUpdate || others, vmconfig, components, templates, seeds };
  } finally {
    ending.abort(); // those that still ask when one has failed
    await Promise.allSettled(comparing);
  }
}

/** Whether a cached manifest is older than that, or there is none. */
export async function isStale(
  { now }: Pick<ManagerContext, "now">,
  { paths, stem }: Pick<ManifestSpot<unknown>, "paths" | "stem">,
  thresholdMs: number,
): Promise<boolean> {
  const found = await readIfAny(paths.latest, stem);
  return found === undefined || now().getTime() - found.modifiedMs > thresholdMs;
}

/** What to tell a user of updates, if anything; see {@link PodplaneDeps.checkUpdateNudge}. */
export async function updateNudge(
  context: ManagerContext,
  kind: string,
  arch: string,
  options: PodplaneCallOptions,
): Promise<string> {
  try {
    return await nudge(context, kind, arch, options);
  } catch {
    return ""; // it is only a hint
  }
}

async function nudge(
  context: ManagerContext,
  kind: string,
  arch: string,
  options: PodplaneCallOptions,
): Promise<string> {
  const spot = context.spots.vmconfig(kind, arch);
  const cached = await readCached(spot);
  if (cached === undefined) return "";
  const { now } = context;
  let latest: string;
  try {
    await using cache = await readCache(context, options);
    const { manifest } = await new ManifestLoader(context, cache, options).published(spot);
    latest = spot.format.versionOf(manifest);
  } catch {
    const days = Math.max(0, Math.floor((now().getTime() - cached.modifiedMs) / dayMs));
    const age = `${days} day${days === 1 ? "" : "s"}`;
    return `The cached dependencies were last checked ${age} ago, and cannot be checked now: download them again when online`;
  }
  const time = now();
  await onDisk(cached.path, () => utimes(cached.path, time, time));
  const version = spot.format.versionOf(cached.manifest);
  if (latest === version) return "";
  return `Newer dependencies are available (${version} → ${latest}): download them with "deps download"`;
}

async function compare<Manifest>(spot: ManifestSpot<Manifest>, loader: ManifestLoader): Promise<ManifestStatus> {
  const { format } = spot;
  const [{ manifest }, cached] = await Promise.all([loader.published(spot), readIfWhole(spot)]);
  const latest = format.versionOf(manifest);
  if (cached === undefined) return { needsUpdate: true, latest };
  const needsUpdate = !isSameManifest(format, cached.manifest, manifest);
  return { needsUpdate, cached: format.versionOf(cached.manifest), latest };
}
