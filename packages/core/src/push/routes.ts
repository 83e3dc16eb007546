import { joinPath, parseRepositoryPath } from "@tranship/registry";

/** Where the catalogs of a bundle go at the target. */
export interface RouteOptions {
  /**
   * Where `modules` goes, below the target's root; slashes at either end mean nothing, so `/` is the root itself, and the
   * empty text the default. @defaultValue "/modules"
   */
  readonly modulesPathSuffix?: string | undefined;
  /** The same for `packages`. @defaultValue "/packages" */
  readonly packagesPathSuffix?: string | undefined;
}

/** A catalog that goes to another place than the usual one. */
export interface MovedCatalog {
  /** Its path in the bundle. */
  readonly root: string;
  /** Its path below the target's root; empty for the root. */
  readonly path: string;
}

/** The way from a repository's path in a bundle to its path at the target, both below the root. */
export interface Routes {
  /** The catalogs that do not go where they usually do. */
  readonly moved: readonly MovedCatalog[];
  /** Where the repository goes. */
  targetOf(path: string): string;
}

/**
 * Routes that move whole catalogs: `modules`, `packages` and what is below them. Everything else stays where it is.
 * @throws RegistryError `INVALID_REFERENCE` for a suffix that is no path of a repository
 */
export function createRoutes({ modulesPathSuffix, packagesPathSuffix }: RouteOptions = {}): Routes {
  const catalogs: readonly MovedCatalog[] = [
    { root: "modules", path: pathOf(modulesPathSuffix, "modules") },
    { root: "packages", path: pathOf(packagesPathSuffix, "packages") },
  ];
  const moved = catalogs.filter(({ root, path }) => root !== path);
  return {
    moved,
    targetOf(path) {
      const catalog = moved.find(({ root }) => path === root || path.startsWith(`${root}/`));
      return catalog ? joinPath(catalog.path, path.slice(catalog.root.length + 1)) : path;
    },
  };
}

function pathOf(suffix: string | undefined, usual: string): string {
  if (suffix === undefined || suffix === "") return usual;
  const path = joinPath(...suffix.split("/"));
  return path === "" ? path : parseRepositoryPath(path);
}
