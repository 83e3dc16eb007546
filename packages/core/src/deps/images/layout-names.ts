import {
  Annotation,
  type Descriptor,
  type Digest,
  digestAlgorithm,
  digestHex,
  type Platform,
} from "@tranship/registry";
import { refNameOf } from "../../layout/index-file.ts";
import { layoutTagOf, withAllListed } from "../../layout/layout-entry.ts";

/** How the entries of one layout's `index.json` are named, and which there are. */
export interface ListingRules {
  /** What an entry is called. */
  readonly nameOf: (entry: Descriptor) => string | undefined;
  /** Whether all manifests are listed, as registries have it; else only those that nothing listed leads to. */
  readonly isComplete: boolean;
  /** Whether what nobody names gets a name all the same, lest a registry that serves the layout clears it away. */
  readonly isSwept: boolean;
}

/** Of the layout of a repository, as registries such as zot and olareg serve it: names are tags. */
export const repositoryListing: ListingRules = { nameOf: layoutTagOf, isComplete: true, isSwept: true };

/** Of a layout for tools: names are whatever they are, and there is nothing but what was asked for. */
export const layoutListing: ListingRules = { nameOf: refNameOf, isComplete: false, isSwept: false };

/** The longest tag, in characters (distribution-spec v1.1.1, "Pulling manifests"). */
const maxTagLength = 128;

/**
 * The tag that keeps a manifest nobody names: registries clear such away. `keep-sha256-<hex>`, unlike the
 * `sha256-<hex>` under which lists of referrers are looked for; of longer digests as much as a tag holds.
 */
export function keepingTag(digest: Digest): string {
  return `keep-${digestAlgorithm(digest)}-${digestHex(digest)}`.slice(0, maxTagLength);
}

/** The entry that lists a manifest without a name. */
export function bareEntry({ mediaType, digest, size }: Descriptor, platform?: Platform): Descriptor {
  return { mediaType, digest, size, ...(platform === undefined ? {} : { platform }) };
}

/** The entry that lists a manifest under a name. */
export function namedEntry(entry: Descriptor, name: string): Descriptor {
  const { [Annotation.shortTag]: _tag, ...annotations } = entry.annotations ?? {};
  return { ...entry, annotations: { ...annotations, [Annotation.refName]: name } };
}

/** The list with `entry` under its name and nothing else under that; where all are listed, what had it before still is. */
export function withNameMoved(
  entries: readonly Descriptor[],
  entry: Descriptor,
  name: string,
  { nameOf, isComplete }: ListingRules,
): readonly Descriptor[] {
  const first = entries.findIndex((other) => nameOf(other) === name);
  const others = entries.filter((other, at) => at === first || nameOf(other) !== name);
  const moved = first < 0 ? [...entries, entry] : others.with(first, entry);
  return isComplete ? withAllListed(entries, moved) : moved;
}

/** The list with a name for a manifest that has none. */
export function withKeepingTag(
  entries: readonly Descriptor[],
  entry: Descriptor,
  rules: ListingRules,
): readonly Descriptor[] {
  const isNamed = entries.some((other) => other.digest === entry.digest && rules.nameOf(other) !== undefined);
  const name = keepingTag(entry.digest);
  return isNamed ? entries : withNameMoved(entries, namedEntry(entry, name), name, rules);
}

/** The list with a bare entry for what it lacks, and with the platforms that bare entries lack. */
export function withListed(entries: readonly Descriptor[], wanted: readonly Descriptor[]): readonly Descriptor[] {
  const found = new Map(wanted.map((entry) => [entry.digest, entry]));
  const known = new Set(entries.map(({ digest }) => digest));
  const added = [...found.values()].filter(({ digest }) => !known.has(digest));
  const told = entries.map((entry) => {
    const platform = found.get(entry.digest)?.platform;
    return platform === undefined || entry.platform !== undefined ? entry : { ...entry, platform };
  });
  return [...told, ...added];
}
