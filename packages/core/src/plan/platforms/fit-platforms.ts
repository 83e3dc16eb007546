import { type Digest, formatName, isDigest, isIndexMediaType, type Manifest, type Platform } from "@tranship/registry";
import { MirrorError } from "../../errors.ts";
import type { MirrorWarning } from "../../events.ts";
import type { WantedImage } from "../build-step.ts";
import type { MissingReference } from "../download-list.ts";
import { LocalFirstRepository } from "../local-first.ts";
import type { RunContext, SourceView } from "../planner.ts";
import { imagePlatform } from "./image-platform.ts";
import { type NarrowedIndex, narrowIndex } from "./narrow-index.ts";
import { formatPlatform, isPlatform, type PlatformChoice, type WantedPlatform } from "./platforms.ts";

/** What of an image is brought, when only some platforms are wanted. */
export interface FittedImage {
  /** `undefined` when it is of none of them. */
  readonly manifest: Manifest | undefined;
  /** Indexes that only hold what is left of them: the source does not have them. */
  readonly made: readonly Manifest[];
  /** Platforms that are wanted and that it is not for. */
  readonly missing: readonly MissingReference[];
  /** What the index lists and is not brought. */
  readonly leftOut: ReadonlySet<Digest>;
}

/**
 * Leaves the wanted platforms in an index, or says what is left out of it. Kept as they are: an index that would get
 * another digest and is asked for by its own, which whoever listed it relies on, and an image of a single platform, even
 * another one; both are told.
 * @throws MirrorError `IMAGE_NOT_FOUND` when a platform of an image that must be there is not
 * @throws RegistryError as reading manifests and configs does
 */
export async function fitPlatforms(
  want: WantedImage,
  { wanted: platforms, mode }: PlatformChoice,
  found: Manifest,
  run: RunContext,
): Promise<FittedImage> {
  const notes = notesOf(run.source);
  const repository = new LocalFirstRepository(want.repository, run.source);
  const { digest, mediaType } = found.descriptor;
  const whole: FittedImage = { manifest: found, made: [], missing: [], leftOut: new Set() };
  if (!isIndexMediaType(mediaType)) {
    const reading = notes.platforms.get(digest) ?? imagePlatform(repository, found, run.signal);
    notes.platforms.set(digest, reading);
    const own = await reading;
    if (own && !isAny(own, platforms)) tell("PLATFORMS_KEPT", `is for ${formatPlatform(own)} alone`, want, run);
    return whole;
  }
  const narrowed = await narrowIndex(repository, found, platforms, run.signal);
  const missing = missingPlatforms(want, platforms, narrowed, run);
  if (mode === "sparse") {
    if (!narrowed.manifest) return { ...whole, manifest: undefined, missing };
    const { leftOut } = narrowed;
    const names = platforms.map(formatPlatform).join(", ");
    const what = `is brought sparse, for ${names} alone: it stays ${digest}, and of what it lists ${leftOut.size} manifest${leftOut.size === 1 ? " is" : "s are"} left out`;
    if (leftOut.size > 0) tell("PLATFORMS_LEFT_OUT", what, want, run);
    return { ...whole, missing, leftOut };
  }
  if (isDigest(want.reference)) {
    if (narrowed.manifest !== found)
      tell("PLATFORMS_KEPT", "is brought with all its platforms: it is listed by its digest", want, run);
    return { ...whole, missing };
  }
  const { manifest, made } = narrowed;
  if (manifest && manifest !== found) {
    const names = platforms.map(formatPlatform).join(", ");
    const what = `is narrowed to ${names}: ${digest} becomes ${manifest.descriptor.digest}`;
    tell("PLATFORMS_NARROWED", `${what}, and what is attached to the whole index is left out`, want, run);
  }
  return { ...whole, manifest, made, missing };
}

/** Told, or an error, as the absence of the image itself would be. */
function missingPlatforms(
  want: WantedImage,
  wanted: readonly WantedPlatform[],
  { platforms }: NarrowedIndex,
  run: RunContext,
): readonly MissingReference[] {
  if (platforms.length === 0 || want.whenMissing === "ignore") return [];
  const absent = wanted.filter((one) => !platforms.some((platform) => isPlatform(platform, one))).map(formatPlatform);
  if (absent.length === 0) return [];
  const reference = formatName(want.repository.name, want.reference);
  const has = [...new Set(platforms.map(formatPlatform))].join(", ");
  const what = `has no image for ${absent.join(", ")}, only for ${has}`;
  if (want.whenMissing === "fail")
    throw new MirrorError("IMAGE_NOT_FOUND", `${reference} ${what}`, { reference, isThere: true });
  tell("PLATFORM_MISSING", what, want, run);
  return absent.map((platform) => ({ reference, why: `platform ${platform}` }));
}

function isAny(platform: Platform, wanted: readonly WantedPlatform[]): boolean {
  return wanted.some((one) => isPlatform(platform, one));
}

/** What a run has learnt and told of platforms: an image may be wanted for several reasons. */
interface PlatformNotes {
  readonly platforms: Map<Digest, Promise<Platform | undefined>>;
  readonly told: Set<string>;
}

const notesBySource = new WeakMap<SourceView, PlatformNotes>();

function notesOf(source: SourceView): PlatformNotes {
  const notes = notesBySource.get(source) ?? { platforms: new Map(), told: new Set() };
  notesBySource.set(source, notes);
  return notes;
}

function tell(code: MirrorWarning["code"], what: string, want: WantedImage, run: RunContext): void {
  const reference = formatName(want.repository.name, want.reference);
  const { told } = notesOf(run.source);
  if (told.has(`${code} ${reference}`)) return;
  told.add(`${code} ${reference}`);
  run.emit({ type: "warning.raised", code, message: `${reference} ${what}`, reference });
}
