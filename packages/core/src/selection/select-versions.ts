import type { Tag } from "@tranship/registry";
import type { Constraint } from "./constraint.ts";
import { sortVersions, type TaggedVersion, versionOfTag } from "./version.ts";
import type { VersionRange } from "./version-range.ts";

/** What became of one tag of a repository, and why: `tranship plan --explain` prints it. */
export interface TagVerdict {
  readonly tag: Tag;
  readonly isSelected: boolean;
  readonly why: /** It was asked for by name. */
    | "exact"
    /** The newest patch of its line. */
    | "newest-patch"
    /** A range names it as its bound. */
    | "bound"
    /** A prerelease that is newer than every stable patch of its line. */
    | "newest-prerelease"
    /** There is a newer patch of the same line. */
    | "older-patch"
    /** The tag is another spelling of a version that is selected. */
    | "same-version"
    /** No range includes it. */
    | "outside"
    /** A prerelease, and no range names one. */
    | "prerelease"
    /** It is no version: three numbers. */
    | "not-a-version";
  /** The tag that is taken instead, where there is one. */
  readonly instead?: Tag | undefined;
}

/**
 * The tags that constraints select from a repository's, from the newest version to the oldest and then the exact tags
 * that are no versions. A range takes the newest patch of each minor line, and its bounds where they exist. An exact tag
 * is taken whether it is listed or not. No constraints select nothing.
 *
 * A prerelease is taken beside the newest stable patch, never instead of it.
 */
export function selectVersions(constraints: readonly Constraint[], tags: readonly Tag[]): readonly Tag[] {
  const selected = new Set(
    explainVersions(constraints, tags).flatMap(({ tag, isSelected }) => (isSelected ? tag : [])),
  );
  return [...selected];
}

/** Why each tag of a repository is selected or not; exact tags that are not listed come last. */
export function explainVersions(constraints: readonly Constraint[], tags: readonly Tag[]): readonly TagVerdict[] {
  const exact = new Set(constraints.flatMap((constraint) => (constraint.kind === "exact" ? constraint.tag : [])));
  const versions = sortVersions([...new Set(tags)].flatMap((tag) => versionOfTag(tag) ?? []));
  const verdicts = new Map<Tag, TagVerdict>();
  const say = (tag: Tag, why: TagVerdict["why"], instead?: Tag) => {
    const isSelected = why === "exact" || why === "newest-patch" || why === "bound" || why === "newest-prerelease";
    const verdict = { tag, isSelected, why, ...(instead === undefined ? {} : { instead }) };
    const before = verdicts.get(tag);
    if (!before || saysMore(verdict, before)) verdicts.set(tag, verdict);
  };
  const order = new Map(versions.map(({ tag }, at) => [tag, at]));
  const placeOf = (tag: Tag | undefined) => (tag === undefined ? undefined : order.get(tag)) ?? Number.MAX_SAFE_INTEGER;
  // Which range was given first must not show: of two equal reasons, the one with the newer tag is kept.
  const saysMore = (one: TagVerdict, other: TagVerdict) =>
    one.why === other.why ? placeOf(one.instead) < placeOf(other.instead) : rank[one.why] < rank[other.why];
  for (const { tag } of versions) if (exact.has(tag)) say(tag, "exact");
  for (const constraint of constraints) if (constraint.kind === "range") judge(constraint.range, versions, say);
  if (!constraints.some(({ kind }) => kind === "range")) for (const { tag } of versions) say(tag, "outside");
  const listed = new Set(tags);
  const others = [...listed].filter((tag) => !verdicts.has(tag)).sort();
  for (const tag of others) say(tag, exact.has(tag) ? "exact" : "not-a-version");
  for (const tag of [...exact].sort()) say(tag, "exact");
  return [...verdicts.values()].sort((a, b) => placeOf(a.tag) - placeOf(b.tag)); // stable: the rest stays as it came
}

/** Which of two reasons says more: the lower one. Those for taking a tag are before those for leaving it out. */
const rank: Readonly<Record<TagVerdict["why"], number>> = {
  exact: 0,
  "newest-patch": 1,
  "newest-prerelease": 2,
  bound: 3,
  "same-version": 4,
  "older-patch": 5,
  prerelease: 6,
  outside: 7,
  "not-a-version": 8,
};

type Say = (tag: Tag, why: TagVerdict["why"], instead?: Tag) => void;

/** Judges the versions, newest first, by one range. */
function judge(range: VersionRange, versions: readonly TaggedVersion[], say: Say): void {
  const newestStable = new Map<string, Tag>();
  const newestOfLine = new Map<string, Tag>();
  const taken = new Map<string, Tag>();
  for (const { tag, version } of versions) {
    const line = `${version.major}.${version.minor}`;
    const spelled = version.version;
    const isPrerelease = version.prerelease.length > 0;
    if (!range.includes(version)) {
      say(tag, isPrerelease && !range.admitsPrereleases ? "prerelease" : "outside");
      continue;
    }
    const twin = taken.get(spelled);
    if (twin !== undefined) {
      say(tag, "same-version", twin);
      continue;
    }
    const newest = newestOfLine.get(line);
    const isBound = range.anchors.some((anchor) => anchor.compare(version) === 0);
    if (!isPrerelease && !newestStable.has(line)) say(tag, "newest-patch");
    else if (isPrerelease && newest === undefined) say(tag, "newest-prerelease");
    else if (isBound) say(tag, "bound");
    else {
      say(tag, "older-patch", newestStable.get(line) ?? newest);
      taken.set(spelled, newestStable.get(line) ?? newest ?? tag);
      continue;
    }
    taken.set(spelled, tag);
    if (!newestOfLine.has(line)) newestOfLine.set(line, tag);
    if (!isPrerelease && !newestStable.has(line)) newestStable.set(line, tag);
  }
}
