import type { CallOptions, Tag } from "@tranship/registry";
import { SemVer } from "semver";
import { MirrorError } from "../errors.ts";
import type { VersionRange } from "./version-range.ts";

/** Options of {@link probeVersions}. */
export interface ProbeOptions extends CallOptions {
  /** A registry that has more versions is not believed. @defaultValue 10000 */
  readonly maxFound?: number | undefined;
}

/** So many numbers a range may leave out in a row, such as by `!=1.3.1`, before a line is taken to be at its end. */
const maxSpared = 16;

/**
 * Finds versions of a range where tags cannot be listed, by asking for one after another: patches up to the first that
 * is missing, then the next minor line, then the next major. What the range leaves out is passed over without asking, and
 * nothing is asked twice. `exists` says whether a tag is there, and throws when it cannot tell: then the search is over.
 *
 * A line whose first patch was never published is not found, and neither is a prerelease.
 * @throws MirrorError `SELECTION_INVALID` when there is no end to what is found
 */
export async function probeVersions(
  range: VersionRange,
  exists: (tag: Tag) => Promise<boolean>,
  { signal, maxFound = 10_000 }: ProbeOptions = {},
): Promise<readonly Tag[]> {
  const known = new Map<Tag, boolean>();
  const isThere = async (major: number, minor: number, patch: number): Promise<boolean> => {
    const tag = `v${major}.${minor}.${patch}`;
    const before = known.get(tag);
    if (before !== undefined) return before;
    signal?.throwIfAborted();
    if (known.size >= maxFound) throw endless(range, maxFound);
    const found = await exists(tag);
    known.set(tag, found);
    return found;
  };
  /** Goes up a line as far as it is there; gives the number behind the last patch, or `undefined` when there was none. */
  const climb = async (major: number, minor: number, from: number): Promise<number | undefined> => {
    let behind: number | undefined;
    for (;;) {
      const patch = nextPatch(range, major, minor, behind ?? from);
      if (patch === undefined || !(await isThere(major, minor, patch))) return behind;
      behind = patch + 1;
    }
  };
  for (const start of range.starts) {
    let { major, minor } = start;
    await climb(major, minor, start.patch);
    for (;;) {
      const next = nextMinor(range, major, minor + 1);
      if (next !== undefined && (await climb(major, next, 0)) !== undefined) {
        minor = next;
        continue;
      }
      const first = nextMinor(range, major + 1, 0);
      if (first === undefined || (await climb(major + 1, first, 0)) === undefined) break;
      major += 1;
      minor = first;
    }
  }
  return [...known].flatMap(([tag, found]) => (found ? tag : []));
}

/** The first patch of a line, from this one on, that the range does not leave out. */
function nextPatch(range: VersionRange, major: number, minor: number, from: number): number | undefined {
  for (let patch = from; patch <= from + maxSpared; patch += 1)
    if (range.includes(new SemVer(`${major}.${minor}.${patch}`))) return patch;
  return undefined;
}

/** The first minor line of a major one, from this one on, that the range does not leave out. */
function nextMinor(range: VersionRange, major: number, from: number): number | undefined {
  for (let minor = from; minor <= from + maxSpared; minor += 1)
    if (nextPatch(range, major, minor, 0) !== undefined) return minor;
  return undefined;
}

function endless({ text }: VersionRange, maxFound: number): MirrorError<"SELECTION_INVALID"> {
  const hint = "give the range an upper end";
  const message = `cannot search ${JSON.stringify(text.slice(0, 200))}: ${maxFound} versions were asked for, and there are more; ${hint}`;
  return new MirrorError("SELECTION_INVALID", message, { expression: text, hint });
}
