import type { ItemContent } from "../../jobs/item-job.ts";
import type { ComponentsManifest } from "../components-manifest.ts";
import { items } from "../items.ts";
import { markChartCached, markItemsCached, markRowsCached, markSnapshotsCached } from "../markers.ts";
import type { SeedsManifest } from "../seeds-manifest.ts";
import type { TemplatesManifest } from "../templates-manifest.ts";
import type { VmConfigManifest } from "../vmconfig-manifest.ts";
import { rowKeys } from "./manifest-rows.ts";

/** What there is of rows that are present, by their keys. */
export type PresentRows = ReadonlyMap<string, ItemContent | undefined>;

/** A vmconfig manifest, the `at`th of several, with what is present noted in it. */
export function markVmConfig(manifest: VmConfigManifest, at: number, present: PresentRows): VmConfigManifest {
  const names = items(manifest).map(({ name }) => name);
  const marked = markItemsCached(
    manifest,
    names.filter((name) => present.has(rowKeys.file(at, name))),
  );
  const images = markRows(marked.vmconfig.images, (index) => rowKeys.machineImage(at, index), present);
  return { ...marked, vmconfig: { ...marked.vmconfig, images } };
}

/** A components manifest with what is present noted in it. */
export function markComponents(manifest: ComponentsManifest, present: PresentRows): ComponentsManifest {
  const images = markRows(manifest.components.images, rowKeys.componentImage, present);
  return { ...manifest, components: { ...manifest.components, images } };
}

/** A templates manifest with what is present noted in it, charts with the layer that holds them. */
export function markTemplates(manifest: TemplatesManifest, present: PresentRows): TemplatesManifest {
  const images = markRows(manifest.templates.images, rowKeys.templateImage, present);
  const layers = manifest.templates.charts.map((_, index) => present.get(rowKeys.chart(index))?.layer);
  return layers.reduce<TemplatesManifest>(
    (marked, layer, index) => (layer === undefined ? marked : markChartCached(marked, index, layer.digest)),
    { ...manifest, templates: { ...manifest.templates, images } },
  );
}

/** A seeds manifest with what is present noted in it. */
export function markSeeds(manifest: SeedsManifest, present: PresentRows): SeedsManifest {
  const names = Object.keys(manifest.seeds.snapshots);
  return markSnapshotsCached(
    manifest,
    names.filter((name) => present.has(rowKeys.snapshot(name))),
  );
}

function markRows<Row extends { readonly cached: boolean }>(
  rows: readonly Row[],
  keyOf: (index: number) => string,
  present: PresentRows,
): readonly Row[] {
  const indexes = [...rows.keys()].filter((index) => present.has(keyOf(index)));
  return markRowsCached(rows, indexes);
}
