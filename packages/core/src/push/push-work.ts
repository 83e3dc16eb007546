import { type Digest, formatName } from "@tranship/registry";
import { MirrorError } from "../errors.ts";
import type { OnEvent } from "../events.ts";
import { nameSome } from "../name-some.ts";
import type { PushedImage } from "./push-list.ts";
import type { PushedReferrer, TakenApart } from "./referrer-lists.ts";
import type { TargetNames } from "./target-names.ts";

/**
 * What becomes of a tag that names another image at the target: it gets the new one, it stays, or nothing is pushed at all.
 */
export type OnConflict = "overwrite" | "skip" | "fail";

/** What a push has to do, and what it has not. */
export interface PushWork {
  /** To be written: new tags and those that move. */
  readonly written: readonly PushedImage[];
  /** Of `written`, those that take a tag from another image. */
  readonly replaced: ReadonlySet<PushedImage>;
  /** Their tag names them already; for a discovery tag, any image that is whole. */
  readonly present: readonly PushedImage[];
  /** Of `present`, those that are the very same image. */
  readonly same: ReadonlySet<PushedImage>;
  /** Left alone: their tag names another image. */
  readonly kept: readonly PushedImage[];
  readonly referrers: {
    readonly written: readonly PushedReferrer[];
    readonly present: readonly PushedReferrer[];
    /** They are about images that are left alone. */
    readonly kept: readonly PushedReferrer[];
  };
}

/** How many references an error carries. */
const maxReferences = 100;

/**
 * Decides what is written. A discovery tag only says that something is there, so one that names any whole image is good as it is.
 * @throws MirrorError `TAG_CONFLICT`
 */
export function decideWork(
  { images, referrers }: TakenApart,
  { same, other, listed }: TargetNames,
  onConflict: OnConflict,
  { target, emit }: { readonly target: string; readonly emit: OnEvent },
): PushWork {
  const conflicts = images.filter((image) => other.has(image) && !image.isDiscovery);
  if (onConflict === "fail" && conflicts.length > 0) throw tagConflict(target, conflicts);
  const kept = onConflict === "skip" ? conflicts : [];
  if (kept.length > 0) warnOfKept(kept, emit);
  const isKept = new Set(kept);
  const isPresent = (image: PushedImage) => same.has(image) || (image.isDiscovery && other.has(image));
  const written = images.filter((image) => !isPresent(image) && !isKept.has(image));
  const present = images.filter(isPresent);
  const isAlone = aboutKeptOnly(kept, [...written, ...present]);
  const wanted = referrers.filter((referrer) => !isAlone(referrer));
  return {
    written,
    replaced: new Set(conflicts.filter((image) => !isKept.has(image))),
    present,
    same,
    kept,
    referrers: {
      written: wanted.filter((referrer) => !listed.has(referrer)),
      present: wanted.filter((referrer) => listed.has(referrer)),
      kept: referrers.filter(isAlone),
    },
  };
}

/** Tells the referrers whose subject would only have come with an image that is left alone. */
function aboutKeptOnly(
  kept: readonly PushedImage[],
  others: readonly PushedImage[],
): (referrer: PushedReferrer) => boolean {
  const keysOf = (images: readonly PushedImage[]) =>
    new Set(
      images.flatMap(({ copier, graph }) =>
        graph.manifests.map(({ descriptor }) => formatName(copier.path, descriptor.digest)),
      ),
    );
  const [left, needed] = [keysOf(kept), keysOf(others)];
  const nameOf = (path: string, subject: Digest) => formatName(path, subject);
  return ({ copier, subject }) => {
    if (subject === undefined) return false;
    const name = nameOf(copier.path, subject);
    return left.has(name) && !needed.has(name);
  };
}

function warnOfKept(kept: readonly PushedImage[], emit: OnEvent): void {
  const names = kept.map(({ copier, tag }) => formatName(copier.path, tag));
  const what = names.length === 1 ? "a tag names another image" : `${names.length} tags name other images`;
  const message = `${what} at the target and ${names.length === 1 ? "is" : "are"} left so: ${nameSome(names)}`;
  emit({ type: "warning.raised", code: "TAG_KEPT", message });
}

function tagConflict(target: string, conflicts: readonly PushedImage[]): MirrorError<"TAG_CONFLICT"> {
  const names = conflicts.map(({ copier, tag }) => formatName(copier.path, tag));
  const what = names.length === 1 ? "a tag names another image" : `${names.length} tags name other images`;
  const message = `cannot push to ${target}: ${what} there: ${nameSome(names, 20)}`;
  return new MirrorError("TAG_CONFLICT", message, { target, references: names.slice(0, maxReferences) });
}
