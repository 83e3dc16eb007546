import type { HttpClient } from "./http-client.ts";

/** What was learnt of a host on the way, so that it is not asked the same in vain again. */
export interface HostTraits {
  /** Whether it lists referrers. `present` once it did; `missing` only where it said so itself. */
  referrersApi: "unknown" | "present" | "missing";
  /** The first listing of referrers while it is under way, and `over` once it was answered, whatever was learnt. */
  firstReferrers: Promise<unknown> | "over" | undefined;
  /** How it takes a mount that names no source. */
  anonymousMount: "unknown" | "refused";
  /** Whether a mount from the repository itself tells, and truly, whether a blob is there. `asked` while it is found out. */
  ownMount: "unknown" | "asked" | "tells" | "useless";
  /** Blobs that were sent to it. */
  sentBlobs: number;
}

const traitsByClient = new WeakMap<HttpClient, HostTraits>();

/** The traits of a client's host; they live as long as the client. */
export function hostTraits(client: HttpClient): HostTraits {
  const known = traitsByClient.get(client);
  if (known) return known;
  const traits: HostTraits = {
    referrersApi: "unknown",
    firstReferrers: undefined,
    anonymousMount: "unknown",
    ownMount: "unknown",
    sentBlobs: 0,
  };
  traitsByClient.set(client, traits);
  return traits;
}
