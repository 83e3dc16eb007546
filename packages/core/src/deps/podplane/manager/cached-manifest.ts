import { isDepsError } from "../../errors.ts";
import { readIfAny } from "./manifest-bytes.ts";
import type { ManifestSpot } from "./manifest-names.ts";

/** A manifest as it is in the cache, with what the cache noted in it. */
export interface CachedManifest<Manifest> {
  readonly manifest: Manifest;
  readonly bytes: Uint8Array;
  readonly path: string;
  /** When it was written, or last found to be the latest, in milliseconds since 1970. */
  readonly modifiedMs: number;
}

/**
 * A manifest out of the cache; `undefined` where it is not there.
 * @throws DepsError `MANIFEST_PARSE`, `FILE_FAILED`
 */
export async function readCached<Manifest>({
  format,
  stem,
  paths,
}: ManifestSpot<Manifest>): Promise<CachedManifest<Manifest> | undefined> {
  const name = `the cached manifest ${stem}`;
  const found = await readIfAny(paths.latest, name);
  if (found === undefined) return undefined;
  const manifest = format.parse(found.bytes, { name, keepMarkers: true });
  return { manifest, path: paths.latest, ...found };
}

/**
 * A manifest out of the cache; `undefined` where it is not there, or torn, which is as good as not there.
 * @throws DepsError `FILE_FAILED`
 */
export async function readIfWhole<Manifest>(
  spot: ManifestSpot<Manifest>,
): Promise<CachedManifest<Manifest> | undefined> {
  try {
    return await readCached(spot);
  } catch (error) {
    if (isDepsError(error, "MANIFEST_PARSE")) return undefined;
    throw error;
  }
}
