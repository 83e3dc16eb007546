import {
  type Digest,
  digestHex,
  formatName,
  isDigest,
  isManifestMediaType,
  isRegistryError,
  type Manifest,
  type RegistryErrorCode,
  type RepositoryReader,
  sharedText,
  type Tag,
} from "@tranship/registry";
import { isMirrorError, MirrorError } from "../errors.ts";
import { compareText } from "../layout/index-file.ts";
import { type Graph, graphOf, type LeftOutChild } from "../transfer/graph.ts";
import { mapInFlight } from "../transfer/map-in-flight.ts";
import { sourceError } from "../transfer/transfer-error.ts";
import type { MissingReference } from "./download-list.ts";
import { LocalFirstRepository } from "./local-first.ts";
import { pathConflict } from "./path-conflict.ts";
import type { PlannedStep, RunContext } from "./planner.ts";
import { fitPlatforms } from "./platforms/fit-platforms.ts";
import { formatPlatform, type PlatformChoice } from "./platforms/platforms.ts";
import type {
  LeftOutManifest,
  MadeManifest,
  PlannedBlob,
  PlannedImage,
  PlannedRepository,
  Reason,
  Section,
} from "./section.ts";

/** Images looked for at a time: enough to keep every question that may be under way busy. A section may want many thousands. */
const inFlight = 128;

/** An image a planner wants in a section. */
export interface WantedImage {
  /** The repository's path in the bundle. */
  readonly path: string;
  /** Where it is read from. */
  readonly repository: RepositoryReader;
  readonly reference: Tag | Digest;
  /** The tag to store it under. @defaultValue the reference: a tag as it is, a digest as its hexadecimal half */
  readonly tag?: Tag | undefined;
  readonly why: Reason;
  /** Of an index, only the images for these are wanted. @defaultValue all of it */
  readonly platforms?: PlatformChoice | undefined;
  /** Manifests that its indexes list and that are to be left out. @defaultValue none */
  readonly without?: ReadonlySet<Digest> | undefined;
  /** A manifest the source does not have: it is made, of what the source has. `reference` is its digest. */
  readonly made?: Manifest | undefined;
  /** What it means when the source does not have it: nothing, a line in the plan, or an error. */
  readonly whenMissing: "ignore" | "report" | "fail";
  /** What it means when what the source has cannot be used, or is only a part: a line in the plan, or an error. */
  readonly whenBroken: "report" | "fail";
}

/** An image with everything its graph is made of. */
interface FoundImage {
  readonly want: WantedImage;
  readonly image: Omit<PlannedImage, "why">;
  readonly blobs: readonly PlannedBlob[];
  /** Manifests of it that the source does not have. */
  readonly made: readonly Manifest[];
  /** Parts of it that are not there, and may be left out. */
  readonly missing: readonly MissingReference[];
  readonly leftOut: readonly LeftOutManifest[];
}

/** An image that is gone on without. */
interface LeftOutImage {
  readonly missing: readonly MissingReference[];
  /** What the source gave of it could not be used; it may give something else the next time. */
  readonly isUnsettled?: boolean;
}

/**
 * Resolves what is wanted and lays down the section it makes: every image with its whole graph, without what earlier
 * sections of the archive hold, or leave out, already. `undefined` when nothing of it exists and nothing is reported.
 * @throws MirrorError `IMAGE_NOT_FOUND`, `TRANSFER_FAILED`, `PATH_CONFLICT` when one tag would be two images
 */
export async function buildStep(
  wanted: readonly WantedImage[],
  done: readonly Section[],
  run: RunContext,
): Promise<PlannedStep | undefined> {
  const found = await mapInFlight(wanted, inFlight, (want) => findImage(want, run));
  const missing: MissingReference[] = [];
  let isUnsettled = false;
  const drafts = new Map<string, Draft>();
  for (const one of found) {
    if (one === undefined) continue;
    missing.push(...one.missing);
    if (!("want" in one)) isUnsettled ||= one.isUnsettled ?? false;
    else {
      const draft = drafts.get(one.want.path) ?? new Draft(one.want, done);
      drafts.set(one.want.path, draft);
      draft.add(one);
    }
  }
  const repositories = [...drafts.values()]
    .map((draft) => draft.finish())
    .filter(({ images }) => images.length > 0)
    .sort((a, b) => compareText(a.path, b.path));
  return repositories.length === 0 && missing.length === 0
    ? undefined
    : { section: { repositories }, missing, ...(isUnsettled && { isUnsettled }) };
}

