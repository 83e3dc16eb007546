import type { Digest, RepositoryReader, Tag } from "@tranship/registry";
import { compareText } from "../../layout/index-file.ts";
import { buildStep, type WantedImage } from "../../plan/build-step.ts";
import type { PlannedStep, ReadImageFiles, RunContext } from "../../plan/planner.ts";
import type { PlannedImage, PlannedRepository, Section } from "../../plan/section.ts";
import { isReleaseChannel } from "../../selection/channels.ts";
import type { Wanted } from "../../selection/filter.ts";
import { probeVersions } from "../../selection/probe.ts";
import { explainVersions, selectVersions, type TagVerdict } from "../../selection/select-versions.ts";
import { Pool } from "../../transfer/pool.ts";
import { attachedImages } from "../attached-images.ts";
import type { AttachedKinds } from "../attached-kinds.ts";
import { type CatalogImages, pinsOf } from "./catalog-images.ts";
import { channelVersion } from "./channel-version.ts";
import { mergeListed, readListedImages } from "./listed-images.ts";

/** How the items of a catalog are planned. */
export interface CatalogItemOptions {
  readonly images: CatalogImages;
  /** The repository of that full name at the source. */
  readonly open: (source: string) => RepositoryReader;
  readonly attached: AttachedKinds;
  /** Nothing but extra images. */
  readonly onlyExtraImages: boolean;
  /** The source cannot list tags: versions are found by asking for them. */
  readonly proxy: boolean;
}

/** What a stage of an item is decided from. */
interface Stage {
  readonly name: string;
  readonly wanted: Wanted;
  readonly done: readonly Section[];
  readonly run: RunContext;
  readonly read: ReadImageFiles;
}

/** Why tags of one name are selected or not. */
export interface NameExplanation {
  readonly name: string;
  /** The full name of its repository. */
  readonly repository: string;
  /** What is asked of it, for people. */
  readonly asked: string;
  readonly verdicts: readonly TagVerdict[];
}

/** Images of one name whose files are read at a time: each holds the window of its unpacker. */
const readsInFlight = 4;

const nothing: PlannedStep = { section: { repositories: [] }, missing: [] };

/**
 * Plans one name of a catalog, section after section: its release channels, the versions they point at and those that are
 * asked for, the images these list, and what is attached to all of them. Each section follows from what is in the
 * earlier ones.
 */
export class CatalogItem {
  readonly #options: CatalogItemOptions;

  constructor(options: CatalogItemOptions) {
    this.#options = options;
  }

  /** The step after `done`; `undefined` when the name is complete. */
  async next(stage: Stage): Promise<PlannedStep | undefined> {
    const plan = this.#stages(stage.wanted)[stage.done.length];
    return plan && ((await plan(stage)) ?? nothing);
  }

  /** Why the tags of a name are selected by what is asked of it, or not. */
  async explain(name: string, wanted: Wanted, run: RunContext): Promise<NameExplanation> {
    const { repository } = this.#options.images.main(name);
    const tags = await this.#candidates(name, wanted, run);
    const texts = wanted.constraints.map((one) => (one.kind === "range" ? one.range.text : `=${one.tag}`));
    const asked = [...(wanted.channels ? ["its release channels"] : []), ...texts].join(", ");
    return { name, repository: repository.name, asked, verdicts: explainVersions(wanted.constraints, tags) };
  }

  #stages({ channels }: Wanted): readonly ((stage: Stage) => Promise<PlannedStep | undefined>)[] {
    const listed = (stage: Stage) => this.#listed(stage);
    const attached = (stage: Stage) => this.#attached(stage);
    if (this.#options.onlyExtraImages) return [(stage) => this.#onlyExtras(stage), attached];
    if (!channels) return [(stage) => this.#pins(stage), listed, attached];
    return [(stage) => this.#channels(stage), (stage) => this.#versions(stage), listed, attached];
  }

  #pins({ name, wanted, done, run }: Stage): Promise<PlannedStep | undefined> {
    const { images } = this.#options;
    const pins = pinsOf(wanted);
    return buildStep([...images.pinned(name, pins), ...images.aliases(name, wanted)], done, run);
  }

  #channels({ name, wanted, done, run }: Stage): Promise<PlannedStep | undefined> {
    return buildStep(this.#options.images.channels(name, wanted), done, run);
  }

  async #versions(stage: Stage): Promise<PlannedStep | undefined> {
    const { name, wanted, done, run } = stage;
    const { images } = this.#options;
    const pointed = await this.#channelVersions(stage, done[0]);
    const selected = await this.#selected(stage);
    const pins = pinsOf(wanted);
    return buildStep(
      [
        ...images.versions(name, pointed, "version"),
        ...images.versions(name, selected, "constraint"),
        ...images.pinned(name, pins),
        ...images.aliases(name, wanted),
      ],
      done,
      run,
    );
  }

