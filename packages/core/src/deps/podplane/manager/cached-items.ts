import { dirname } from "node:path";
import type { DepsItem } from "../../manifest.ts";
import { chooseNames, isSelected } from "../../selectors.ts";
import type { LoadedManifest } from "../podplane-items.ts";
import { askedItems } from "./asked-items.ts";
import { cachedMachines } from "./cached-machines.ts";
import { readCached } from "./cached-manifest.ts";
import { type ManagerContext, readCache } from "./manager-context.ts";
import { type KnownManifests, localFolderOf } from "./manifest-loader.ts";
import type { ManifestSpot } from "./manifest-names.ts";

/** Options of {@link PodplaneDeps.cachedItems}. Lists may be written with commas. */
export interface CachedItemsOptions {
  /** Kinds of machines. @defaultValue all */
  readonly kinds?: string | readonly string[] | undefined;
  /** @defaultValue all */
  readonly archs?: string | readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** What a cache's manifests ask for; see {@link PodplaneDeps.cachedItems}. */
export async function cachedItems(
  context: ManagerContext,
  { kinds = "all", archs = "all", signal }: CachedItemsOptions,
): Promise<readonly DepsItem[]> {
  await using cache = await readCache(context, { signal });
  const { spots } = context;
  const selection = { kind: chooseNames(kinds), arch: chooseNames(archs) };
  const machines = (await cachedMachines(context)).filter(({ kind, arch }) =>
    isSelected({ kind: [kind], arch: [arch] }, selection),
  );
  const vmconfigs = await Promise.all(machines.map(({ spot }) => readLoaded(spot, cache)));
  const manifests = {
    vmconfigs: vmconfigs.filter((one) => one !== undefined),
    components: await readLoaded(spots.components, cache),
    templates: await readLoaded(spots.templates, cache),
    seeds: await readLoaded(spots.seeds, cache),
  };
  return askedItems(manifests, context, cache?.state);
}

/** Without a note of where it is from, a manifest is one that an older tool made of a local one, as far as it names local files. */
async function readLoaded<Manifest>(
  spot: ManifestSpot<Manifest>,
  known: KnownManifests | undefined,
): Promise<LoadedManifest<Manifest> | undefined> {
  const cached = await readCached(spot);
  if (cached === undefined) return undefined;
  const isFetched = known?.state.get(`manifest/${spot.stem}`) !== undefined;
  const localFolder = localFolderOf(known, spot) ?? (isFetched ? undefined : dirname(cached.path));
  return { manifest: cached.manifest, localFolder };
}
