import type { CallOptions, RepositoryReader } from "@tranship/registry";
import { EventEmitter } from "eventemitter3";
import { MirrorError } from "../../errors.ts";
import type { MirrorEvent, OnEvent } from "../../events.ts";
import { compareText } from "../../layout/index-file.ts";
import type { DownloadList } from "../../plan/download-list.ts";
import type { Item, PlannedStep, Planner, RunContext } from "../../plan/planner.ts";
import { type PlatformOptions, readPlatforms } from "../../plan/platforms/platform-choice.ts";
import type { Section } from "../../plan/section.ts";
import { parseImageExclusion } from "../../selection/image-expression.ts";
import { formatImageName } from "../../selection/image-name.ts";
import { exclusionQuery, imageQuery } from "../../selection/image-query.ts";
import type { ImageSelection } from "../../selection/image-selection.ts";
import type { ImageTagVerdict } from "../../selection/image-tags.ts";
import type { AttachedKinds } from "../attached-kinds.ts";
import { plan } from "../plan.ts";
import { type PullReport, pull } from "../pull.ts";
import { startRun } from "../run-context.ts";
import type { ServiceEvents, ServicePlanOptions, ServicePullOptions } from "../service-options.ts";
import { type RegistryOfHost, sourceOpener } from "../source-registries.ts";
import { imageArchive } from "./images-archive.ts";
import { type ImageRepository, ImagesItem } from "./images-item.ts";
import { type ImagePathOptions, imagePaths } from "./images-paths.ts";
import { type ImagesStats, imagesStats } from "./images-stats.ts";

/** Options of {@link ImagesService}. */
export interface ImagesServiceOptions extends PlatformOptions {
  /** What is wanted, such as `ghcr.io/org/app@^1.3`: see {@link parseImage}. What is asked of one repository adds up. */
  readonly images: readonly (string | ImageSelection)[];
  /** What is left out of it, such as `ghcr.io/org/app@*-rc*`: see {@link parseImageExclusion}. @defaultValue nothing */
  readonly exclude?: readonly string[] | undefined;
  /**
   * Gives the registry of a host, such as `ghcr.io` or `docker.io`, named after it: `createRegistry(host)` does. Asked once
   * for each host of a run; closing what it gives is the caller's.
   */
  readonly from: RegistryOfHost;
  /** Where images are stored and pushed. @defaultValue at their full name */
  readonly paths?: ImagePathOptions | undefined;
  /** What is brought along of what refers to the images. @defaultValue "all" */
  readonly attached?: AttachedKinds | undefined;
  /** The sources cannot list tags: only tags and digests can be asked for. @defaultValue false */
  readonly proxy?: boolean | undefined;
}

/** Why tags of one repository are taken by one expression or not. */
export interface ImageExplanation {
  /** The full name of the repository. */
  readonly repository: string;
  /** What is asked of it, for people. */
  readonly asked: string;
  readonly verdicts: readonly ImageTagVerdict[];
}

const component = "images";

/**
 * Mirrors images of any registries, and whatever else lies in one: charts, policies, modules of other tools. One archive a
 * repository, `image-<name>.tar`. A planner for `pull` and `plan`, and an emitter of the events of the runs it takes part
 * in. One run at a time.
 */
export class ImagesService extends EventEmitter<ServiceEvents> implements Planner {
  readonly components: readonly string[] = [component];
  readonly selection: unknown;
  readonly onEvent: OnEvent;
  /** The hosts that will be asked, sorted. */
  readonly hosts: readonly string[];
  readonly #repositories: ReadonlyMap<string, ImageRepository>;
  readonly #exclusions: readonly { readonly repository: string | undefined; readonly text: string }[];
  readonly #open: (name: string) => RepositoryReader;
  readonly #item: ImagesItem;
  readonly #planned = new Map<string, readonly Section[]>();
  #hasRun = false;

