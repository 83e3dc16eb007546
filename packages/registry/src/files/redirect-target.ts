import { isForbiddenRedirect } from "../remote/transport/private-address.ts";
import { bare } from "./file-address.ts";

/** Statuses that lead to another address. */
export const redirectStatuses: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/**
 * Where a `Location` leads, seen from the address that answered and from the one that was asked first. A string tells
 * why it is not followed: no redirect leads from https to http, to another scheme, or into a private network.
 */
export function redirectTarget(location: string | undefined, from: URL, first: URL): URL | string {
  if (location === undefined) return "it has no Location";
  const to = URL.parse(location, from.href);
  if (!to) return "its Location is not a URL";
  if (to.protocol !== "https:" && to.protocol !== "http:") return `its Location is of scheme ${to.protocol}`;
  if (from.protocol === "https:" && to.protocol === "http:") return "it leads from https to http";
  return isForbiddenRedirect(from, to) ?? isForbiddenRedirect(first, to) ?? bare(to);
}
