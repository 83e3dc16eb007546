import { planDeps } from "../../apply/plan-deps.ts";
import { DepsError, isDepsError } from "../../errors.ts";
import type { DepsItem } from "../../manifest.ts";
import type { VmConfigManifest } from "../vmconfig-manifest.ts";
import { adoptFiles } from "./adopt-files.ts";
import { askedItems } from "./asked-items.ts";
import { readCached } from "./cached-manifest.ts";
import { lookIntoCache, type ManagerContext } from "./manager-context.ts";
import type { PodplaneVerifyOptions } from "./options.ts";

/** How many of what is missing a message names. */
const namedAtMost = 8;

/** Looks whether everything a machine was downloaded with is there; see {@link PodplaneDeps.verify}. */
export async function verifyMachine(
  context: ManagerContext,
  kind: string,
  arch: string,
  { isDeep, signal, onEvent }: PodplaneVerifyOptions,
): Promise<VmConfigManifest> {
  const spot = context.spots.vmconfig(kind, arch);
  const cached = await readCached(spot);
  if (cached === undefined) throw notCached(spot.stem, spot.paths.latest);
  await using cache = await lookIntoCache(context, { signal, onEvent });
  if (cache === undefined) throw notCached(spot.stem, spot.paths.latest);
  const items = await askedItems({ vmconfigs: [cached] }, context, cache.state);
  await adoptFiles(items, cache, signal);
  const plan = await planDeps(items, cache, { isDeep, isOffline: true, signal, onEvent });
  const missing = plan.items.filter(({ presence }) => presence !== "present").map(({ item }) => item);
  const [first] = missing;
  if (first === undefined) return cached.manifest;
  const names = missing.slice(0, namedAtMost).map(nameOf).join(", ");
  const more = missing.length > namedAtMost ? ` and ${missing.length - namedAtMost} more` : "";
  const path = placeOf(first);
  const message = `the cache at ${context.paths.root} lacks ${names}${more}, or holds other bytes than it should: first at ${path}`;
  throw new DepsError("INCOMPLETE", message, { item: nameOf(first), path });
}

/**
 * Whether an error of {@link PodplaneDeps.verify} means that downloading again mends it: nothing is cached, something is
 * missing or wrong, or the cached manifest itself cannot be read.
 */
export function isMendedByDownload(error: unknown): boolean {
  return isDepsError(error, "NOT_CACHED") || isDepsError(error, "INCOMPLETE") || isDepsError(error, "MANIFEST_PARSE");
}

/** An error for a manifest that is not in the cache. */
export function notCached(stem: string, path: string): DepsError<"NOT_CACHED"> {
  return new DepsError("NOT_CACHED", `manifest ${stem} is not cached: there is no ${path}`, { path });
}

function nameOf({ id, labels }: DepsItem): string {
  return labels.name ?? id;
}

function placeOf({ sink }: DepsItem): string {
  if (sink.type === "repository-layout") return `${sink.root}/${sink.repository}`;
  return sink.type === "push" ? sink.repository : sink.path;
}
