/** The first few of `names` as a message lists them, and how many more there are. */
export function nameSome(names: readonly string[], limit = 5): string {
  const more = names.length > limit ? ` and ${names.length - limit} more` : "";
  return names.slice(0, limit).join(", ") + more;
}
