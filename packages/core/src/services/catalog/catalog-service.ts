import { type CallOptions, isRepositoryPath, type RegistryReader, type RepositoryReader } from "@tranship/registry";
import { EventEmitter } from "eventemitter3";
import { MirrorError } from "../../errors.ts";
import type { MirrorEvent, OnEvent } from "../../events.ts";
import { compareText } from "../../layout/index-file.ts";
import { buildStep, type WantedImage } from "../../plan/build-step.ts";
import type { DownloadList } from "../../plan/download-list.ts";
import type { Item, PlannedStep, Planner, ReadImageFiles, RunContext } from "../../plan/planner.ts";
import { type PlatformOptions, readPlatforms } from "../../plan/platforms/platform-choice.ts";
import type { Section } from "../../plan/section.ts";
import type { DiscoveryNames } from "../../push/discovery-names.ts";
import { type Filter, parseFilter, type Wanted } from "../../selection/filter.ts";
import type { AttachedKinds } from "../attached-kinds.ts";
import { openBelow } from "../open-below.ts";
import { plan } from "../plan.ts";
import { type PullReport, pull } from "../pull.ts";
import { startRun } from "../run-context.ts";
import type { ServiceEvents, ServicePlanOptions, ServicePullOptions } from "../service-options.ts";
import { archiveOf, type Catalog } from "./catalog.ts";
import { listCatalog } from "./catalog-access.ts";
import { CatalogImages } from "./catalog-images.ts";
import { CatalogItem, type NameExplanation } from "./catalog-item.ts";
import { type CatalogTotals, type ItemStat, itemStats } from "./item-stats.ts";
import { Refusals } from "./refusals.ts";
import { unannouncedNames } from "./unannounced-names.ts";

/** Options of a service over a catalog. */
export interface CatalogServiceOptions extends PlatformOptions {
  /** The registry, rooted where the catalog's own repository lies. */
  readonly source: RegistryReader;
  /** `name`, `name@=tag` or `name@range`, see {@link parseFilter}. @defaultValue everything in the catalog */
  readonly include?: readonly string[] | undefined;
  /** Names to leave out. @defaultValue none */
  readonly exclude?: readonly string[] | undefined;
  /** What is brought along of what refers to the images. @defaultValue "all" */
  readonly attached?: AttachedKinds | undefined;
  /** Bring nothing but the extra images. @defaultValue false */
  readonly onlyExtraImages?: boolean | undefined;
  /** The source cannot list tags: names are those included, versions are found by asking for them. @defaultValue false */
  readonly proxy?: boolean | undefined;
  /** The catalog's repository at the source; empty for the registry's root. @defaultValue the catalog's own */
  readonly sourcePath?: string | undefined;
  /**
   * Leave out the items and bring only the release metadata of the whole catalog; refused where that is left out too, or
   * has no archive. @defaultValue false
   */
  readonly metadataOnly?: boolean | undefined;
  /** Bring the release metadata of the whole catalog, where it has an archive for that. @defaultValue true */
  readonly catalogMetadata?: boolean | undefined;
  /**
   * How long the catalog may give no answer while it is listed, in milliseconds; 0 for ever. Listing it is the first thing
   * a run does: whoever may not, or cannot reach it, learns it then. @defaultValue 15000
   */
  readonly accessTimeoutMs?: number | undefined;
}

/**
 * Mirrors what a catalog lists: one archive a name, and one with everybody's release metadata. A planner for `pull` and
 * `plan`, and an emitter of the events of the runs it takes part in. One run at a time.
 */
export class CatalogService extends EventEmitter<ServiceEvents> implements Planner {
  readonly components: readonly string[];
  readonly selection: unknown;
  readonly onEvent: OnEvent;
  readonly #catalog: Catalog;
  readonly #everything: Catalog["everything"];
  readonly #source: RegistryReader;
  readonly #sourcePath: string;
  readonly #images: CatalogImages;
  readonly #filter: Filter;
  readonly #item: CatalogItem;
  readonly #proxy: boolean;
  readonly #onlyExtraImages: boolean;
  readonly #metadataOnly: boolean;
  readonly #accessTimeoutMs: number | undefined;
  readonly #planned = new Map<string, readonly Section[]>();
  #hasRun = false;

