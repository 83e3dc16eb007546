import { printableUrl } from "../operation.ts";
import { isForbiddenRedirect, isLoopbackHost } from "../transport/private-address.ts";
import type { Challenge } from "./challenge.ts";

/** Where a registry's bearer tokens come from. */
export interface TokenServer {
  readonly url: URL;
  /** The registry's name there. */
  readonly service: string | undefined;
  /** Credentials may be sent there. */
  readonly isSafe: boolean;
}

/**
 * The token server a `Bearer` challenge names; a string tells why it cannot be asked. A registry spoken to over TLS
 * cannot send us to a server without, and one on the open Internet not to an address inside our network or on this
 * machine. Where the registry itself speaks plain HTTP, its token server may, too, but it is asked as nobody unless it is
 * on the registry's own host or on this machine: the user agreed to send secrets in the clear to that host, not to any
 * other.
 * @see distribution, "Token Authentication Specification"
 */
export function tokenServerOf({ parameters }: Challenge, registry: URL): TokenServer | string {
  const { realm = "", service } = parameters;
  const url = URL.canParse(realm) ? new URL(realm) : undefined;
  if (url === undefined || (url.protocol !== "https:" && url.protocol !== "http:")) return "its realm is no HTTP URL";
  if (url.username !== "" || url.password !== "") return "its realm holds user info";
  url.hash = "";
  const isPlain = url.protocol === "http:";
  const isTried = registry.protocol === "http:" && isLoopbackHost(url.hostname); // a registry that is tried out, beside its token server
  const danger = isTried ? undefined : isForbiddenRedirect(registry, url);
  if (danger !== undefined) return `its realm is not asked: ${danger}`;
  if (isPlain && registry.protocol !== "http:") return `its realm ${printableUrl(url)} is without TLS`;
  return { url, service, isSafe: !isPlain || url.hostname === registry.hostname || isLoopbackHost(url.hostname) };
}
