/** Where one kind of catalog keeps things: its tags are names, and each name has its own repositories below it. */
export interface Catalog {
  /** What its items are called in plans and events. */
  readonly component: string;
  /** The component of the archive with everybody's release metadata. */
  readonly metadataComponent: string;
  /** The catalog's repository below the registry root, and the folder in archives. */
  readonly root: string;
  /** The repository with release metadata, below each name. */
  readonly metadata: string;
  /** Archives are called this and the name. */
  readonly archivePrefix: string;
  /** The archive with the release metadata of everything in the catalog. */
  readonly metadataArchive: string;
}

/** Packages: `packages/<name>` with release metadata in `packages/<name>/version`. */
export const packagesCatalog: Catalog = {
  component: "packages",
  metadataComponent: "package-versions",
  root: "packages",
  metadata: "version",
  archivePrefix: "package-",
  metadataArchive: "package-versions.tar",
};

/** The archive of one name. A name that would give the metadata archive's name gets an underscore no name can start with. */
export function archiveOf(catalog: Catalog, name: string): string {
  const archive = `${catalog.archivePrefix}${name}.tar`;
  return archive === catalog.metadataArchive ? `${catalog.archivePrefix}_${name}.tar` : archive;
}
