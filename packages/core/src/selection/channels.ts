/** Release channels from the newest to the most conservative, and the long-term one. */
export const releaseChannels: readonly string[] = ["alpha", "beta", "early-access", "stable", "rock-solid", "lts"];

/** Whether a tag is the name of a release channel rather than of a version. */
export function isReleaseChannel(tag: string): boolean {
  return releaseChannels.includes(tag);
}
