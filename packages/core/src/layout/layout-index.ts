import { type Descriptor, type Digest, isDigest, isManifestMediaType, type Tag } from "@tranship/registry";
import { SubjectCache } from "./subject-cache.ts";

/** A tag that several entries of an index claim with different digests. */
export interface TagConflict {
  readonly tag: Tag;
  readonly winner: Digest;
  readonly losers: readonly Digest[];
}

/** The entries of an `index.json`, by tag and by digest. */
export class LayoutIndex {
  /** In the file's order. */
  readonly descriptors: readonly Descriptor[];
  /** The tags in the order of their first entries. */
  readonly tags: ReadonlyMap<Tag, Descriptor>;
  /** What is known of the manifests' subjects. */
  readonly subjects: SubjectCache;
  readonly #byDigest: ReadonlyMap<Digest, Descriptor>;
  readonly #tagOf: (descriptor: Descriptor) => Tag | undefined;
  /** By digest, the place of its first entry; made when it is asked for. */
  #places: ReadonlyMap<Digest, number> | undefined;
  #unread: Descriptor[] | undefined;

  /** `tagOf` says which tag an entry stands for, if any; an index that follows another goes on with its `subjects`. */
  constructor(
    descriptors: readonly Descriptor[],
    tagOf: (descriptor: Descriptor) => Tag | undefined,
    subjects: SubjectCache = new SubjectCache(),
  ) {
    this.descriptors = descriptors;
    this.subjects = subjects;
    this.#tagOf = tagOf;
    this.tags = tagsOf(descriptors, tagOf);
    this.#byDigest = new Map(descriptors.map((descriptor) => [descriptor.digest, descriptor]));
  }

  /** The entry a tag or digest names. */
  find(reference: Tag | Digest): Descriptor | undefined {
    return isDigest(reference) ? this.#byDigest.get(reference) : this.tags.get(reference);
  }

  /** The listed manifests of which it is not known which subject they name. Asked again, it looks at those alone. */
  unread(): readonly Descriptor[] {
    const open = this.#unread ?? this.descriptors.filter(({ mediaType }) => isManifestMediaType(mediaType));
    if (open.length > 0) this.#unread = open.filter(({ digest }) => !this.subjects.knows(digest));
    return this.#unread ?? [];
  }

  /** The listed manifests that are known to name `subject`, in the order of their first entries. */
  referrersOf(subject: Digest): readonly Descriptor[] {
    this.#places ??= new Map(this.descriptors.map(({ digest }, at) => [digest, at] as const).reverse());
    const places = this.#places;
    return [...this.subjects.referrersOf(subject)]
      .flatMap((digest) => places.get(digest) ?? [])
      .sort((a, b) => a - b)
      .flatMap((at) => this.descriptors[at] ?? []);
  }

  /** The tags over which entries disagree. */
  conflicts(): readonly TagConflict[] {
    const claims = new Map<Tag, Set<Digest>>();
    for (const descriptor of this.descriptors) {
      const tag = this.#tagOf(descriptor);
      if (tag !== undefined) claims.set(tag, (claims.get(tag) ?? new Set()).add(descriptor.digest));
    }
    return [...claims].flatMap(([tag, digests]) => {
      const winner = this.tags.get(tag)?.digest;
      if (winner === undefined || digests.size < 2) return [];
      return [{ tag, winner, losers: [...digests].filter((digest) => digest !== winner) }];
    });
  }
}

/** The one rule of which entry a tag means: the last that claims it, at the place of the first. */
function tagsOf(
  descriptors: readonly Descriptor[],
  tagOf: (descriptor: Descriptor) => Tag | undefined,
): ReadonlyMap<Tag, Descriptor> {
  const tags = new Map<Tag, Descriptor>();
  for (const descriptor of descriptors) {
    const tag = tagOf(descriptor);
    if (tag !== undefined) tags.set(tag, descriptor); // a map keeps the place of a key it knows
  }
  return tags;
}
