import { SemVer } from "semver";

/** Two or three numbers, with a `v` before and a prerelease behind or without. */
const pattern = /^v?([0-9]{1,15})\.([0-9]{1,15})(?:\.([0-9]{1,15}))?(-[0-9A-Za-z.-]+)?$/;

/** Whether a manifest's version is one of before `than`. Of texts that are no versions nothing is known: they are not. */
export function isOlderVersion(version: string, than: string): boolean {
  const [one, other] = [parse(version), parse(than)];
  return one !== undefined && other !== undefined && one.compare(other) < 0;
}

/** Whether a text is a version that others can be older than. */
export function isVersion(text: string): boolean {
  return parse(text) !== undefined;
}

function parse(text: string): SemVer | undefined {
  const [, major, minor, patch = "0", prerelease = ""] = pattern.exec(text.slice(0, 256)) ?? [];
  if (major === undefined) return undefined;
  try {
    return new SemVer(`${Number(major)}.${Number(minor)}.${Number(patch)}${prerelease}`);
  } catch {
    return undefined; // such as a prerelease with a leading zero
  }
}
