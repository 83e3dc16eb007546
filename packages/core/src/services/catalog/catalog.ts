/** Where one kind of catalog keeps things: its tags are names, and each name has its own repositories below it. */
export interface Catalog {
  /** What its items are called in plans and events. */
  readonly component: string;
  /** The folder in archives, and the catalog's repository below the registry root unless told otherwise. */
  readonly root: string;
  /** The repository with release metadata, below each name. */
  readonly metadata: string;
  /** Archives are called this and the name. */
  readonly archivePrefix: string;
  /** The archive with the release metadata of everything in the catalog, where there is one. */
  readonly everything?: { readonly component: string; readonly archive: string } | undefined;
}

/** Packages: `packages/<name>` with release metadata in `packages/<name>/version`. */
export const packagesCatalog: Catalog & { readonly everything: NonNullable<Catalog["everything"]> } = {
  component: "packages",
  root: "packages",
  metadata: "version",
  archivePrefix: "package-",
  everything: { component: "package-versions", archive: "package-versions.tar" },
};

/** Modules: `modules/<name>` with release metadata in `modules/<name>/release`. */
export const modulesCatalog: Catalog = {
  component: "modules",
  root: "modules",
  metadata: "release",
  archivePrefix: "module-",
};

/** The archive of one name. A name that would give the metadata archive's name gets an underscore no name can start with. */
export function archiveOf({ archivePrefix, everything }: Catalog, name: string): string {
  const archive = `${archivePrefix}${name}.tar`;
  return archive === everything?.archive ? `${archivePrefix}_${name}.tar` : archive;
}
