import type { Descriptor, Digest, Platform } from "@tranship/registry";
import type { Presence } from "../plan.ts";
import type { KeptManifests } from "./kept-manifests.ts";
import { isSamePlatform } from "./platforms.ts";

/** What a name should lead to. */
export interface NamedImage {
  readonly digest: Digest;
  readonly platform?: Platform | undefined;
  /** The index it is published in, which tells images for one platform apart by itself. */
  readonly index?: Digest | undefined;
}

/**
 * Whether the entry of a name leads to an image: it is its own, or that of an index that lists it, before any other image
 * for its platform. `differs` when whoever asks by the name gets another.
 */
export async function leadsTo(
  entry: Descriptor,
  { digest, platform, index }: NamedImage,
  kept: KeptManifests,
): Promise<Exclude<Presence, "unpinned">> {
  if (entry.digest === digest || entry.digest === index) return "present";
  const there = await kept.read(entry.digest);
  if (there === undefined) return "absent";
  if (there.content.kind !== "index") return "differs";
  const listed = there.content.manifests;
  const own = listed.find((child) => child.digest === digest)?.platform ?? platform;
  for (const child of listed) {
    if (child.digest === digest) return "present";
    if (own !== undefined && isSamePlatform(child.platform, own)) return "differs";
  }
  return "absent";
}