  /** The versions that the channels of a section point at, sorted. */
  async #channelVersions({ name, run, read }: Stage, section: Section | undefined): Promise<readonly Tag[]> {
    const { path } = this.#options.images.metadata(name);
    const own = section?.repositories.filter((repository) => repository.path === path) ?? [];
    const versions = await forEachImage(own, run.signal, async (repository, image) =>
      isReleaseChannel(image.tag) ? await channelVersion(repository, image, read, run) : undefined,
    );
    return [...new Set(versions)].filter((version) => version !== undefined).sort(compareText);
  }

  /** The tags that ranges select. */
  async #selected({ name, wanted, run }: Stage): Promise<readonly Tag[]> {
    const ranges = wanted.constraints.filter(({ kind }) => kind === "range");
    return selectVersions(ranges, await this.#candidates(name, wanted, run));
  }

  /** The tags that ranges may select from; they are listed only where there is a range. */
  async #candidates(name: string, { constraints }: Wanted, run: RunContext): Promise<readonly Tag[]> {
    const ranges = constraints.filter((constraint) => constraint.kind === "range");
    if (ranges.length === 0) return [];
    const { repository } = this.#options.images.main(name);
    if (!this.#options.proxy) {
      const tags = await run.source.tags(repository);
      if (tags) return tags;
      const message = `${repository.name} does not exist: no version of it can be selected`;
      run.emit({ type: "warning.raised", code: "NOTHING_SELECTED", message, reference: repository.name });
      return [];
    }
    const exists = async (tag: Tag) => (await run.source.manifest(repository, tag)) !== undefined;
    const found: Tag[] = [];
    for (const { range } of ranges) found.push(...(await probeVersions(range, exists, { signal: run.signal })));
    return found;
  }

  /** The images that the versions planned so far list: by digest beside them, and as extra images. */
  async #listed(stage: Stage): Promise<PlannedStep | undefined> {
    const { path } = this.#options.images.main(stage.name);
    const versions = stage.done.flatMap(({ repositories }) => repositories.filter((one) => one.path === path));
    return buildStep(await this.#listedBy(versions, stage), stage.done, stage.run);
  }

  /** Extra images alone: what lists them is read, and left where it is. */
  async #onlyExtras(stage: Stage): Promise<PlannedStep | undefined> {
    const { name, wanted, run } = stage;
    const { images } = this.#options;
    const channels = wanted.channels ? await buildStep(images.channels(name, wanted), [], run) : undefined;
    const pointed = await this.#channelVersions(stage, channels?.section);
    const main = [
      ...images.versions(name, pointed, "version"),
      ...images.versions(name, await this.#selected(stage), "constraint"),
      ...images.pinned(name, pinsOf(wanted)),
    ].filter(({ path }) => path === images.main(name).path);
    const versions = await buildStep(main, [], run);
    const extras = (await this.#listedBy(versions?.section.repositories ?? [], stage)).filter(
      ({ why }) => why === "extra",
    );
    const { section, missing } = (await buildStep(extras, [], run)) ?? nothing;
    return { section, missing: [...(versions?.missing ?? []), ...missing] };
  }

  async #listedBy(versions: readonly PlannedRepository[], { name, run, read }: Stage): Promise<readonly WantedImage[]> {
    const { images } = this.#options;
    const listed = await forEachImage(versions, run.signal, (repository, image) =>
      readListedImages(repository, image, read),
    );
    const { internal, extras } = mergeListed(listed);
    return [...images.internal(name, internal), ...images.extras(name, extras)];
  }

  /** What is attached to the images of the name and to its extra images; release metadata has nothing attached. */
  async #attached({ name, done, run }: Stage): Promise<PlannedStep | undefined> {
    const { images, open, attached, proxy } = this.#options;
    const options = { kinds: attached, canList: !proxy };
    const metadata = images.metadata(name).path;
    const repositories = done.flatMap((section) => section.repositories).filter(({ path }) => path !== metadata);
    const wanted = await Promise.all(
      repositories.map((repository) => attachedImages(repository, open(repository.source), options, run)),
    );
    return buildStep(wanted.flat(), done, run);
  }
}

/**
 * What `work` gives for each image, in their order; one under several tags is worked on once. When one fails, the others
 * come to their ends, and of several failures the first image's is thrown: which one it is must not depend on time.
 */
async function forEachImage<Result>(
  repositories: readonly PlannedRepository[],
  signal: AbortSignal,
  work: (repository: PlannedRepository, image: PlannedImage) => Promise<Result>,
): Promise<readonly Result[]> {
  const pool = new Pool(readsInFlight);
  const flights = new Map<Digest, Promise<Result>>();
  for (const repository of repositories) {
    for (const image of repository.images) {
      if (!flights.has(image.digest))
        flights.set(
          image.digest,
          pool.run(() => work(repository, image), signal),
        );
    }
  }
  const results = await Promise.allSettled(flights.values());
  return results.map((result) => {
    if (result.status === "rejected") throw result.reason;
    return result.value;
  });
}
