import type { DepsItem } from "../manifest.ts";
import { mergeItems } from "../merge-items.ts";
import type { CachePaths } from "./cache-paths.ts";
import { chartItem, gitItem, snapshotItems } from "./chart-items.ts";
import type { ComponentsManifest } from "./components-manifest.ts";
import { imageItem } from "./image-item.ts";
import { componentImageIndexes, templateImageIndexes } from "./image-selection.ts";
import { downloadItems, requireReleased } from "./items.ts";
import type { SeedsManifest } from "./seeds-manifest.ts";
import type { TemplatesManifest } from "./templates-manifest.ts";
import { validateImageRows, validateItems } from "./validate.ts";
import { fileItem, machineSelectors } from "./vmconfig-items.ts";
import type { VmConfigManifest } from "./vmconfig-manifest.ts";
import { podplaneProfiles } from "./well-known.ts";

/** A manifest, and whether it is one of ours. */
export interface LoadedManifest<Manifest> {
  readonly manifest: Manifest;
  /** The folder of the local file it was read from; `undefined` for a manifest that was fetched, which may name no local files. */
  readonly localFolder?: string | undefined;
}

/** The manifests of a cache. One that is missing asks for nothing. */
export interface PodplaneManifests {
  /** One for each kind and architecture. */
  readonly vmconfigs?: readonly LoadedManifest<VmConfigManifest>[] | undefined;
  readonly components?: LoadedManifest<ComponentsManifest> | undefined;
  readonly templates?: LoadedManifest<TemplatesManifest> | undefined;
  readonly seeds?: LoadedManifest<SeedsManifest> | undefined;
}

/** What is wanted of manifests; all are lists with commas. */
export interface PodplaneSelection {
  /** Architectures of images. A vmconfig manifest is wanted whole, since it was chosen for its architecture. */
  readonly archs: string | readonly string[];
  /** Cloud providers, or `all`. @defaultValue none */
  readonly providers?: string | readonly string[] | undefined;
  /** Components whose addon images are wanted, or `all`. @defaultValue none */
  readonly addons?: string | readonly string[] | undefined;
  /** Whether the git repository of the components is left out. @defaultValue `false` */
  readonly skipComponentsGit?: boolean | undefined;
}

/** What {@link podplaneItems} may be told. */
export interface PodplaneItemsOptions {
  /** What stands before the names of repositories in the image store. @defaultValue `mirror` */
  readonly storePrefix?: string | undefined;
}

/**
 * What the manifests ask for, each content once: files and images of machines, then images of components and of charts, the
 * components' git repository, charts and snapshots. All of it is checked before anything is given; rows that are not wanted
 * are not looked at.
 *
 * Files of machines are kept by their digests, with a link where they are looked for by name. Where two architectures have
 * a file of the same name and version, the link is that of the manifest that comes first.
 * @throws DepsError with the codes of {@link requireReleased}, {@link validateItems}, {@link validateImageRows},
 * {@link requireChart}, {@link validateSnapshot}, {@link gitRefOf}; `URL_INVALID`, `REFERENCE_INVALID`, `NAME_UNSAFE`,
 * `PATH_CONFLICT`
 */
export function podplaneItems(
  { vmconfigs = [], components, templates, seeds }: PodplaneManifests,
  selection: PodplaneSelection,
  paths: CachePaths,
  { storePrefix = podplaneProfiles["v0.8"].storePrefix }: PodplaneItemsOptions = {},
): readonly DepsItem[] {
  const context = { paths, storePrefix };
  const { archs, providers, addons, skipComponentsGit = false } = selection;
  const found: DepsItem[] = [];
  for (const { manifest, localFolder } of vmconfigs) {
    if (localFolder === undefined) requireReleased(manifest);
    const files = downloadItems(manifest, { providers });
    const { images } = manifest.vmconfig;
    validateItems(files);
    validateImageRows(images);
    const machine = { selectors: machineSelectors(manifest), domain: "vmconfig" };
    found.push(...files.map((file) => fileItem(file, manifest, paths)));
    found.push(...images.map((image) => imageItem(image, machine, context)));
  }
  const componentImages = pick(components?.manifest.components.images, (rows) =>
    componentImageIndexes(rows, { archs, providers, addons }),
  );
  const templateImages = pick(templates?.manifest.templates.images, (rows) => templateImageIndexes(rows, archs));
  validateImageRows([...componentImages, ...templateImages]);
  found.push(...componentImages.map((image) => imageItem(image, { domain: "components" }, context)));
  found.push(...templateImages.map((image) => imageItem(image, { domain: "templates" }, context)));
  const git = components?.manifest.components.source;
  if (git !== undefined && !skipComponentsGit) found.push(gitItem(git, paths));
  for (const chart of templates?.manifest.templates.charts ?? [])
    found.push(chartItem(chart, templates?.localFolder, paths));
  if (seeds !== undefined) found.push(...snapshotItems(seeds.manifest, seeds.localFolder, paths));
  return mergeItems(found);
}

function pick<Row>(rows: readonly Row[] = [], indexesOf: (rows: readonly Row[]) => readonly number[]): readonly Row[] {
  const wanted = new Set(indexesOf(rows));
  return rows.filter((_, index) => wanted.has(index));
}
