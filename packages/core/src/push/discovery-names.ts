import { joinPath } from "@tranship/registry";
import { compareText } from "../layout/index-file.ts";
import { type AnnouncedCatalog, announcedCatalogs } from "./order.ts";

/** The names a catalog gets from what is pushed, sorted. */
export interface DiscoveryNames {
  /** The catalog's repository, whose tags the names become. */
  readonly root: string;
  /** Names with images to use. */
  readonly names: readonly string[];
  /** Names with nothing but release metadata: announcing them would promise what is not there. */
  readonly metadataOnly: readonly string[];
}

/** What each catalog announces, from the paths of all repositories that have images. */
export function discoveryNames(
  paths: Iterable<string>,
  catalogs: readonly AnnouncedCatalog[] = announcedCatalogs,
): readonly DiscoveryNames[] {
  const all = [...paths];
  return catalogs.map(({ root, metadata }) => {
    const hasContent = new Map<string, boolean>();
    for (const path of all) {
      if (!path.startsWith(`${root}/`)) continue;
      const [name = "", ...below] = path.slice(root.length + 1).split("/");
      const isContent = metadata === undefined || joinPath(...below) !== metadata;
      hasContent.set(name, isContent || (hasContent.get(name) ?? false));
    }
    const sorted = [...hasContent].sort(([a], [b]) => compareText(a, b));
    return {
      root,
      names: sorted.flatMap(([name, isUsable]) => (isUsable ? [name] : [])),
      metadataOnly: sorted.flatMap(([name, isUsable]) => (isUsable ? [] : [name])),
    };
  });
}
