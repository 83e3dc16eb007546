import {
  type Digest,
  isRepositoryPath,
  type RegistryReader,
  type RepositoryReader,
  type Tag,
} from "@tranship/registry";
import { EventEmitter } from "eventemitter3";
import type { BundleDirectory } from "../bundle/bundle-directory.ts";
import { MirrorError } from "../errors.ts";
import type { MirrorEvent, OnEvent } from "../events.ts";
import { compareText } from "../layout/index-file.ts";
import { buildStep } from "../plan/build-step.ts";
import type { DownloadList } from "../plan/download-list.ts";
import type { Inventory } from "../plan/inventory.ts";
import type { Item, PlannedStep, Planner, ReadImageFiles, RunContext } from "../plan/planner.ts";
import type { Section } from "../plan/section.ts";
import { type Filter, parseFilter } from "../selection/filter.ts";
import { archiveOf, type Catalog } from "./catalog.ts";
import { CatalogImages } from "./catalog-images.ts";
import { channelVersion } from "./channel-version.ts";
import { openBelow } from "./open-below.ts";
import { plan } from "./plan.ts";
import { type PullReport, pull } from "./pull.ts";

/** Options of a service over a catalog. */
export interface CatalogServiceOptions {
  /** The registry, rooted where the catalog's own repository lies. */
  readonly source: RegistryReader;
  /** `name` or `name@=tag`, see {@link parseFilter}. @defaultValue everything in the catalog */
  readonly include?: readonly string[] | undefined;
  /** Leave out the items and bring only the release metadata of the whole catalog. @defaultValue false */
  readonly metadataOnly?: boolean | undefined;
}

/** Options of a pull by one service. */
export interface ServicePullOptions {
  readonly to: BundleDirectory;
  /** What the other side has already: its configs and layers are left out. @defaultValue nothing */
  readonly base?: Inventory | undefined;
  readonly signal?: AbortSignal | undefined;
}

type ServiceEvents = { [Type in MirrorEvent["type"]]: (event: Extract<MirrorEvent, { readonly type: Type }>) => void };

/**
 * Mirrors what a catalog lists: one archive a name, and one with everybody's release metadata. A planner for `pull` and
 * `plan`, and an emitter of the events of the runs it takes part in. One run at a time.
 */
export class CatalogService extends EventEmitter<ServiceEvents> implements Planner {
  readonly components: readonly string[];
  readonly selection: unknown;
  readonly onEvent: OnEvent;
  protected readonly planned: Map<string, readonly Section[]> = new Map();
  protected hasRun = false;
  readonly #catalog: Catalog;
  readonly #source: RegistryReader;
  readonly #images: CatalogImages;
  readonly #filter: Filter;
  readonly #metadataOnly: boolean;

  /** @throws MirrorError `SELECTION_INVALID` */
  constructor(catalog: Catalog, { source, include = [], metadataOnly = false }: CatalogServiceOptions) {
    super();
    this.#catalog = catalog;
    this.#source = source;
    this.#images = new CatalogImages(catalog, source);
    this.#filter = parseFilter(include);
    this.#metadataOnly = metadataOnly;
    this.components = metadataOnly ? [catalog.metadataComponent] : [catalog.component, catalog.metadataComponent];
    this.selection = {
      component: catalog.component,
      source: source.name,
      include: this.#filter.names?.map((name) => ({ name, ...this.#filter.wanted(name) })) ?? "everything",
      metadataOnly,
    };
    this.onEvent = (event) =>
      void (this.emit as (type: string, event: MirrorEvent) => boolean).call(this, event.type, event);
  }

  /**
   * What a pull would transfer: the exact dry run.
   * @throws MirrorError `NOT_IN_CATALOG`, `IMAGE_NOT_FOUND`, `TRANSFER_FAILED`, `INVENTORY_INVALID`
   */
  plan({ base, signal }: Omit<ServicePullOptions, "to"> = {}): Promise<DownloadList> {
    return plan([this], { base, signal });
  }

