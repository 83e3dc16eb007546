import { readCached, readIfWhole } from "./cached-manifest.ts";
import { latestFiles, manifestFiles, noteManifests } from "./commit-manifests.ts";
import { type ManagerContext, openCache } from "./manager-context.ts";
import { ManifestLoader } from "./manifest-loader.ts";
import type { ManifestSpot } from "./manifest-names.ts";
import type { PodplaneCallOptions } from "./options.ts";
import { notCached } from "./verify.ts";

/** A cached manifest; fetched and written, with nothing noted in it, if there is none or it is torn. */
export async function ensureManifest<Manifest>(
  context: ManagerContext,
  spot: ManifestSpot<Manifest>,
  options: PodplaneCallOptions,
): Promise<Manifest> {
  const cached = await readIfWhole(spot);
  if (cached !== undefined) return cached.manifest;
  await using cache = await openCache(context, options);
  const arrived = await readIfWhole(spot); // whoever had the cache may have brought it, with what is noted in it
  if (arrived !== undefined) return arrived.manifest;
  const loaded = await new ManifestLoader(context, cache, options).published(spot);
  spot.requirePublished?.(loaded.manifest);
  const files = await manifestFiles({ loaded, marked: loaded.manifest }, cache.workFolder);
  noteManifests(cache, [loaded]);
  await cache.commit(files);
  return loaded.manifest;
}

/**
 * Changes a cached manifest, which nobody else changes meanwhile.
 * @throws DepsError `NOT_CACHED`, `MANIFEST_PARSE`
 */
export async function changeManifest<Manifest>(
  context: ManagerContext,
  spot: ManifestSpot<Manifest>,
  change: (manifest: Manifest) => Manifest,
): Promise<void> {
  const { stem, paths, format } = spot;
  const missing = () => notCached(stem, paths.latest);
  if ((await readCached(spot)) === undefined) throw missing(); // before a cache is made for it
  await using cache = await openCache(context, {});
  const cached = await readCached(spot);
  if (cached === undefined) throw missing();
  await cache.commit(await latestFiles(spot, format.format(change(cached.manifest))));
}

/** Writes a manifest as it is given, once it is known that it can be read. */
export async function writeManifest<Manifest>(
  context: ManagerContext,
  spot: ManifestSpot<Manifest>,
  raw: Uint8Array | string,
): Promise<void> {
  spot.format.parse(raw, { name: `manifest ${spot.stem}` });
  await using cache = await openCache(context, {});
  await cache.commit(await latestFiles(spot, raw));
}
