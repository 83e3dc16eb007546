import type { SeedsManifest } from "./seeds-manifest.ts";
import type { TemplatesManifest } from "./templates-manifest.ts";
import type { VmConfigManifest } from "./vmconfig-manifest.ts";
import { osImageName } from "./well-known.ts";

/** The manifest with these items noted as cached; `os-image` is the disk image. Names it does not have are passed over. */
export function markItemsCached(manifest: VmConfigManifest, items: Iterable<string>): VmConfigManifest {
  const marked = new Set(items);
  const { os, dependencies } = manifest.vmconfig;
  const mark = <Row extends { readonly cached: boolean }>(row: Row, name: string): Row =>
    marked.has(name) ? { ...row, cached: true } : row;
  return {
    ...manifest,
    vmconfig: {
      ...manifest.vmconfig,
      os: { ...os, image: mark(os.image, osImageName) },
      dependencies: Object.fromEntries(Object.entries(dependencies).map(([name, one]) => [name, mark(one, name)])),
    },
  };
}

/** Image rows of any manifest with those at `indexes` noted as cached. Indexes out of range are passed over. */
export function markRowsCached<Row extends { readonly cached: boolean }>(
  rows: readonly Row[],
  indexes: Iterable<number>,
): readonly Row[] {
  const marked = new Set(indexes);
  return rows.map((row, index) => (marked.has(index) ? { ...row, cached: true } : row));
}

/** The manifest with the chart at `index` noted as cached, and which layer holds it. An index out of range is passed over. */
export function markChartCached(
  manifest: TemplatesManifest,
  index: number,
  chartLayerDigest: string,
): TemplatesManifest {
  const mark = <Chart>(chart: Chart, at: number): Chart =>
    at === index ? { ...chart, cached: true, chartLayerDigest } : chart;
  return { ...manifest, templates: { ...manifest.templates, charts: manifest.templates.charts.map(mark) } };
}

/** The manifest with these snapshots noted as cached. Names it does not have are passed over. */
export function markSnapshotsCached(manifest: SeedsManifest, names: Iterable<string>): SeedsManifest {
  const marked = new Set(names);
  const entries = Object.entries(manifest.seeds.snapshots);
  const snapshots = Object.fromEntries(
    entries.map(([name, one]) => [name, marked.has(name) ? { ...one, cached: true } : one]),
  );
  return { ...manifest, seeds: { ...manifest.seeds, snapshots } };
}
