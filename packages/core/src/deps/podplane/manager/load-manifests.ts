import { parseArchs } from "../choices.ts";
import type { ComponentsManifest } from "../components-manifest.ts";
import type { SeedsManifest } from "../seeds-manifest.ts";
import type { TemplatesManifest } from "../templates-manifest.ts";
import type { VmConfigManifest } from "../vmconfig-manifest.ts";
import { defaultKind } from "../well-known.ts";
import type { ManagerContext } from "./manager-context.ts";
import type { ManifestName } from "./manifest-format.ts";
import { type KnownManifests, type Loaded, ManifestLoader } from "./manifest-loader.ts";
import type { ManifestSpot } from "./manifest-names.ts";
import type { PodplaneDownloadOptions } from "./options.ts";

/** The manifests of one call. */
export interface LoadedManifests {
  /** In the order of the architectures. */
  readonly vmconfigs: readonly Loaded<VmConfigManifest>[];
  readonly components?: Loaded<ComponentsManifest> | undefined;
  readonly templates?: Loaded<TemplatesManifest> | undefined;
  readonly seeds?: Loaded<SeedsManifest> | undefined;
}

/** What `visit` makes of each manifest, in their order. */
export function eachLoaded<Result>(
  { vmconfigs, components, templates, seeds }: LoadedManifests,
  visit: <Manifest>(loaded: Loaded<Manifest>) => Result,
): readonly Result[] {
  return [
    ...vmconfigs.map((one) => visit(one)),
    ...(components ? [visit(components)] : []),
    ...(templates ? [visit(templates)] : []),
    ...(seeds ? [visit(seeds)] : []),
  ];
}

/**
 * All architectures of a call: the one that is meant first, each once.
 * @throws DepsError `ARCH_UNSUPPORTED`
 */
export function archsOf({ arch, archs }: Pick<PodplaneDownloadOptions, "arch" | "archs">): readonly string[] {
  return [...new Set([...parseArchs(arch, arch), ...parseArchs(archs, arch)])];
}

/** Loads all manifests that a call asks for, at once; the first of them that fails, in their order, fails it. */
export async function loadManifests(
  context: ManagerContext,
  options: PodplaneDownloadOptions,
  known: KnownManifests | undefined,
): Promise<LoadedManifests> {
  const { signal, manifests = {}, kind = defaultKind } = options;
  const archs = archsOf(options);
  const wanted = namesOf(options);
  const { spots } = context;
  const ending = new AbortController();
  const stop = signal ? AbortSignal.any([signal, ending.signal]) : ending.signal;
  const loader = new ManifestLoader(context, known, { ...options, signal: stop });
  const started: Promise<unknown>[] = [];
  const load = <Manifest>(spot: ManifestSpot<Manifest>, path: string | undefined): Promise<Loaded<Manifest>> => {
    const loading = path === undefined ? loader.published(spot) : loader.local(spot, path);
    started.push(loading);
    return loading;
  };
  const machines = wanted.has("vmconfig")
    ? archs.map((arch) => ({ spot: spots.vmconfig(kind, arch), path: machinePath(manifests.vmconfig, arch, archs) }))
    : [];
  const vmconfigs = machines.map(({ spot, path }) => load(spot, path));
  const components = wanted.has("components") ? load(spots.components, manifests.components) : undefined;
  const templates = wanted.has("templates") ? load(spots.templates, manifests.templates) : undefined;
  const seeds = wanted.has("seeds") ? load(spots.seeds, manifests.seeds) : undefined;
  const all = Promise.allSettled(started);
  try {
    const machinesFirst = [];
    for (const loading of vmconfigs) machinesFirst.push(await loading);
    return {
      vmconfigs: machinesFirst,
      components: await components,
      templates: await templates,
      seeds: await seeds,
    };
  } finally {
    ending.abort();
    await all;
  }
}

function namesOf(options: PodplaneDownloadOptions): ReadonlySet<ManifestName> {
  const { only, skipCrossArchDependencies = false, skipSeeds = false } = options;
  const shared: readonly ManifestName[] = ["components", "templates", ...(skipSeeds ? [] : (["seeds"] as const))];
  const names: readonly ManifestName[] = ["vmconfig", ...(skipCrossArchDependencies ? [] : shared)];
  return new Set(names.filter((name) => only?.includes(name) ?? true));
}

function machinePath(
  paths: string | Readonly<Record<string, string>> | undefined,
  arch: string,
  archs: readonly string[],
): string | undefined {
  if (typeof paths === "string") return arch === archs[0] ? paths : undefined;
  return paths !== undefined && Object.hasOwn(paths, arch) ? paths[arch] : undefined;
}
