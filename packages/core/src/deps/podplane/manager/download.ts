import { applyDeps } from "../../apply/apply-deps.ts";
import { planDeps } from "../../apply/plan-deps.ts";
import type { DepsCache } from "../../cache/deps-cache.ts";
import type { ContentCheck } from "../../jobs/item-job.ts";
import type { DepsItem } from "../../manifest.ts";
import type { DepsPlan } from "../../plan.ts";
import { type PodplaneManifests, podplaneItems } from "../podplane-items.ts";
import { registryLimits } from "../well-known.ts";
import { adoptFiles } from "./adopt-files.ts";
import { readIfWhole } from "./cached-manifest.ts";
import { manifestFiles, type NotedManifest, noteManifests } from "./commit-manifests.ts";
import { forgetItem, noteItem } from "./item-records.ts";
import { archsOf, eachLoaded, type LoadedManifests, loadManifests } from "./load-manifests.ts";
import { type ManagerContext, openCache, readCache } from "./manager-context.ts";
import type { Loaded } from "./manifest-loader.ts";
import { manifestRows } from "./manifest-rows.ts";
import { markComponents, markSeeds, markTemplates, markVmConfig } from "./mark-manifests.ts";
import type { PodplaneDownloadOptions, PodplaneReport } from "./options.ts";
import { presentRows } from "./present-rows.ts";

/** A download, or a part of one. */
export interface DownloadRequest extends PodplaneDownloadOptions {
  /** What is brought of the manifests; they are written whole. @defaultValue all of them */
  readonly narrow?: ((manifests: LoadedManifests) => PodplaneManifests) | undefined;
}

/** Brings what manifests ask for and then writes them; see {@link PodplaneDeps.download}. */
export async function download(context: ManagerContext, request: DownloadRequest): Promise<PodplaneReport> {
  archsOf(request);
  if (request.dryRun) return dryRun(context, request);
  await using cache = await openCache(context, request);
  const { signal, onEvent, offline: isOffline = false } = request;
  const { concurrency, keepGoing } = request;
  const { loaded, plan } = await planned(context, request, cache);
  onEvent?.({ type: "status", message: summary(plan) });
  const running = { hostLimits: registryLimits, concurrency, keepGoing, isOffline, signal, onEvent };
  const report = await applyDeps(plan, cache, context.access, running);
  const manifests = usedManifests(loaded);
  if (report.failed > 0) return { manifests, plan, report, isComplete: false };
  const rows = manifestRows(loaded, context);
  const former = manifestRows(await formerManifests(loaded), context);
  const present = await presentRows({ rows, former }, report, cache, context.access, signal);
  for (const { key, item } of rows) {
    if (item === undefined) continue;
    if (present.has(key)) noteItem(cache.state, item, present.get(key));
    else forgetItem(cache.state, item);
  }
  const work = cache.workFolder;
  const files = [
    ...(await Promise.all(
      loaded.vmconfigs.map((one, at) =>
        manifestFiles({ loaded: one, marked: markVmConfig(one.manifest, at, present) }, work),
      ),
    )),
    ...(await filesOf(loaded.components, (manifest) => markComponents(manifest, present), work)),
    ...(await filesOf(loaded.templates, (manifest) => markTemplates(manifest, present), work)),
    ...(await filesOf(loaded.seeds, (manifest) => markSeeds(manifest, present), work)),
  ].flat();
  signal?.throwIfAborted();
  noteManifests(
    cache,
    eachLoaded<NotedManifest>(loaded, (one) => one),
  );
  await cache.commit(files);
  onEvent?.({ type: "status", message: "All dependencies are cached" });
  return { manifests, plan, report, isComplete: true };
}

async function dryRun(context: ManagerContext, request: DownloadRequest): Promise<PodplaneReport> {
  await using cache = await readCache(context, request);
  const { loaded, plan } = await planned(context, request, cache);
  return { manifests: usedManifests(loaded), plan, isComplete: plan.missing === 0 };
}

async function planned(
  context: ManagerContext,
  request: DownloadRequest,
  cache: DepsCache | undefined,
): Promise<{ readonly loaded: LoadedManifests; readonly plan: DepsPlan }> {
  const { narrow = (manifests) => manifests, onEvent, signal, isDeep, offline: isOffline = false } = request;
  const { providers, addons = context.recommendedAddons, skipComponentsGit } = request;
  const loaded = await loadManifests(context, request, cache);
  const selection = { archs: archsOf(request), providers, addons, skipComponentsGit };
  const items = podplaneItems(narrow(loaded), selection, context.paths, context);
  if (cache !== undefined && !request.dryRun) await adoptFiles(items, cache, signal);
  onEvent?.({ type: "status", message: `Checking ${counted(items)}` });
  const contents = cache?.contents ?? nothingCached;
  const plan = await planDeps(items, { contents }, { isDeep, isOffline, signal, onEvent });
  return { loaded, plan };
}

/** What is known of files where there is no cache yet. */
const nothingCached: ContentCheck = {
  check: async () => "absent",
  note: async () => {},
  known: async () => undefined,
};

async function filesOf<Manifest>(
  loaded: Loaded<Manifest> | undefined,
  mark: (manifest: Manifest) => Manifest,
  workFolder: string,
) {
  return loaded === undefined ? [] : [await manifestFiles({ loaded, marked: mark(loaded.manifest) }, workFolder)];
}

/** The manifests in the cache that are about to be replaced, with what is noted in them. */
async function formerManifests({
  vmconfigs,
  components,
  templates,
  seeds,
}: LoadedManifests): Promise<PodplaneManifests> {
  const former = async <Manifest>({ spot, localFolder }: Loaded<Manifest>) => {
    const cached = await readIfWhole(spot);
    return cached && { manifest: cached.manifest, localFolder };
  };
  return {
    vmconfigs: (await Promise.all(vmconfigs.map(former))).filter((one) => one !== undefined),
    components: components && (await former(components)),
    templates: templates && (await former(templates)),
    seeds: seeds && (await former(seeds)),
  };
}

function usedManifests(loaded: LoadedManifests): PodplaneReport["manifests"] {
  return eachLoaded(loaded, ({ spot, manifest, digest, from }) => ({
    name: spot.stem,
    version: spot.format.versionOf(manifest),
    digest,
    from,
  }));
}

function summary({ items, missing, missingBytes }: DepsPlan): string {
  if (missing === 0) return "Everything is cached already";
  const absent = items.filter(({ presence }) => presence !== "present").map(({ item }) => item);
  return `Fetching ${counted(absent)}, ${missingBytes} bytes`;
}

function counted(items: readonly DepsItem[]): string {
  const images = items.filter(({ source }) => source.type === "image").length;
  const others = items.length - images;
  const count = (number: number, what: string) => `${number} ${what}${number === 1 ? "" : "s"}`;
  if (images === 0 || others === 0) return images === 0 ? count(others, "item") : count(images, "image");
  return `${count(images, "image")} and ${count(others, "other item")}`;
}