async function findImage(want: WantedImage, run: RunContext): Promise<FoundImage | LeftOutImage | undefined> {
  const reference = formatName(want.repository.name, want.reference);
  try {
    if (want.made) run.source.provide(want.repository, want.made);
    const there = await run.source.manifest(want.repository, want.reference);
    if (!there) return absent(want, reference, run);
    const fitted = want.platforms ? await fitPlatforms(want, want.platforms, there, run) : undefined;
    const manifest = fitted ? fitted.manifest : there;
    if (!manifest) return { missing: fitted?.missing ?? [] };
    const made = [...(want.made ? [want.made] : []), ...(fitted?.made ?? [])];
    for (const one of fitted?.made ?? []) run.source.provide(want.repository, one);
    const repository = new LocalFirstRepository(want.repository, run.source);
    const without = fitted?.leftOut ?? want.without;
    // what is wanted by its platform must be there, also where the source is sparse itself
    const { mediaType, digest, size } = manifest.descriptor;
    const root = want.platforms ? { mediaType, digest, size } : manifest.descriptor;
    const graph = await graphOf(repository, root, { signal: run.signal, without });
    warnOfSparse(graph, without, reference, run);
    const blobs = [...graph.manifests.map(({ descriptor }) => descriptor), ...graph.blobs].map((blob) => ({
      digest: blob.digest,
      size: blob.size,
      mediaType: blob.mediaType,
    }));
    const tag = want.tag ?? (isDigest(want.reference) ? digestHex(want.reference) : want.reference);
    // A tag that stands for another one is a reference of its own: readers tell entries of an index apart by it.
    const isAlias = want.tag !== undefined && !isDigest(want.reference);
    const named = formatName(want.repository.name, tag);
    const isTagged = isAlias || want.made !== undefined;
    const image = { tag, reference: sharedText(isTagged ? named : reference), mediaType, digest, size };
    const leftOut = graph.leftOut.map((child) => leftOutManifest(child, digest));
    return { want, image, blobs, made, missing: fitted?.missing ?? [], leftOut };
  } catch (error) {
    return broken(error, want, reference, run);
  }
}

/** The source may be sparse itself: then what it leaves out is left out here, too. */
function warnOfSparse(
  { leftOut }: Graph,
  without: ReadonlySet<Digest> | undefined,
  reference: string,
  run: RunContext,
): void {
  const amount = leftOut.filter(({ descriptor }) => !without?.has(descriptor.digest)).length;
  if (amount === 0) return;
  const message = `${reference} is sparse at the source: of what it lists, ${amount} manifest${amount === 1 ? " is" : "s are"} left out`;
  run.emit({ type: "warning.raised", code: "PLATFORMS_LEFT_OUT", message, reference });
}

function leftOutManifest({ descriptor, index }: LeftOutChild, image: Digest): LeftOutManifest {
  const { digest, size, mediaType, platform } = descriptor;
  const named = platform && platform.os !== "" && platform.architecture !== "" ? formatPlatform(platform) : undefined;
  return {
    digest,
    size,
    mediaType,
    ...(named === undefined ? {} : { platform: named }),
    index,
    ...(image === index ? {} : { image }),
  };
}

function absent(want: WantedImage, reference: string, run: RunContext): LeftOutImage | undefined {
  if (want.whenMissing === "ignore") return undefined;
  const message = `${reference} is not at the source`;
  if (want.whenMissing === "fail") throw new MirrorError("IMAGE_NOT_FOUND", message, { reference });
  run.emit({ type: "warning.raised", code: "IMAGE_MISSING", message, reference });
  return { missing: [{ reference, why: want.why }] };
}

/** Answers that are none, such as the page of a network that wants a login: what is at the source is not known. */
const unanswered: ReadonlySet<string | undefined> = new Set<RegistryErrorCode>(["UNEXPECTED_STATUS", "PROTOCOL"]);

/** What cannot be used for its own sake may be left out; what could not be read never is. */
function broken(cause: unknown, want: WantedImage, reference: string, run: RunContext): LeftOutImage {
  run.signal.throwIfAborted();
  const error = isRegistryError(cause, "NOT_FOUND")
    ? new MirrorError(
        "IMAGE_NOT_FOUND",
        `a part of ${reference} is missing: ${cause.message}`,
        { reference },
        { cause },
      )
    : sourceError(cause, want.repository.name, want.reference, run.signal);
  const isOwnFault =
    isMirrorError(error, "IMAGE_NOT_FOUND") ||
    (isMirrorError(error, "TRANSFER_FAILED") &&
      error.details.failure === "invalid" &&
      !unanswered.has(error.details.code));
  if (!isOwnFault || want.whenBroken === "fail") throw error;
  run.emit({ type: "warning.raised", code: "IMAGE_UNUSABLE", message: `${error.message}: it is left out`, reference });
  return { missing: [{ reference, why: want.why }], isUnsettled: true };
}

