import { isTag } from "@tranship/registry";
import { compareText } from "../layout/index-file.ts";
import { versionOfTag } from "../selection/version.ts";

/** Names first, bytewise, then versions, the newest first; what is called by a digest comes last. */
export function compareTags(a: string, b: string): number {
  const [first, second] = [isOfDigest(a), isOfDigest(b)];
  if (first !== second) return first ? 1 : -1;
  const [one, other] = [versionOf(a), versionOf(b)];
  if (one && other) return other.version.compare(one.version) || compareText(b, a);
  if (one || other) return one ? 1 : -1;
  return compareText(a, b);
}

/** By first tags; what has none comes last, by digest. */
export function compareImages(
  a: { readonly tags: readonly string[]; readonly digest: string },
  b: { readonly tags: readonly string[]; readonly digest: string },
): number {
  const [one, other] = [a.tags[0], b.tags[0]];
  if (one !== undefined && other !== undefined) return compareTags(one, other) || compareText(a.digest, b.digest);
  if (one === undefined && other === undefined) return compareText(a.digest, b.digest);
  return one === undefined ? 1 : -1;
}

function versionOf(tag: string): ReturnType<typeof versionOfTag> {
  return isTag(tag) ? versionOfTag(tag) : undefined;
}

/** Such as the tag a signature hangs on, or that of an image known by its digest. */
function isOfDigest(tag: string): boolean {
  return /^(?:sha(?:256|512)-)?[0-9a-f]{64}/.test(tag);
}
