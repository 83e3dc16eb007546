import type { PullReport } from "../pull.ts";
import type { ServicePullOptions } from "../service-options.ts";
import { packagesCatalog } from "./catalog.ts";
import { CatalogService, type CatalogServiceOptions } from "./catalog-service.ts";
import type { CatalogTotals, ItemStat } from "./item-stats.ts";

/** What the last plan or pull of a {@link PackagesService} came to; packages sorted by name. */
export interface PackagesStats extends CatalogTotals {
  readonly packages: readonly PackageStat[];
}

/** What a package of the last plan or pull came to. */
export type PackageStat = ItemStat;

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
    return this.pullComponents([packagesCatalog.everything.component], options);
  }

  /** What the last plan or pull came to. */
  stats(): PackagesStats {
    const { items: packages, ...totals } = this.itemStats();
    return { packages, ...totals };
  }
}
