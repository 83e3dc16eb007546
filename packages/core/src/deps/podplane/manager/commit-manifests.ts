import type { DepsCache } from "../../cache/deps-cache.ts";
import { keptPath, readIfAny, readKept } from "./manifest-bytes.ts";
import type { Loaded } from "./manifest-loader.ts";
import type { ManifestSpot } from "./manifest-names.ts";

/** A manifest to be written: as it is to be cached, and as it was published. */
export interface MarkedManifest<Manifest> {
  readonly loaded: Loaded<Manifest>;
  readonly marked: Manifest;
}

/** A file of a commit. */
export interface CommitFile {
  readonly path: string;
  readonly bytes: Uint8Array | string;
}

/** The files a manifest becomes: the latest, a copy that stays if it is another than before, and what was published. */
export async function manifestFiles<Manifest>(
  { loaded, marked }: MarkedManifest<Manifest>,
  workFolder: string,
): Promise<readonly CommitFile[]> {
  const { spot, bytes, digest } = loaded;
  const isKept = (await readKept(workFolder, digest)) !== undefined;
  const kept = isKept ? [] : [{ path: keptPath(workFolder, digest), bytes }];
  return [...kept, ...(await latestFiles(spot, spot.format.format(marked)))];
}

/** The latest manifest, and a copy that stays if it is another than before. */
export async function latestFiles<Manifest>(
  { paths }: Pick<ManifestSpot<Manifest>, "paths">,
  bytes: Uint8Array | string,
): Promise<readonly CommitFile[]> {
  const before = await readIfAny(paths.latest, paths.latest).catch(() => undefined);
  const isSame = before !== undefined && Buffer.from(bytes as string).equals(before.bytes);
  const latest = { path: paths.latest, bytes };
  return isSame ? [latest] : [{ path: paths.history(bytes), bytes }, latest];
}

/** What is noted of a manifest. */
export interface NotedManifest extends Pick<Loaded<unknown>, "record" | "localFolder"> {
  readonly spot: { readonly stem: string };
}

/** Notes where manifests are from. */
export function noteManifests(cache: DepsCache, manifests: readonly NotedManifest[]): void {
  for (const { spot, record, localFolder } of manifests) {
    if (record !== undefined) cache.state.set(`manifest/${spot.stem}`, record);
    if (localFolder === undefined) cache.state.delete(`local/${spot.stem}`);
    else cache.state.set(`local/${spot.stem}`, localFolder);
  }
}
