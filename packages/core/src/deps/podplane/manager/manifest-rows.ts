import type { DepsItem } from "../../manifest.ts";
import type { CachePaths } from "../cache-paths.ts";
import { chartItem, gitItem, snapshotItems } from "../chart-items.ts";
import { imageItem } from "../image-item.ts";
import { downloadItems } from "../items.ts";
import type { PodplaneManifests } from "../podplane-items.ts";
import { validateImageRows, validateItems } from "../validate.ts";
import { fileItem, machineSelectors } from "../vmconfig-items.ts";

/** Something a manifest asks for, by itself. */
export interface ManifestRow {
  /** Tells it from other rows of the same manifests: {@link vmConfigRow} and its like. */
  readonly key: string;
  /** What people call it. */
  readonly name: string;
  /** `undefined` for a row that cannot be used. */
  readonly item: DepsItem | undefined;
  /** Why it cannot be used. */
  readonly fault?: unknown;
  /** Whether the cache noted that it has it. */
  readonly isMarked: boolean;
  /** Whether it is wanted whatever is chosen. */
  readonly isAlways: boolean;
}

/** Where items go. */
export interface RowContext {
  readonly paths: CachePaths;
  readonly storePrefix: string;
}

/** How rows are called. */
export const rowKeys = {
  file: (vmconfig: number, name: string): string => `vmconfig/${vmconfig}/file/${name}`,
  machineImage: (vmconfig: number, index: number): string => `vmconfig/${vmconfig}/image/${index}`,
  componentImage: (index: number): string => `components/image/${index}`,
  git: "components/git",
  templateImage: (index: number): string => `templates/image/${index}`,
  chart: (index: number): string => `templates/chart/${index}`,
  snapshot: (name: string): string => `seeds/${name}`,
} as const;

/** All rows of manifests, whatever is chosen of them; the stub is none. */
export function manifestRows(
  { vmconfigs = [], components, templates, seeds }: PodplaneManifests,
  context: RowContext,
): readonly ManifestRow[] {
  const { paths } = context;
  const rows: ManifestRow[] = [];
  const add = (key: string, name: string, isMarked: boolean, isAlways: boolean, make: () => DepsItem | undefined) => {
    try {
      rows.push({ key, name, item: make(), isMarked, isAlways });
    } catch (fault) {
      rows.push({ key, name, item: undefined, fault, isMarked, isAlways });
    }
  };
  for (const [at, { manifest }] of vmconfigs.entries()) {
    const machine = { selectors: machineSelectors(manifest), domain: "vmconfig" };
    for (const file of downloadItems(manifest, { providers: "all" }))
      add(rowKeys.file(at, file.name), file.name, file.cached, file.providers.length === 0, () => {
        validateItems([file]);
        return fileItem(file, manifest, paths);
      });
    for (const [index, row] of manifest.vmconfig.images.entries())
      add(rowKeys.machineImage(at, index), row.image, row.cached, true, () => {
        validateImageRows([row]);
        return imageItem(row, machine, context);
      });
  }
  for (const [index, row] of (components?.manifest.components.images ?? []).entries())
    add(rowKeys.componentImage(index), row.image, row.cached, false, () => {
      validateImageRows([row]);
      return imageItem(row, { domain: "components" }, context);
    });
  for (const [index, row] of (templates?.manifest.templates.images ?? []).entries())
    add(rowKeys.templateImage(index), row.image, row.cached, false, () => {
      validateImageRows([row]);
      return imageItem(row, { domain: "templates" }, context);
    });
  const source = components?.manifest.components.source;
  if (source !== undefined) add(rowKeys.git, "git repository", false, false, () => gitItem(source, paths));
  for (const [index, chart] of (templates?.manifest.templates.charts ?? []).entries())
    add(rowKeys.chart(index), chart.name, chart.cached, false, () => chartItem(chart, templates?.localFolder, paths));
  for (const [name, snapshot] of Object.entries(seeds?.manifest.seeds.snapshots ?? {}))
    add(rowKeys.snapshot(name), name, snapshot.cached, false, () => {
      if (seeds === undefined) return undefined;
      const only = { ...seeds.manifest.seeds, snapshots: { [name]: snapshot } };
      return snapshotItems({ ...seeds.manifest, seeds: only }, seeds.localFolder, paths)[0];
    });
  return rows;
}
