import { isTag, type Tag } from "@tranship/registry";
import type { ExclusionQuery, ImageQuery, TagExclusion, TagTest } from "./image-query.ts";
import { sortVersions, type TaggedVersion, versionOfTag } from "./version.ts";

/** What became of one tag of a repository images are taken from, and why. */
export interface ImageTagVerdict {
  readonly tag: Tag;
  readonly isSelected: boolean;
  readonly why: /** It was asked for by name. */
    | "exact"
    /** Every selector holds. */
    | "matched"
    /** It is among the newest patches of its line. */
    | "newest-patch"
    /** It is among the newest versions. */
    | "newest"
    /** An exclusion takes it out. */
    | "excluded"
    /** A pattern does not fit. */
    | "no-match"
    /** A range does not include it. */
    | "outside"
    /** A prerelease, and no range names one. */
    | "prerelease"
    /** It is no version: three numbers. */
    | "not-a-version"
    /** There are newer patches of the same line. */
    | "older-patch"
    /** There are newer versions. */
    | "older"
    /** It hangs on an image: it comes with that, where what is attached comes. */
    | "attached";
  /** The selector or exclusion that decided, as it was written. */
  readonly by?: string | undefined;
  /** The newest tag that is taken instead, where there is one. */
  readonly instead?: Tag | undefined;
}

/** Tags that hang on a digest: signatures and the like, and lists of referrers. */
const attachedTag = /^sha(?:256|512)-[0-9a-f]{64,128}(?:\..+)?$/;

/**
 * Why each tag is selected or not, versions first and the newest of them first, then by name. The registry's own tags are
 * judged, none is made up: one version under two tags counts once and comes under both. Tags asked for by name are selected
 * whether they are listed or not.
 *
 * Exclusions come first, then the tests, then `latestPatchPerMinor`, then `latest`. Limits count versions, and prereleases only
 * where a range lets them in.
 * @throws SlowPatternError
 */
export function explainTags(
  { want, exclusions }: ImageQuery,
  listed: readonly Tag[],
  more: readonly ExclusionQuery[] = [],
): readonly ImageTagVerdict[] {
  if (want.kind === "digest") return [];
  const tags = want.kind === "tags" ? [...want.tags] : [...new Set(listed.filter(isTag))];
  const excludedBy = exclusionOf(
    [
      ...exclusions.map((exclusion) => ({ exclusion, text: `!${exclusion.map(({ text }) => text).join(" & ")}` })),
      ...more,
    ],
    tags,
  );
  const verdicts = new Map<Tag, ImageTagVerdict>();
  const say = (tag: Tag, why: ImageTagVerdict["why"], details: Pick<ImageTagVerdict, "by" | "instead"> = {}) =>
    verdicts.set(tag, { tag, isSelected: selecting.has(why), why, ...details });
  const versions = sortVersions(tags.flatMap((tag) => versionOfTag(tag) ?? []));
  if (want.kind === "tags") {
    for (const tag of tags) {
      const by = excludedBy(tag);
      say(tag, by === undefined ? "exact" : "excluded", by === undefined ? {} : { by });
    }
    return inOrder(verdicts, versions);
  }
  const { tests, latestPatchPerMinor, latest } = want.selectors;
  const byTag = new Map(versions.map((one) => [one.tag, one]));
  const isCounted = latestPatchPerMinor !== undefined || latest !== undefined;
  const failsBy = testsOf(tests, tags, byTag, isCounted);
  for (const tag of tags) {
    const by = excludedBy(tag);
    if (attachedTag.test(tag)) say(tag, "attached");
    else if (by !== undefined) say(tag, "excluded", { by });
    else {
      const failed = failsBy(tag);
      say(tag, failed?.why ?? "matched", failed?.by === undefined ? {} : { by: failed.by });
    }
  }
  const left = () => versions.filter(({ tag }) => verdicts.get(tag)?.isSelected);
  if (latestPatchPerMinor !== undefined) {
    const lines = Map.groupBy(left(), ({ version }) => `${version.major}.${version.minor}`);
    const by = `latest-patch:${latestPatchPerMinor}`;
    for (const line of lines.values()) limit(line, latestPatchPerMinor, ["newest-patch", "older-patch"], by, say);
  }
  if (latest !== undefined) limit(left(), latest, ["newest", "older"], `latest:${latest}`, say);
  return inOrder(verdicts, versions);
}

const selecting: ReadonlySet<ImageTagVerdict["why"]> = new Set(["exact", "matched", "newest-patch", "newest"]);

/** Of versions, newest first, keeps the first so many, under all their tags. */
function limit(
  versions: readonly TaggedVersion[],
  count: number,
  [kept, older]: readonly [ImageTagVerdict["why"], ImageTagVerdict["why"]],
  by: string,
  say: (tag: Tag, why: ImageTagVerdict["why"], details: Pick<ImageTagVerdict, "by" | "instead">) => void,
): void {
  const seen = new Set<string>();
  for (const { tag, version } of versions) {
    seen.add(version.version);
    if (seen.size <= count) say(tag, kept, { by });
    else say(tag, older, { by, instead: versions[0]?.tag });
  }
}

/** The text of the first exclusion that takes a tag out. */
function exclusionOf(
  exclusions: readonly { readonly exclusion: TagExclusion; readonly text: string }[],
  tags: readonly Tag[],
): (tag: Tag) => string | undefined {
  const judged = exclusions.map(({ exclusion, text }) => ({ text, tests: exclusion.map((test) => fitOf(test, tags)) }));
  return (tag) => judged.find(({ tests }) => tests.every((fits) => fits(tag)))?.text;
}

function fitOf(test: TagTest, tags: readonly Tag[]): (tag: Tag) => boolean {
  if (test.kind === "tag") return (tag) => tag === test.tag;
  if (test.kind === "pattern") {
    const picked = test.pattern.pick(tags);
    return (tag) => picked.has(tag);
  }
  return (tag) => {
    const version = versionOfTag(tag)?.version;
    return version !== undefined && test.range.includes(version);
  };
}

/** Why a tag fails the tests, the first that it does. */
function testsOf(
  tests: readonly TagTest[],
  tags: readonly Tag[],
  versions: ReadonlyMap<Tag, TaggedVersion>,
  isCounted: boolean,
): (tag: Tag) => Pick<ImageTagVerdict, "why" | "by"> | undefined {
  const judged = tests.map((test) => ({ test, fits: fitOf(test, tags) }));
  const hasRange = tests.some(({ kind }) => kind === "range");
  return (tag) => {
    const version = versions.get(tag)?.version;
    if (!version && (hasRange || isCounted)) return { why: "not-a-version" };
    for (const { test, fits } of judged) {
      if (fits(tag)) continue;
      if (test.kind !== "range") return { why: "no-match", by: test.text };
      const isLeftOut = (version?.prerelease.length ?? 0) > 0 && !test.range.admitsPrereleases;
      return { why: isLeftOut ? "prerelease" : "outside", by: test.text };
    }
    if (isCounted && !hasRange && (version?.prerelease.length ?? 0) > 0) return { why: "prerelease" };
    return undefined;
  };
}

function inOrder(
  verdicts: ReadonlyMap<Tag, ImageTagVerdict>,
  versions: readonly TaggedVersion[],
): readonly ImageTagVerdict[] {
  const own = versions.flatMap(({ tag }) => verdicts.get(tag) ?? []);
  const known = new Set(versions.map(({ tag }) => tag));
  const others = [...verdicts.values()].filter(({ tag }) => !known.has(tag));
  return [...own, ...others.sort((a, b) => (a.tag < b.tag ? -1 : 1))];
}
