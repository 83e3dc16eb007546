import type { DepsAccess } from "../access.ts";
import { applyDeps } from "../apply/apply-deps.ts";
import type { DepsReport } from "../apply/deps-report.ts";
import { planDeps } from "../apply/plan-deps.ts";
import { DepsCache } from "../cache/deps-cache.ts";
import type { OnDepsEvent } from "../events.ts";
import { mergeItems } from "../merge-items.ts";
import { cachePaths } from "../podplane/cache-paths.ts";
import type { ComponentsManifest } from "../podplane/components-manifest.ts";
import { imageItem } from "../podplane/image-item.ts";
import { validateImageRows } from "../podplane/validate.ts";
import { podplaneProfiles, registryLimits } from "../podplane/well-known.ts";

/** Options of {@link populateComponentsZotStore}. */
export interface PopulateComponentsOptions {
  readonly access: DepsAccess;
  /** Blobs under way at a time; 4 for numbers below 1. @defaultValue 4 */
  readonly concurrency?: number | undefined;
  /** What stands before the names of repositories. @defaultValue `mirror` */
  readonly prefix?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told `checking`, `cached` or `queued` of each image, then `started`, `progress` and `done` or `failed` of those that are brought. */
  readonly onEvent?: OnDepsEvent | undefined;
}

/**
 * Brings all images of a components manifest into a folder that zot can serve: a layout for each repository. Nothing is
 * chosen among them, and all are checked before anybody is asked. What is there already is not brought again; rows of one
 * image in one repository are one image, and events name it as the first of them does.
 *
 * The folder is locked meanwhile. What is known of its files, and what is unfinished, is in the folder `.tranship` in it,
 * which no registry takes for a repository.
 * @throws DepsError `REFERENCE_MISSING`, `SIZE_MISSING`, `DIGEST_MISSING`, `DIGEST_FORMAT`, `DIGEST_ALGORITHM`,
 * `DIGEST_LENGTH`, `REFERENCE_INVALID`, `NAME_UNSAFE`, `CACHE_LOCKED`, and those of images that cannot be brought; `signal.reason`
 */
export async function populateComponentsZotStore(
  destinationDirectory: string,
  manifest: ComponentsManifest,
  { access, concurrency, prefix = podplaneProfiles["v0.8"].storePrefix, signal, onEvent }: PopulateComponentsOptions,
): Promise<DepsReport> {
  if (destinationDirectory === "") throw new TypeError("no folder to bring images to");
  const { images } = manifest.components;
  validateImageRows(images);
  const context = (root: string) => ({ paths: { ...cachePaths(root), registry: root }, storePrefix: prefix });
  const itemsAt = (root: string) =>
    mergeItems(images.map((row) => imageItem(row, { domain: "components" }, context(root))));
  itemsAt(destinationDirectory); // its names are checked before the folder is made
  await using cache = await DepsCache.open(destinationDirectory, { signal, onEvent });
  const plan = await planDeps(itemsAt(cache.path), cache, { signal, onEvent });
  return await applyDeps(plan, cache, access, { concurrency, hostLimits: registryLimits, signal, onEvent });
}
