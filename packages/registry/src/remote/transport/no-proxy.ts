import { BlockList, isIP } from "node:net";
import { bareHost } from "./private-address.ts";

/** Whether a host, as `URL.hostname` writes it, is to be reached without the proxy. */
export type ProxyBypass = (hostname: string, port: number) => boolean;

/**
 * Reads `NO_PROXY` as Go's tools do: parted by commas; `*` is every host, `example.com` that host and those below it,
 * `.example.com` and `*.example.com` those below it only, an address itself, `10.0.0.0/8` a subnet; a `:port` behind a
 * host or an address narrows it. What cannot be read matches nothing.
 * @see golang.org/x/net/http/httpproxy, "Config.NoProxy"
 */
export function parseNoProxy(text: string): ProxyBypass {
  const rules = text
    .split(",")
    .map((entry) => entry.trim().toLowerCase())
    .filter((entry) => entry !== "")
    .map(parseEntry);
  return (hostname, port) => {
    const host = bareHost(hostname);
    return rules.some((rule) => rule(host, port));
  };
}

function parseEntry(entry: string): ProxyBypass {
  if (entry === "*") return () => true;
  const subnet = /^([0-9a-f:.]+)\/(\d{1,3})$/.exec(entry);
  if (subnet) return subnetRule(subnet[1] ?? "", Number(subnet[2]));
  const { name, port } = splitPort(entry);
  const rule = isIP(name) === 0 ? domainRule(name) : subnetRule(name, isIP(name) === 4 ? 32 : 128);
  return port === undefined ? rule : (host, hostPort) => hostPort === port && rule(host, hostPort);
}

function splitPort(entry: string): { readonly name: string; readonly port: number | undefined } {
  // an IPv6 address with a port stands in brackets; without them its colons are its own
  const match = /^(\[[^\]]*\]|[^:]*)(?::(\d{1,5}))?$/.exec(entry);
  return match
    ? { name: bareHost(match[1] ?? ""), port: match[2] === undefined ? undefined : Number(match[2]) }
    : { name: entry, port: undefined };
}

function subnetRule(address: string, prefix: number): ProxyBypass {
  const version = isIP(address);
  if (version === 0 || prefix > (version === 4 ? 32 : 128)) return () => false;
  const list = new BlockList();
  list.addSubnet(address, prefix, version === 4 ? "ipv4" : "ipv6");
  return (host) => {
    const hostVersion = isIP(host);
    return hostVersion !== 0 && list.check(host, hostVersion === 4 ? "ipv4" : "ipv6");
  };
}

function domainRule(name: string): ProxyBypass {
  const isBelowOnly = /^\*?\./.test(name);
  const domain = name.replace(/^\*?\./, "");
  if (domain === "") return () => false;
  return (host) => host.endsWith(`.${domain}`) || (!isBelowOnly && host === domain);
}