  /** @throws MirrorError `SELECTION_INVALID` */
  constructor(catalog: Catalog, options: CatalogServiceOptions) {
    super();
    const { source, attached = "all", onlyExtraImages = false, proxy = false, metadataOnly = false } = options;
    const sourcePath = options.sourcePath ?? catalog.root;
    const { catalogMetadata = true } = options;
    this.#catalog = catalog;
    this.#everything = catalogMetadata ? catalog.everything : undefined;
    this.#source = source;
    this.#sourcePath = sourcePath;
    const platforms = readPlatforms(options);
    this.#images = new CatalogImages(catalog, source, sourcePath, platforms.choice);
    this.#filter = parseFilter(options);
    this.#item = new CatalogItem({
      images: this.#images,
      open: (name) => this.open(name),
      attached,
      onlyExtraImages,
      proxy,
    });
    this.#proxy = proxy;
    this.#onlyExtraImages = onlyExtraImages;
    this.#metadataOnly = metadataOnly;
    this.#accessTimeoutMs = options.accessTimeoutMs;
    const everything = this.#everything ? [this.#everything.component] : [];
    this.components = metadataOnly ? everything : [catalog.component, ...everything];
    if (this.components.length === 0) {
      const message = `${catalog.component}: with \`metadataOnly\`, nothing is left to bring`;
      throw new MirrorError("SELECTION_INVALID", message, { expression: "" });
    }
    const { include = [], exclude = [] } = options;
    this.selection = {
      component: catalog.component,
      source: source.name,
      sourcePath,
      include: [...new Set(include.map((expression) => expression.trim()))].sort(compareText),
      exclude: [...new Set(exclude.map((expression) => expression.trim()))].sort(compareText),
      attached,
      ...platforms.selection,
      onlyExtraImages,
      proxy,
      metadataOnly,
      catalogMetadata,
    };
    this.onEvent = (event) => {
      if (event.type === "item.failed" && event.component === catalog.component) this.#planned.delete(event.item);
      (this.emit as (type: string, event: MirrorEvent) => boolean).call(this, event.type, event);
    };
  }

  /**
   * What a pull would transfer: the exact dry run.
   * @throws MirrorError `NOT_IN_CATALOG`, `IMAGE_NOT_FOUND`, `TRANSFER_FAILED`, `INVENTORY_INVALID`
   */
  plan({ base, signal, keepGoing }: ServicePlanOptions = {}): Promise<DownloadList> {
    return plan([this], { base, signal, keepGoing });
  }

  /**
   * Why each tag of every name asked for is selected by the constraints or not. What release channels point at comes
   * besides, and is not part of this. Tags are listed only where there is a range.
   * @throws MirrorError as `plan`
   */
  async *explain({ signal }: CallOptions = {}): AsyncGenerator<NameExplanation> {
    using run = startRun([this], { signal });
    for (const name of (await this.#names(run.base)).names) {
      const wanted = this.#filter.wanted(name);
      if (wanted) yield await this.#item.explain(name, wanted, run.base);
    }
  }

  open(source: string): RepositoryReader {
    return openBelow(this.#source, source);
  }

  /** The names of the catalog that were asked for, one item each, and the catalog's own images. */
  async *items(run: RunContext): AsyncIterable<Item> {
    this.#planned.clear();
    this.#hasRun = true;
    const { component } = this.#catalog;
    const everything = this.#everything;
    const { names, metadataOnly } = await this.#names(run);
    const members = [...names, ...metadataOnly].sort(compareText);
    if (members.length === 0) return;
    if (!this.#metadataOnly) {
      for (const name of names.filter((name) => this.#filter.wanted(name))) {
        yield { component, name, archive: archiveOf(this.#catalog, name) };
      }
    }
    if (everything) yield { component: everything.component, name: "all", archive: everything.archive, members };
  }

  async next(
    item: Item,
    done: readonly Section[],
    run: RunContext,
    read: ReadImageFiles,
  ): Promise<PlannedStep | undefined> {
    this.#hasRun = true;
    if (item.component === this.#everything?.component)
      return done.length > 0 ? undefined : this.#metadataStep(item, run);
    this.#planned.set(item.name, done);
    const wanted = this.#filter.wanted(item.name);
    if (!wanted) return undefined;
    const step = await this.#item.next({ name: item.name, wanted, done, run, read });
    const isEmpty = !step && done.every(({ repositories }) => repositories.length === 0);
    // Who takes all there is did not ask for this name: that it is empty is nothing to tell.
    if (isEmpty && this.#filter.names) warnOfNothing(item, this.#onlyExtraImages, run);
    return step;
  }

  /** The names the catalog lists, or would if it were pushed; those that have nothing but release metadata apart. */
  async #names(run: RunContext): Promise<Pick<DiscoveryNames, "names" | "metadataOnly">> {
    const { catalog } = this.#images;
    if (this.#proxy) return { names: this.#filter.names ?? this.#noNames(run), metadataOnly: [] };
    const own = await listCatalog(catalog, this.#catalog.component, run, this.#accessTimeoutMs);
    const found = own ? undefined : await unannouncedNames(this.#source, this.#sourcePath, this.#catalog, run.signal);
    const tags = own ?? found?.names;
    const asked = this.#metadataOnly ? [] : (this.#filter.names ?? []);
    const listed = new Set(tags);
    const absent = asked.filter((name) => !listed.has(name));
    if (absent.length > 0) {
      const why = tags ? "does not list" : "does not exist, so it cannot list";
      const message = `catalog ${catalog.name} ${why} ${absent.join(", ")}`;
      throw new MirrorError("NOT_IN_CATALOG", message, { catalog: catalog.name, names: absent });
    }
    if (!found && (!tags || tags.length === 0)) {
      const message = `${catalog.name} ${tags ? "lists nothing" : "does not exist"}: there are no ${this.#catalog.component} to mirror`;
      const { component } = this.#catalog;
      run.emit({ type: "warning.raised", code: "NO_CATALOG", message, reference: catalog.name, component });
    }
    const unmet = tags && !this.#metadataOnly ? this.#filter.excluded.filter((name) => !listed.has(name)) : [];
    if (unmet.length > 0) {
      const message = `${catalog.name} does not list what is to be left out: ${unmet.join(", ")}`;
      run.emit({ type: "warning.raised", code: "EXCLUSION_ABSENT", message, reference: catalog.name });
    }
    const [usable, unusable] = [
      (tags ?? []).filter(isRepositoryPath),
      (tags ?? []).filter((name) => !isRepositoryPath(name)),
    ];
    if (unusable.length > 0) {
      const message = `${catalog.name} lists what cannot be the name of a repository, which is left out: ${unusable.slice(0, 5).join(", ")}`;
      run.emit({ type: "warning.raised", code: "NAME_UNUSABLE", message, reference: catalog.name });
    }
    return { names: usable.sort(compareText), metadataOnly: found?.metadataOnly ?? [] };
  }

  /** A source that cannot list tags cannot list names either. */
  #noNames(run: RunContext): readonly string[] {
    const { name } = this.#images.catalog;
    const message = `${name} is not listed by a proxy: name the ${this.#catalog.component} to mirror`;
    const { component } = this.#catalog;
    run.emit({ type: "warning.raised", code: "NO_CATALOG", message, reference: name, component });
    return [];
  }

  /** One section with everybody's release metadata: the archive is laid out when all its manifests are in. */
  async #metadataStep({ members = [] }: Item, run: RunContext): Promise<PlannedStep | undefined> {
    const refused = new Refusals(members.length, run);
    const wanted = await Promise.all(
      members.map(async (name) => {
        if (this.#proxy) return this.#catalogMetadata(name, (asked) => this.#images.channels(name, asked));
        const { repository } = this.#images.metadata(name);
        const tags = await refused.without(repository.name, () => run.source.tags(repository));
        return this.#catalogMetadata(name, () => this.#images.allMetadata(name, tags ?? []));
      }),
    );
    const step = await buildStep(wanted.flat(), [], run);
    if (!step && refused.missing.length === 0) return undefined;
    const { section = { repositories: [] }, missing = [] } = step ?? {};
    const isUnsettled = step?.isUnsettled || refused.missing.length > 0;
    return { section, missing: [...missing, ...refused.missing], isUnsettled };
  }

  /** Channels that stand for tags asked for by name do so here too: the archive contradicts none of the others. */
  #catalogMetadata(name: string, all: (wanted: Wanted) => readonly WantedImage[]): readonly WantedImage[] {
    const wanted = this.#filter.wanted(name) ?? { channels: true, constraints: [] };
    const aliases = this.#images.aliases(name, wanted);
    const taken = new Set(aliases.map(({ tag }) => tag));
    return [...all(wanted).filter(({ reference }) => !taken.has(reference)), ...aliases];
  }

  /** What the last plan or pull came to, name by name and summed up. */
  protected itemStats(): CatalogTotals & { readonly items: readonly ItemStat[] } {
    const items = itemStats(this.#planned, this.#catalog.root);
    const sum = (count: (stat: ItemStat) => number) => items.reduce((total, stat) => total + count(stat), 0);
    return {
      items,
      attempted: this.#hasRun,
      onlyExtraImages: this.#onlyExtraImages,
      totalImages: sum(({ images }) => images),
      totalVex: sum(({ vex }) => vex),
    };
  }

  /** Runs only the items of these components. */
  protected pullComponents(
    components: readonly string[],
    { to, base, signal, keepGoing }: ServicePullOptions,
  ): Promise<PullReport> {
    const items = (run: RunContext) => this.#only(components, run);
    const only: Planner = {
      components,
      selection: { ...(this.selection as object), only: components },
      open: (source) => this.open(source),
      items,
      next: (item, done, run, read) => this.next(item, done, run, read),
      onEvent: this.onEvent,
    };
    return pull([only], { to, base, signal, keepGoing });
  }

  async *#only(components: readonly string[], run: RunContext): AsyncIterable<Item> {
    for await (const item of this.items(run)) if (components.includes(item.component)) yield item;
  }
}

function warnOfNothing({ component, name }: Item, onlyExtraImages: boolean, run: RunContext): void {
  const reason = onlyExtraImages
    ? "none of its versions lists an extra image"
    : `it has no release channels, and nothing else of it was asked for or found; ask for a tag with ${name}@=TAG`;
  const message = `${component}: nothing of ${name} is mirrored: ${reason}`;
  run.emit({ type: "warning.raised", code: "NOTHING_SELECTED", message, reference: name });
}
