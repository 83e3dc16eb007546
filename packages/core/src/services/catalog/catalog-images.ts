import { type Digest, joinPath, type RegistryReader, type RepositoryReader, type Tag } from "@tranship/registry";
import type { WantedImage } from "../../plan/build-step.ts";
import type { PlatformChoice } from "../../plan/platforms/platforms.ts";
import type { Reason } from "../../plan/section.ts";
import { releaseChannels } from "../../selection/channels.ts";
import type { Constraint } from "../../selection/constraint.ts";
import type { Wanted } from "../../selection/filter.ts";
import type { Catalog } from "./catalog.ts";
import type { ListedExtra } from "./listed-images.ts";

/** Where a repository is stored, and what it is read from. */
interface RepositoryPlace {
  readonly path: string;
  readonly repository: RepositoryReader;
  /** The platforms that are wanted of its images. @defaultValue all there are */
  readonly platforms?: PlatformChoice | undefined;
}

/** An exact tag that is asked for. */
export type Pin = Extract<Constraint, { readonly kind: "exact" }>;

/** Which images of a catalog's name are wanted, and what it means when one is not there. */
export class CatalogImages {
  readonly #catalog: Catalog;
  readonly #source: RegistryReader;
  readonly #sourceRoot: string;
  readonly #platforms: PlatformChoice | undefined;

  /** `sourceRoot` is the catalog's repository at the source, below the registry root; without `platforms`, all are wanted. */
  constructor(catalog: Catalog, source: RegistryReader, sourceRoot: string, platforms?: PlatformChoice | undefined) {
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

  /** The release channels of a name, but for those that stand for tags asked for; one that does not exist is none. */
  channels(name: string, wanted: Wanted): readonly WantedImage[] {
    const place = this.metadata(name);
    const taken = new Set(channelsOf(wanted).map(([channel]) => channel));
    const channels = releaseChannels.filter((channel) => !taken.has(channel));
    return channels.map((reference) => ({
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
   * The channels that stand for tags asked for by name: those the tags were given, or all for a tag that is alone. They
   * are the tags' release metadata once more, where there is any.
   */
  aliases(name: string, wanted: Wanted): readonly WantedImage[] {
    const release = this.metadata(name);
    return channelsOf(wanted).map(([tag, reference]) => ({
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
  extras(name: string, extras: readonly ListedExtra[]): readonly WantedImage[] {
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

/** The exact tags among what is asked for. */
export function pinsOf({ constraints }: Wanted): readonly Pin[] {
  return constraints.filter((constraint) => constraint.kind === "exact");
}

/** Which tag each channel stands for; those a tag was not given for are the source's, unless there is but that tag. */
function channelsOf(wanted: Wanted): readonly (readonly [channel: Tag, tag: Tag])[] {
  const pins = pinsOf(wanted);
  const [only, ...others] = new Set(pins.map(({ tag }) => tag));
  const given = pins.flatMap(({ tag, channel }) => (channel === undefined ? [] : [[channel, tag] as const]));
  if (wanted.channels || given.length > 0 || only === undefined || others.length > 0) return [...new Map(given)];
  return releaseChannels.map((channel) => [channel, only] as const);
}
