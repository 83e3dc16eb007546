import {
  type Descriptor,
  type Digest,
  defaultMaxManifestBytes,
  formatName,
  isManifestMediaType,
  type Manifest,
  parseManifest,
  type RepositoryReader,
  referrerDescriptor,
  referrersTag,
  type Tag,
} from "@tranship/registry";
import { MirrorError } from "../errors.ts";
import type { WantedImage } from "../plan/build-step.ts";
import type { RunContext } from "../plan/planner.ts";
import { sourceError } from "../transfer/transfer-error.ts";
import { type AttachedKinds, isVexReferrer, isWantedKind } from "./attached-kinds.ts";
import { listsSame, madeList } from "./made-list.ts";

/** What refers to one manifest. */
export interface FoundReferrers {
  /** How the list of those that are wanted is brought; absent when there are none. */
  readonly list?: Pick<WantedImage, "reference" | "tag" | "made">;
  /** Referrers that are listed and not there. */
  readonly absent: readonly Digest[];
}

/** Finds the referrers of manifests of one repository: those the source's API lists and those its fallback tags do. */
export class ReferrerSearch {
  readonly #from: RepositoryReader;
  readonly #tags: ReadonlySet<Tag> | undefined;
  readonly #run: RunContext;

  /** `tags` are all of the repository, where they can be listed: then only fallback tags that exist are asked for. */
  constructor(from: RepositoryReader, tags: ReadonlySet<Tag> | undefined, run: RunContext) {
    this.#from = from;
    this.#tags = tags;
    this.#run = run;
  }

  /**
   * The wanted referrers of a manifest, as the list to store: the source's own where it lists just these, or one that is
   * made. An image under the tag of a list is brought with everything else.
   * @throws MirrorError `TRANSFER_FAILED`
   */
  async of(subject: Digest, kinds: AttachedKinds): Promise<FoundReferrers> {
    const tag = referrersTag(subject);
    const own = this.#tags?.has(tag) ? await this.#run.source.manifest(this.#from, tag) : undefined;
    const ownList = own && this.#listOf(own);
    const api = await this.#run.source.referrers(this.#from, subject, { readsFallbackTag: !this.#tags });
    const known = new Map([...(ownList ?? []), ...api].map((one) => [one.digest, one]));
    const wanted: Descriptor[] = [];
    const absent: Digest[] = [];
    for (const one of known.values()) {
      if (!this.#isUsable(one)) continue;
      const referrer = await this.#described(one);
      if (!referrer) absent.push(one.digest);
      else if (isWantedKind(isVexReferrer(referrer), kinds)) wanted.push(referrer);
    }
    if (wanted.length === 0)
      return own && !ownList && kinds === "all" ? { list: { reference: tag }, absent } : { absent };
    if (ownList && listsSame(ownList, wanted)) return { list: { reference: tag }, absent };
    const made = madeList(wanted);
    this.#requireSize(made, subject);
    return { list: { reference: made.descriptor.digest, tag, made }, absent };
  }

  /** What an index lists; `undefined` for an image. */
  #listOf(manifest: Manifest): readonly Descriptor[] | undefined {
    const content = this.#parse(manifest);
    return content.kind === "index" ? content.manifests : undefined;
  }

  /** A list need not say of which type a referrer is; the referrer does. `undefined` when it is not there. */
  async #described(referrer: Descriptor): Promise<Descriptor | undefined> {
    const manifest = await this.#run.source.manifest(this.#from, referrer.digest);
    if (!manifest || referrer.artifactType) return manifest && referrer;
    return referrerDescriptor(manifest.descriptor, this.#parse(manifest));
  }

  #parse(manifest: Manifest): ReturnType<typeof parseManifest> {
    try {
      return parseManifest(manifest);
    } catch (error) {
      throw sourceError(error, this.#from.name, manifest.descriptor.digest, this.#run.signal);
    }
  }

  /** Registries of old have referrers of a type of their own, which nothing today takes for a manifest. */
  #isUsable({ mediaType, digest }: Descriptor): boolean {
    if (isManifestMediaType(mediaType)) return true;
    const reference = formatName(this.#from.name, digest);
    const message = `${reference} is left out of what refers to an image: ${mediaType} is not the type of a manifest`;
    this.#run.emit({ type: "warning.raised", code: "IMAGE_UNUSABLE", message, reference });
    return false;
  }

  #requireSize({ descriptor: { size } }: Manifest, subject: Digest): void {
    if (size <= defaultMaxManifestBytes) return;
    const reference = formatName(this.#from.name, subject);
    const message = `cannot bring what refers to ${reference}: a list of it has ${size} bytes, which no registry takes`;
    throw new MirrorError("TRANSFER_FAILED", message, { side: "source", reference, failure: "invalid" });
  }
}
