import type { PullReport } from "../pull.ts";
import type { ServicePullOptions } from "../service-options.ts";
import { modulesCatalog } from "./catalog.ts";
import { CatalogService, type CatalogServiceOptions } from "./catalog-service.ts";
import type { CatalogTotals, ItemStat } from "./item-stats.ts";

/** What a module of the last plan or pull came to. */
export type ModuleStat = ItemStat;

/** What the last plan or pull of a {@link ModulesService} came to; modules sorted by name. */
export interface ModulesStats extends CatalogTotals {
  readonly modules: readonly ModuleStat[];
}

/** Options of {@link ModulesService}. */
export type ModulesServiceOptions = CatalogServiceOptions;

/**
 * Mirrors modules: `modules/<name>` with the versions its release channels point at or constraints select, and their
 * release metadata in `modules/<name>/release`; one `module-<name>.tar` each.
 */
export class ModulesService extends CatalogService {
  /** @throws MirrorError `SELECTION_INVALID` */
  constructor(options: ModulesServiceOptions) {
    super(modulesCatalog, options);
  }

  /** Pulls the modules. @throws MirrorError as `pull` */
  pullModules(options: ServicePullOptions): Promise<PullReport> {
    return this.pullComponents([modulesCatalog.component], options);
  }

  /** What the last plan or pull came to. */
  stats(): ModulesStats {
    const { items: modules, ...totals } = this.itemStats();
    return { modules, ...totals };
  }
}
