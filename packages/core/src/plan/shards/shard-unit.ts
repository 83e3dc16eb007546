import { announcedCatalogs } from "../../push/order.ts";

/**
 * What the repository at `path` below the registry root is brought together with: all that is below one name of a catalog,
 * such as `packages/console`; else it is by itself.
 */
export function shardUnitOf(path: string): string {
  for (const { root } of announcedCatalogs) {
    if (!path.startsWith(`${root}/`)) continue;
    const [name = ""] = path.slice(root.length + 1).split("/");
    return `${root}/${name}`;
  }
  return path;
}
