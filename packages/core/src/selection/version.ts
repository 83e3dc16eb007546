import type { Tag } from "@tranship/registry";
import { SemVer } from "semver";

/** A tag that is a version, as the registry spells it. */
export interface TaggedVersion {
  readonly tag: Tag;
  readonly version: SemVer;
}

const numbers = "([0-9]{1,15})\\.([0-9]{1,15})\\.([0-9]{1,15})";
const versionTag = new RegExp(`^v?${numbers}(-[0-9A-Za-z-]+(?:\\.[0-9A-Za-z-]+)*)?$`);

/**
 * The version a tag stands for, or `undefined` when it is none: three numbers, with or without a `v` before and a
 * prerelease behind. The tag is kept as it is: a version is never turned back into a tag nobody published.
 */
export function versionOfTag(tag: Tag): TaggedVersion | undefined {
  const [, major, minor, patch, prerelease = ""] = versionTag.exec(tag) ?? [];
  if (major === undefined) return undefined;
  try {
    return { tag, version: new SemVer(`${Number(major)}.${Number(minor)}.${Number(patch)}${prerelease}`) };
  } catch {
    return undefined; // such as a prerelease with a leading zero: not a version to anybody
  }
}

/** Sorts from the newest to the oldest; of two tags for one version, the one with a `v` comes first. */
export function sortVersions(versions: readonly TaggedVersion[]): readonly TaggedVersion[] {
  return [...versions].sort((a, b) => b.version.compare(a.version) || (a.tag > b.tag ? -1 : 1));
}
