/**
 * The tags that may be an exact version, in the order they are looked for: as it is written, then with a `v`. `undefined`
 * for anything but two or three numbers: ranges and pre-releases name no one tag.
 */
export function exactSemverTags(version: string): readonly string[] | undefined {
  const tag = version.trim();
  if (!/^v?\d+(?:\.\d+){1,2}$/.test(tag)) return undefined;
  return tag.startsWith("v") ? [tag] : [tag, `v${tag}`];
}
