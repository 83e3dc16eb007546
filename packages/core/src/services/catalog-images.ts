import { type Digest, joinPath, type RegistryReader, type RepositoryReader, type Tag } from "@tranship/registry";
import type { WantedImage } from "../plan/build-step.ts";
import type { WantedPlatform } from "../plan/platforms.ts";
import type { Reason } from "../plan/section.ts";
import { releaseChannels } from "../selection/channels.ts";
import type { Constraint } from "../selection/constraint.ts";
import type { Catalog } from "./catalog.ts";

/** Where a repository is stored, and what it is read from. */
interface RepositoryPlace {
  readonly path: string;
  readonly repository: RepositoryReader;
  /** The platforms that are wanted of its images. @defaultValue all there are */
  readonly platforms?: readonly WantedPlatform[] | undefined;
}

/** An exact tag that is asked for. */
export type Pin = Extract<Constraint, { readonly kind: "exact" }>;

/** Which images of a catalog's name are wanted, and what it means when one is not there. */
export class CatalogImages {
  readonly #catalog: Catalog;
  readonly #source: RegistryReader;
  readonly #sourceRoot: string;
  readonly #platforms: readonly WantedPlatform[] | undefined;

  /** `sourceRoot` is the catalog's repository at the source, below the registry root; without `platforms`, all are wanted. */
  constructor(
    catalog: Catalog,
    source: RegistryReader,
    sourceRoot: string,
    platforms?: readonly WantedPlatform[] | undefined,
  ) {
    this.#catalog = catalog;
    this.#source = source;
    this.#sourceRoot = sourceRoot;
    this.#platforms = platforms;
  }

  /** The repository whose tags are the catalog's names. */
  get catalog(): RepositoryReader {
    return this.#source.repository(this.#sourceRoot);
  }

  /** The images of a name themselves. */
  main(name: string): RepositoryPlace {
    return { ...this.#place(name), platforms: this.#platforms };
  }

  /** The release metadata of a name: the same whatever platforms are wanted. */
  metadata(name: string): RepositoryPlace {
    return this.#place(name, this.#catalog.metadata);
  }

  /** One of the extra images of a name. */
  extra(name: string, extra: string): RepositoryPlace {
    return { ...this.#place(name, "extra", extra), platforms: this.#platforms };
  }

  /** The release channels of a name; one that does not exist is none. */
  channels(name: string): readonly WantedImage[] {
    const place = this.metadata(name);
    return releaseChannels.map((reference) => ({
      ...place,
      reference,
      why: "channel",
      whenMissing: "ignore",
      whenBroken: "fail",
    }));
  }

  /** Versions of a name with their release metadata: those its channels point at, or a constraint selects. */
  versions(name: string, versions: readonly Tag[], why: Reason): readonly WantedImage[] {
    const [main, release] = [this.main(name), this.metadata(name)];
    return versions.flatMap((reference): WantedImage[] => [
      { ...main, reference, why, whenMissing: "report", whenBroken: "fail" },
      { ...release, reference, why: "release", whenMissing: "report", whenBroken: "fail" },
    ]);
  }

  /** Tags asked for by name, with their release metadata. */
  pinned(name: string, pins: readonly Pin[]): readonly WantedImage[] {
    const [main, release] = [this.main(name), this.metadata(name)];
    return pins.flatMap(({ tag: reference }): WantedImage[] => [
      { ...main, reference, why: "pin", whenMissing: "fail", whenBroken: "fail" },
      { ...release, reference, why: "release", whenMissing: "report", whenBroken: "fail" },
    ]);
  }

  /**
   * The channels that stand for tags asked for by name: all of them for a single tag, the one it was given for each of
   * several. They are the tags' release metadata once more, where there is any.
   */
  aliases(name: string, pins: readonly Pin[]): readonly WantedImage[] {
    const release = this.metadata(name);
    return channelsOf(pins).map(([tag, reference]) => ({
      ...release,
      reference,
      tag,
      why: "alias",
      whenMissing: "ignore",
      whenBroken: "fail",
    }));
  }

  /** All of a name's release metadata. What nobody asked for stops nobody when it is broken. */
  allMetadata(name: string, tags: readonly Tag[]): readonly WantedImage[] {
    const place = this.metadata(name);
    return tags.map((reference) => ({
      ...place,
      reference,
      why: "catalog",
      whenMissing: "report",
      whenBroken: "report",
    }));
  }

  /** Images that an image of the name lists by their digests. */
  internal(name: string, digests: readonly Digest[]): readonly WantedImage[] {
    const main = this.main(name);
    return digests.map((reference) => ({
      ...main,
      reference,
      why: "internal",
      whenMissing: "report",
      whenBroken: "fail",
    }));
  }

  /** Tags of extra images that an image of the name lists. */
  extras(name: string, extras: readonly { readonly name: string; readonly tag: Tag }[]): readonly WantedImage[] {
    return extras.map((extra) => ({
      ...this.extra(name, extra.name),
      reference: extra.tag,
      why: "extra",
      whenMissing: "report",
      whenBroken: "fail",
    }));
  }

  #place(name: string, ...below: readonly string[]): RepositoryPlace {
    return {
      path: joinPath(this.#catalog.root, name, ...below),
      repository: this.#source.repository(joinPath(this.#sourceRoot, name, ...below)),
    };
  }
}

/** Which tag each channel stands for, when nothing but exact tags is asked for. */
export function channelsOf(pins: readonly Pin[]): readonly (readonly [channel: Tag, tag: Tag])[] {
  const [only, ...others] = pins;
  if (only && others.length === 0 && only.channel === undefined)
    return releaseChannels.map((channel) => [channel, only.tag] as const);
  const last = new Map<Tag, Tag>();
  for (const { tag, channel } of pins) if (channel !== undefined) last.set(channel, tag);
  return [...last];
}
