/** What a file says its version is, for messages: a list of lists of lists would take more stack than there is. */
export function versionText(version: unknown): string {
  if (typeof version === "object" && version !== null) return Array.isArray(version) ? "a list" : "an object";
  return JSON.stringify(typeof version === "string" ? version.slice(0, 100) : version) ?? "missing";
}