  open(source: string): RepositoryReader {
    return openBelow(this.#source, source);
  }

  async *items(run: RunContext): AsyncIterable<Item> {
    this.planned.clear();
    this.hasRun = true;
    const { component, metadataComponent, metadataArchive } = this.#catalog;
    const names = await this.#names(run);
    if (names.length === 0) return;
    if (!this.#metadataOnly) {
      for (const name of names.filter((name) => this.#filter.wanted(name))) {
        yield { component, name, archive: archiveOf(this.#catalog, name) };
      }
    }
    yield { component: metadataComponent, name: "all", archive: metadataArchive, members: names };
  }

  async next(
    item: Item,
    done: readonly Section[],
    run: RunContext,
    read: ReadImageFiles,
  ): Promise<PlannedStep | undefined> {
    this.hasRun = true;
    if (item.component === this.#catalog.metadataComponent)
      return done.length > 0 ? undefined : this.#metadataStep(item, run);
    this.planned.set(item.name, done);
    const wanted = this.#filter.wanted(item.name);
    if (wanted?.kind === "pins") {
      return done.length > 0 ? undefined : buildStep(this.#images.pinned(item.name, wanted.tags), done, run);
    }
    if (done.length === 0) return (await buildStep(this.#images.channels(item.name), done, run)) ?? nothing(item, run);
    const [channels] = done;
    if (done.length > 1 || !channels) return undefined;
    const versions = new Map<Digest, Tag | undefined>();
    for (const repository of channels.repositories) {
      for (const image of repository.images) {
        if (versions.has(image.digest)) continue; // several channels often are one image
        versions.set(image.digest, await channelVersion(repository, image, read, run));
      }
    }
    const named = [...new Set(versions.values())].filter((version) => version !== undefined);
    return buildStep(this.#images.versions(item.name, named.sort(compareText)), done, run);
  }

  /** The names the catalog lists. */
  async #names(run: RunContext): Promise<readonly string[]> {
    const { catalog } = this.#images;
    const tags = await run.source.tags(catalog);
    const asked = this.#metadataOnly ? [] : (this.#filter.names ?? []);
    const absent = asked.filter((name) => !tags?.includes(name));
    if (absent.length > 0) {
      const why = tags ? "does not list" : "does not exist, so it cannot list";
      const message = `catalog ${catalog.name} ${why} ${absent.join(", ")}`;
      throw new MirrorError("NOT_IN_CATALOG", message, { catalog: catalog.name, names: absent });
    }
    if (!tags || tags.length === 0) {
      const message = `${catalog.name} ${tags ? "lists nothing" : "does not exist"}: there are no ${this.#catalog.component} to mirror`;
      run.emit({ type: "warning.raised", code: "NO_CATALOG", message, reference: catalog.name });
    }
    const [usable, unusable] = [
      (tags ?? []).filter(isRepositoryPath),
      (tags ?? []).filter((name) => !isRepositoryPath(name)),
    ];
    if (unusable.length > 0) {
      const message = `${catalog.name} lists what cannot be the name of a repository, which is left out: ${unusable.slice(0, 5).join(", ")}`;
      run.emit({ type: "warning.raised", code: "NAME_UNUSABLE", message, reference: catalog.name });
    }
    return usable.sort(compareText);
  }

  /** One section with everybody's release metadata: the archive is laid out when all its manifests are in. */
  async #metadataStep(item: Item, run: RunContext): Promise<PlannedStep | undefined> {
    const wanted = await Promise.all(
      (item.members ?? []).map(async (name) => {
        const tags = await run.source.tags(this.#images.metadata(name).repository);
        return this.#images.allMetadata(name, tags ?? []);
      }),
    );
    return buildStep(wanted.flat(), [], run);
  }

  /** Runs only the items of these components. */
  protected pullComponents(
    components: readonly string[],
    { to, base, signal }: ServicePullOptions,
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
    return pull([only], { to, base, signal });
  }

  async *#only(components: readonly string[], run: RunContext): AsyncIterable<Item> {
    for await (const item of this.items(run)) if (components.includes(item.component)) yield item;
  }
}

function nothing({ component, name }: Item, run: RunContext): undefined {
  const message = `${component}: ${name} has no release channels, so nothing of it is mirrored; ask for a tag with ${name}@=TAG`;
  run.emit({ type: "warning.raised", code: "NOTHING_SELECTED", message, reference: name });
}
