import type { Tag } from "@tranship/registry";
import { SemVer } from "semver";
import type { VersionRange } from "./version-range.ts";

/** Options of {@link probeVersions}. */
export interface ProbeOptions {
  readonly signal?: AbortSignal | undefined;
}

/**
 * Finds versions of a range where tags cannot be listed, by asking for one after another: patches up to the first that
 * is missing, then the next minor line, then the next major. What the range leaves out is not asked for, nothing is asked
 * twice. `exists` says whether a tag is there, and throws when it cannot tell: then the search is over.
 *
 * A line whose first patch was never published is not found, and neither is a prerelease.
 */
export async function probeVersions(
  range: VersionRange,
  exists: (tag: Tag) => Promise<boolean>,
  { signal }: ProbeOptions = {},
): Promise<readonly Tag[]> {
  const known = new Map<Tag, boolean>();
  const isThere = async (major: number, minor: number, patch: number): Promise<boolean> => {
    signal?.throwIfAborted();
    if (!range.includes(new SemVer(`${major}.${minor}.${patch}`))) return false;
    const tag = `v${major}.${minor}.${patch}`;
    const before = known.get(tag);
    if (before !== undefined) return before;
    const found = await exists(tag);
    known.set(tag, found);
    return found;
  };
  for (const start of range.starts) {
    let { major, minor, patch } = start;
    for (;;) {
      while ((await isThere(major, minor, patch)) || isSpared(range, major, minor, patch)) patch += 1;
      minor += 1;
      patch = 0;
      if (!(await isThere(major, minor, patch))) {
        major += 1;
        minor = 0;
        if (!(await isThere(major, minor, patch))) break;
      }
      patch += 1;
    }
  }
  return [...known].flatMap(([tag, found]) => (found ? tag : []));
}

/** Whether the range leaves out this one patch and not the next: a gap of its own making ends no line. */
function isSpared(range: VersionRange, major: number, minor: number, patch: number): boolean {
  const [here, next] = [patch, patch + 1].map((number) => range.includes(new SemVer(`${major}.${minor}.${number}`)));
  return !here && next === true;
}
