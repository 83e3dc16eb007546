import { type Digest, formatName, isRegistryError, type RepositoryReader, type Tag } from "@tranship/registry";
import { isMirrorError, MirrorError } from "../../errors.ts";
import { buildStep, type WantedImage } from "../../plan/build-step.ts";
import { pathConflict } from "../../plan/path-conflict.ts";
import type { PlannedStep, RunContext } from "../../plan/planner.ts";
import type { PlatformChoice } from "../../plan/platforms/platforms.ts";
import type { Section } from "../../plan/section.ts";
import { SlowPatternError } from "../../selection/image-pattern.ts";
import type { ExclusionQuery, ImageQuery } from "../../selection/image-query.ts";
import { explainTags, type ImageTagVerdict } from "../../selection/image-tags.ts";
import { attachedImages } from "../attached-images.ts";
import type { AttachedKinds } from "../attached-kinds.ts";

/** A repository images are taken from, with all that is asked of it. */
export interface ImageRepository {
  /** Its full name. */
  readonly name: string;
  /** Where its images are stored. */
  readonly path: string;
  readonly archive: string;
  readonly queries: readonly ImageQuery[];
  readonly exclusions: readonly ExclusionQuery[];
}

/** How the images of a repository are planned. */
export interface ImagesItemOptions {
  /** The repository of that full name. */
  readonly open: (name: string) => RepositoryReader;
  readonly attached: AttachedKinds;
  readonly platforms: PlatformChoice | undefined;
  /** Tags cannot be listed. */
  readonly proxy: boolean;
  /** All repositories whose images are stored at a path. */
  readonly at: (path: string) => readonly ImageRepository[];
}

const nothing: PlannedStep = { section: { repositories: [] }, missing: [] };

/**
 * Plans the images of one repository in two sections: those that are asked for and selected, and what is attached to
 * them.
 */
export class ImagesItem {
  readonly #options: ImagesItemOptions;

  constructor(options: ImagesItemOptions) {
    this.#options = options;
  }

  /**
   * The step after `done`; `undefined` when the repository is complete.
   * @throws MirrorError `IMAGE_NOT_FOUND` also when a selection finds nothing, `TAG_MOVED`, `PATH_CONFLICT`, `SELECTION_INVALID`
   * for a pattern that takes too long
   */
  async next(repository: ImageRepository, done: readonly Section[], run: RunContext): Promise<PlannedStep | undefined> {
    if (done.length >= stages) return undefined;
    const step = (await this.#step(repository, done, run)) ?? nothing;
    await this.#requireAlone(repository, [...done, step.section], run);
    return step;
  }

  /** Why each tag of the repository is taken by a query or not; tags are listed only where something selects from them. */
  async explain(repository: ImageRepository, query: ImageQuery, run: RunContext): Promise<readonly ImageTagVerdict[]> {
    const { name, exclusions } = repository;
    const tags = query.want.kind === "select" ? await this.#tags(name, query, run) : [];
    try {
      return explainTags(query, tags, exclusions);
    } catch (cause) {
      if (!(cause instanceof SlowPatternError)) throw cause;
      const hint = "write it without nested repetition, such as (a+)+";
      const message = `cannot select tags of ${name}: ${cause.message}; ${hint}`;
      throw new MirrorError("SELECTION_INVALID", message, { expression: query.text, hint }, { cause });
    }
  }

  #step(repository: ImageRepository, done: readonly Section[], run: RunContext): Promise<PlannedStep | undefined> {
    return done.length === 0 ? this.#images(repository, run) : this.#attached(repository, done, run);
  }

