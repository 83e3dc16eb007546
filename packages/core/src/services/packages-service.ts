import { packagesCatalog } from "./catalog.ts";
import { CatalogService, type CatalogServiceOptions, type ServicePullOptions } from "./catalog-service.ts";
import type { PullReport } from "./pull.ts";

/** What a package of the last plan or pull came to. */
export interface PackageStat {
  readonly name: string;
  /** Tags over all of its repositories; one image under two tags counts twice. */
  readonly images: number;
  /** Of these, attestations. */
  readonly vex: number;
  /** The package's own tags. */
  readonly versions: readonly string[];
}

/** What the last plan or pull of a {@link PackagesService} came to; packages sorted by name. */
export interface PackagesStats {
  /** Whether there has been one. */
  readonly attempted: boolean;
  readonly packages: readonly PackageStat[];
  readonly totalImages: number;
  readonly totalVex: number;
}

/** Options of {@link PackagesService}. */
export type PackagesServiceOptions = CatalogServiceOptions;

/**
 * Mirrors packages: `packages/<name>` with the versions its release channels point at or exact tags, one
 * `package-<name>.tar` each, and `package-versions.tar` with the release metadata of every package of the catalog.
 */
export class PackagesService extends CatalogService {
  /** @throws MirrorError `SELECTION_INVALID` */
  constructor(options: PackagesServiceOptions) {
    super(packagesCatalog, options);
  }

  /** Pulls the packages, without `package-versions.tar`. @throws MirrorError as `pull` */
  pullPackages(options: ServicePullOptions): Promise<PullReport> {
    return this.pullComponents([packagesCatalog.component], options);
  }

  /** Pulls `package-versions.tar` alone. @throws MirrorError as `pull` */
  pullPackageVersions(options: ServicePullOptions): Promise<PullReport> {
    return this.pullComponents([packagesCatalog.metadataComponent], options);
  }

  /** What the last plan or pull came to. */
  stats(): PackagesStats {
    const packages = [...this.planned]
      .map(([name, sections]): PackageStat => {
        const repositories = sections.flatMap((section) => section.repositories);
        const tags = repositories.flatMap(({ images }) => images.map(({ tag }) => tag));
        const main = repositories.filter(({ path }) => path === `${packagesCatalog.root}/${name}`);
        const versions = main.flatMap(({ images }) => images.map(({ tag }) => tag));
        return { name, images: tags.length, vex: tags.filter((tag) => tag.endsWith(".att")).length, versions };
      })
      .filter(({ images }) => images > 0)
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    const sum = (count: (stat: PackageStat) => number) => packages.reduce((total, stat) => total + count(stat), 0);
    const totals = { totalImages: sum((stat) => stat.images), totalVex: sum((stat) => stat.vex) };
    return { attempted: this.hasRun, packages, ...totals };
  }
}
