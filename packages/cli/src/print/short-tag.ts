/** A tag as tables show it: one that names a digest, as those of signatures do, says enough with its beginning. */
export function shortTag(tag: string): string {
  return tag.replace(/^(sha(?:256|512)-[0-9a-f]{12})[0-9a-f]{20,}/, "$1…");
}