  async #images(repository: ImageRepository, run: RunContext): Promise<PlannedStep | undefined> {
    const { path, name, queries } = repository;
    const { open, platforms } = this.#options;
    const place = { path, repository: open(name), platforms, whenBroken: "fail" } as const;
    const wanted: WantedImage[] = [];
    for (const query of queries) {
      if (query.want.kind === "digest") {
        wanted.push({ ...place, reference: query.want.digest, why: "pin", whenMissing: "fail" });
        continue;
      }
      const tags = await this.#selected(repository, query, run);
      const isNamed = query.want.kind === "tags";
      const digest = query.want.kind === "tags" ? query.want.digest : undefined;
      for (const tag of tags) {
        if (digest !== undefined) await requireDigest(place.repository, tag, digest, run);
        const image = digest === undefined ? { reference: tag } : { reference: digest, tag };
        const why = isNamed ? "pin" : "constraint";
        wanted.push({ ...place, ...image, why, whenMissing: isNamed ? "fail" : "report" });
      }
    }
    return await buildStep(wanted, [], run);
  }

  /** The tags a query takes, at least one. */
  async #selected(repository: ImageRepository, query: ImageQuery, run: RunContext): Promise<readonly Tag[]> {
    const verdicts = await this.explain(repository, query, run);
    const tags = verdicts.flatMap(({ tag, isSelected }) => (isSelected ? tag : []));
    if (tags.length > 0) return tags;
    const message = `nothing of ${repository.name} is taken by ${query.asked}: ${summaryOf(verdicts)}`;
    throw new MirrorError("IMAGE_NOT_FOUND", message, { reference: query.text, isThere: true });
  }

  async #tags(name: string, query: ImageQuery, run: RunContext): Promise<readonly Tag[]> {
    const tags = await run.source.tags(this.#options.open(name));
    if (tags) return tags;
    const message = `${name} is not at the source: nothing of it is taken by ${query.asked}`;
    throw new MirrorError("IMAGE_NOT_FOUND", message, { reference: query.text });
  }

  async #attached(repository: ImageRepository, done: readonly Section[], run: RunContext) {
    const { open, attached, proxy } = this.#options;
    const from = open(repository.name);
    const planned = done.flatMap(({ repositories }) => repositories);
    const options = { kinds: attached, canList: !proxy };
    const wanted = await Promise.all(planned.map((one) => attachedImages(one, from, options, run)));
    return await buildStep(wanted.flat(), done, run);
  }

  /** What other repositories store at the same path, as far as it is planned here, must be the same under the same tags. */
  async #requireAlone(repository: ImageRepository, own: readonly Section[], run: RunContext): Promise<void> {
    const others = this.#options.at(repository.path).filter(({ name }) => name !== repository.name);
    const quiet = { ...run, emit: () => {} };
    const mine = imagesOf(own);
    for (const other of others) {
      const sections = await this.#stepsOf(other, own.length, quiet);
      for (const [tag, there] of imagesOf(sections)) {
        const here = mine.get(tag);
        if (here && here.digest !== there.digest) throw pathConflict(repository.path, tag, here, there);
      }
    }
  }

  /** What another repository comes to, as far as that can be told: what fails there fails as that repository's own item. */
  async #stepsOf(other: ImageRepository, count: number, run: RunContext): Promise<readonly Section[]> {
    const sections: Section[] = [];
    while (sections.length < count) {
      try {
        sections.push(((await this.#step(other, sections, run)) ?? nothing).section);
      } catch (error) {
        run.signal.throwIfAborted();
        if (!(isMirrorError(error) || isRegistryError(error))) throw error;
        break;
      }
    }
    return sections;
  }
}

/** An item has so many sections. */
const stages = 2;

function imagesOf(sections: readonly Section[]) {
  const images = sections.flatMap(({ repositories }) => repositories.flatMap((one) => one.images));
  return new Map(images.map(({ tag, digest, reference }) => [tag, { digest, reference }]));
}

/** @throws MirrorError `IMAGE_NOT_FOUND`, `TAG_MOVED` */
async function requireDigest(repository: RepositoryReader, tag: Tag, digest: Digest, run: RunContext): Promise<void> {
  const reference = formatName(repository.name, tag);
  const found = await run.source.manifest(repository, tag);
  if (!found) throw new MirrorError("IMAGE_NOT_FOUND", `${reference} is not at the source`, { reference });
  const actual = found.descriptor.digest;
  if (actual === digest) return;
  const message = `${reference} is ${actual} at the source, and ${digest} was asked for`;
  throw new MirrorError("TAG_MOVED", message, { reference, expected: digest, actual });
}

const reasons: Readonly<Record<ImageTagVerdict["why"], string>> = {
  exact: "asked for",
  matched: "taken",
  "newest-patch": "taken",
  newest: "taken",
  excluded: "excluded",
  "no-match": "not what the pattern fits",
  outside: "outside the range",
  prerelease: "prereleases, which only a range that names one takes",
  "not-a-version": "no versions",
  "older-patch": "older",
  older: "older",
  attached: "attached to others",
};

/** How many tags there are, and why they are left out. */
function summaryOf(verdicts: readonly ImageTagVerdict[]): string {
  const counts = [...Map.groupBy(verdicts, ({ why }) => reasons[why])].map(([why, all]) => `${all.length} ${why}`);
  return counts.length === 0 ? "it has no tags" : `of ${verdicts.length} tags, ${counts.join(", ")}`;
}
