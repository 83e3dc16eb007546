import { BlockList, isIP } from "node:net";

/** `localhost`, names below it, and loopback addresses; as `URL.hostname` writes them. */
export function isLoopbackHost(hostname: string): boolean {
  return rangeOf(hostname) === "loopback";
}

/**
 * Why a redirect must not be followed, or `undefined` when it may be. A registry on the open Internet has no business
 * inside our network: by a `Location` with an address literal it could make us ask, with our leave, what only we can
 * reach. Nothing is looked up, so a name that resolves to a private address passes; a host we were told of by a private
 * address, or by a name that is never public (`registry`, `registry.internal`), may lead to others of its kind.
 * Link-local addresses, where clouds keep their metadata, are reached from this machine or from link-local ones only.
 */
export function isForbiddenRedirect(from: URL, to: URL): string | undefined {
  const target = rangeOf(to.hostname);
  if (target === "public" || target === "private name") return undefined;
  const source = rangeOf(from.hostname);
  if (source === "loopback" || source === target) return undefined;
  if (source !== "public" && target !== "link-local") return undefined;
  return `it leads from ${from.host} to ${to.host}, a ${target} address`;
}

type Range = "loopback" | "link-local" | "private" | "private name" | "public";

/** Names that no public DNS answers: single labels, and the zones of RFC 6762, RFC 8375 and ICANN's `internal`. */
const privateName = /^[^.]+$|\.(?:internal|intranet|lan|local|home\.arpa|corp|home|private)$/;

function rangeOf(hostname: string): Range {
  const host = bareHost(hostname);
  const version = isIP(host);
  if (version === 0) {
    if (host === "localhost" || host.endsWith(".localhost")) return "loopback";
    return privateName.test(host) ? "private name" : "public";
  }
  const family = version === 4 ? "ipv4" : "ipv6";
  lists ??= literalRanges.map(([range, subnets]) => [range, listOf(subnets)]);
  for (const [range, list] of lists) {
    if (list.check(host, family)) return range;
  }
  return "public";
}

/** A host as `URL.hostname` writes it, in lower case, without brackets and the root's dot. */
export function bareHost(hostname: string): string {
  return hostname
    .replace(/^\[(.*)\]$/, "$1")
    .replace(/(?<=.)\.$/, "")
    .toLowerCase();
}

// `BlockList` sees through IPv4 addresses mapped into IPv6 (::ffff:10.0.0.1) by itself, not through NAT64 (64:ff9b::, and
// 64:ff9b:1:: for networks' own), 6to4 (2002::) and the form that was there before (::10.0.0.1)
const literalRanges: readonly (readonly [Range, readonly string[]])[] = [
  ["loopback", ["127.0.0.0/8", "0.0.0.0/8", "::1/128", "::/128", "64:ff9b::7f00:0/104"]],
  ["link-local", ["169.254.0.0/16", "fe80::/10", "fd00:ec2::/32", "64:ff9b::a9fe:0/112"]],
  ["link-local", ["2002:a9fe::/32", "::a9fe:0/112"]],
  ["private", ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "198.18.0.0/15"]],
  ["private", ["fc00::/7", "fec0::/10", "64:ff9b::a00:0/104", "64:ff9b::ac10:0/108", "64:ff9b::c0a8:0/112"]],
  ["private", ["64:ff9b:1::/48", "2002:7f00::/24", "2002:a00::/24", "2002:ac10::/28", "2002:c0a8::/32"]],
  ["private", ["::7f00:0/104", "::a00:0/104", "::ac10:0/108", "::c0a8:0/112"]],
];

/** Made when an address is first looked at, once: every upload's place is. */
let lists: readonly (readonly [Range, BlockList])[] | undefined;

function listOf(subnets: readonly string[]): BlockList {
  const list = new BlockList();
  for (const subnet of subnets) {
    const [address = "", prefix] = subnet.split("/");
    list.addSubnet(address, Number(prefix), isIP(address) === 4 ? "ipv4" : "ipv6");
  }
  return list;
}
