import { dirname, isAbsolute, join, sep } from "node:path";
import { workFolder } from "../../bundle/bundle-lock.ts";
import { DepsError } from "../errors.ts";
import { requirePathSegments } from "../path-segment.ts";
import { isWithin } from "../staging/safe-place.ts";
import { type CacheFolder, pathBelow, realPathOf } from "./cache-folder.ts";

/** What only the cache itself writes, in its work folder. */
const ownNames = new Set(["lock", "owner", "state.json", "stamps", "commit", "commit.json", "partial"]);

/**
 * A path of a file in a cache, relative to it, with `/` between the names.
 * @param path complete, or relative to the cache
 * @throws DepsError `NAME_UNSAFE`
 */
export function pathInCache(folder: CacheFolder, path: string): string {
  const below = isAbsolute(path) ? pathBelow(folder, path) : path.split(sep).join("/");
  if (below === undefined) throw unsafe(path, "it is not in the cache");
  const segments = requirePathSegments(below, "path in the cache");
  const [first = "", second = ""] = segments.map((segment) => segment.toLowerCase());
  if (first === workFolder && (segments.length === 1 || ownNames.has(second)))
    throw unsafe(path, "the cache keeps its own notes there");
  return below;
}

/**
 * Makes sure that a file's folder, as far as it exists, is in the cache when symbolic links are followed.
 * @throws DepsError `NAME_UNSAFE`, `FILE_FAILED`
 */
export async function requireInside(folder: CacheFolder, path: string): Promise<void> {
  const real = await realPathOf(dirname(join(folder.path, path)));
  if (!isWithin(real, folder.path)) throw unsafe(path, "a symbolic link leads out of the cache there");
}

function unsafe(path: string, reason: string): DepsError<"NAME_UNSAFE"> {
  const name = path.slice(0, 300);
  const message = `${JSON.stringify(name)} cannot be written into the cache: ${reason}`;
  return new DepsError("NAME_UNSAFE", message, { what: "path in the cache", name, reason });
}