  /** Asks nothing of any registry. @throws MirrorError `SELECTION_INVALID` */
  constructor(options: ImagesServiceOptions) {
    super();
    const { images, exclude = [], from, paths = {}, attached = "all", proxy = false } = options;
    const queries = images.map(imageQuery);
    const exclusions = exclude.map((text) => exclusionQuery(parseImageExclusion(text), text));
    if (queries.length === 0) throw invalid("", "no image is asked for");
    const unlistable = proxy ? queries.find(({ want }) => want.kind === "select") : undefined;
    if (unlistable) throw invalid(unlistable.text, "a proxy lists no tags: name one, or a digest");
    const platforms = readPlatforms(options);
    const pathOf = imagePaths(paths);
    const byName = Map.groupBy(queries, ({ name }) => formatImageName(name));
    const repositories = [...byName].map(([name, own]): ImageRepository => {
      const [first] = own;
      const applied = exclusions.filter(({ repository }) => repository === undefined || repository === name);
      const path = first ? pathOf(first.name) : "";
      return { name, path, archive: imageArchive(name), queries: own, exclusions: applied };
    });
    repositories.sort((a, b) => compareText(a.name, b.name));
    this.#repositories = new Map(repositories.map((one) => [one.name, one]));
    this.#exclusions = exclusions;
    this.hosts = [...new Set(queries.map(({ name }) => name.registry))].sort(compareText);
    this.#open = sourceOpener(from);
    this.#item = new ImagesItem({
      open: this.#open,
      attached,
      platforms: platforms.choice,
      proxy,
      at: (path) => repositories.filter((one) => one.path === path),
    });
    this.selection = {
      component,
      images: [...new Set(queries.map(({ text }) => text))].sort(compareText),
      exclude: [...new Set(exclusions.map(({ text }) => text))].sort(compareText),
      paths: repositories.map(({ name, path }) => [name, path]),
      attached,
      ...platforms.selection,
      proxy,
    };
    this.onEvent = (event) => {
      if (event.type === "item.failed" && event.component === component) this.#planned.delete(event.item);
      (this.emit as (type: string, event: MirrorEvent) => boolean).call(this, event.type, event);
    };
  }

  /**
   * What a pull would transfer: the exact dry run.
   * @throws MirrorError `IMAGE_NOT_FOUND` also when a selection finds nothing, `TAG_MOVED` when a tag is not the digest asked for
   * with it, `PATH_CONFLICT`, `TRANSFER_FAILED`, `INVENTORY_INVALID`
   */
  plan({ base, signal, keepGoing }: ServicePlanOptions = {}): Promise<DownloadList> {
    return plan([this], { base, signal, keepGoing });
  }

  /** Pulls the images. @throws MirrorError as `plan` and `pull` */
  pull({ to, base, signal, keepGoing }: ServicePullOptions): Promise<PullReport> {
    return pull([this], { to, base, signal, keepGoing });
  }

  /**
   * Why each tag is taken or not, by repository and expression. Tags are listed only where something selects from them.
   * @throws MirrorError as `plan`
   */
  async *explain({ signal }: CallOptions = {}): AsyncGenerator<ImageExplanation> {
    using run = startRun([this], { signal });
    for (const one of this.#repositories.values()) {
      for (const query of one.queries) {
        const verdicts = await this.#item.explain(one, query, run.base);
        yield { repository: one.name, asked: query.asked, verdicts };
      }
    }
  }

  /** What the last plan or pull came to. */
  stats(): ImagesStats {
    return imagesStats(this.#hasRun, this.#planned);
  }

  open(source: string): RepositoryReader {
    return this.#open(source);
  }

  async *items(run: RunContext): AsyncIterable<Item> {
    this.#planned.clear();
    this.#hasRun = true;
    for (const { repository, text } of this.#exclusions) {
      if (repository === undefined || this.#repositories.has(repository)) continue;
      const message = `${text} is to be left out, and nothing of ${repository} is asked for`;
      run.emit({ type: "warning.raised", code: "EXCLUSION_ABSENT", message, reference: repository });
    }
    for (const { name, archive } of this.#repositories.values()) yield { component, name, archive };
  }

  async next(item: Item, done: readonly Section[], run: RunContext): Promise<PlannedStep | undefined> {
    this.#hasRun = true;
    this.#planned.set(item.name, done);
    const repository = this.#repositories.get(item.name);
    return repository && (await this.#item.next(repository, done, run));
  }
}

function invalid(expression: string, reason: string): MirrorError<"SELECTION_INVALID"> {
  const message = expression === "" ? reason : `cannot take ${expression}: ${reason}`;
  return new MirrorError("SELECTION_INVALID", message, { expression });
}