/** One repository of a section in the making. */
class Draft {
  readonly #path: string;
  readonly #source: string;
  readonly #earlierBlobs: ReadonlySet<Digest>;
  readonly #earlierManifests: ReadonlySet<Digest>;
  readonly #earlierTags: ReadonlyMap<Tag, Digest>;
  readonly #images = new Map<Tag, PlannedImage>();
  readonly #blobs = new Map<Digest, PlannedBlob>();
  readonly #made = new Map<Digest, MadeManifest>();
  readonly #leftOut = new Map<string, LeftOutManifest>();

  constructor({ path, repository }: WantedImage, done: readonly Section[]) {
    this.#path = path;
    this.#source = repository.name;
    const earlier = done.flatMap((section) => section.repositories.filter((other) => other.path === path));
    this.#earlierBlobs = new Set(
      earlier.flatMap(({ blobs, assumed = [] }) => [...blobs, ...assumed].map(({ digest }) => digest)),
    );
    this.#earlierManifests = new Set(earlier.flatMap(({ blobs }) => manifestsOf(blobs)));
    this.#earlierTags = new Map(earlier.flatMap(({ images }) => images.map(({ tag, digest }) => [tag, digest])));
  }

  add({ want, image, blobs, made, leftOut }: FoundImage): void {
    const { tag, digest } = image;
    if (this.#earlierTags.get(tag) === digest) return;
    const twin = this.#images.get(tag);
    if (twin && twin.digest !== digest) throw pathConflict(this.#path, tag, twin, image);
    const why = [...new Set([...(twin?.why ?? []), want.why])].sort(compareText);
    this.#images.set(tag, { ...image, why });
    for (const { descriptor, bytes } of made) {
      const { digest: own, mediaType } = descriptor;
      this.#made.set(own, { digest: own, mediaType, text: new TextDecoder().decode(bytes) });
    }
    for (const one of leftOut) this.#leftOut.set(`${one.digest} ${one.index} ${digest}`, one);
    for (const blob of blobs) if (!this.#earlierBlobs.has(blob.digest)) this.#addBlob(blob, image.reference);
  }

  finish(): PlannedRepository {
    const made = [...this.#made.values()].filter(({ digest }) => this.#blobs.has(digest));
    const brought = new Set(manifestsOf([...this.#blobs.values()])); // for another image
    const leftOut = [...this.#leftOut]
      .filter(([, { digest }]) => !brought.has(digest) && !this.#earlierManifests.has(digest))
      .sort(([a], [b]) => compareText(a, b))
      .map(([, one]) => one);
    return {
      path: this.#path,
      source: this.#source,
      images: [...this.#images.values()].sort((a, b) => compareText(a.tag, b.tag)),
      blobs: [...this.#blobs.values()].sort((a, b) => compareText(a.digest, b.digest)), // as their paths
      ...(made.length === 0 ? {} : { made: made.sort((a, b) => compareText(a.digest, b.digest)) }),
      ...(leftOut.length === 0 ? {} : { leftOut }),
    };
  }

  /** A digest has one size; a manifest that says otherwise is wrong, and then which one is not worth guessing. */
  #addBlob(blob: PlannedBlob, reference: string): void {
    const known = this.#blobs.get(blob.digest);
    if (known && known.size !== blob.size) {
      const reason = `${blob.digest} has ${known.size} bytes for one image and ${blob.size} for another`;
      const details = { side: "source", reference, failure: "invalid", code: "INVALID_MANIFEST" } as const;
      throw new MirrorError("TRANSFER_FAILED", `cannot read ${reference}: ${reason}`, details);
    }
    this.#blobs.set(blob.digest, known ? sameForAnyOrder(known, blob) : blob);
  }
}

/** What several images give different types is in the plan with one of them, whichever image comes first. */
function sameForAnyOrder(one: PlannedBlob, other: PlannedBlob): PlannedBlob {
  const [isManifest, isOther] = [one, other].map(({ mediaType }) => isManifestMediaType(mediaType));
  if (isManifest !== isOther) return isManifest ? one : other;
  return compareText(one.mediaType, other.mediaType) <= 0 ? one : other;
}

function manifestsOf(blobs: readonly PlannedBlob[]): readonly Digest[] {
  return blobs.filter(({ mediaType }) => isManifestMediaType(mediaType)).map(({ digest }) => digest);
}
