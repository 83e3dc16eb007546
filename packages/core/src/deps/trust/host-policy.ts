import { DepsError } from "../errors.ts";

/**
 * Which hosts may be asked for anything: web servers and all they redirect to, registries, servers of git. Where a registry
 * sends its clients for tokens and blobs is up to that registry: it is not asked about.
 */
export interface HostPolicy {
  /**
   * @param host with its port if it has one: that of an address, of a registry or of a git repository
   * @throws DepsError `HOST_FORBIDDEN`
   */
  require(host: string, item: string): void;
}

/**
 * A policy that lets pass only what is listed: `example.org` with any port, `example.org:8443` with that one,
 * `*.example.org` for all below it. Docker Hub is `docker.io`, by whatever name it is reached.
 * @throws TypeError for a pattern that is none
 */
export function allowHosts(patterns: readonly string[]): HostPolicy {
  const rules = patterns.map(parsePattern);
  return {
    require(host, item) {
      const { name, port } = splitHost(host);
      const isAllowed =
        hostPattern.test(name) &&
        rules.some(
          (rule) => (rule.port === undefined || rule.port === port) && rule.matches(aliases.get(name) ?? name),
        );
      if (isAllowed) return;
      throw new DepsError("HOST_FORBIDDEN", `cannot fetch ${item}: ${host} is none of the hosts that are allowed`, {
        item,
        host,
        allowed: patterns,
      });
    },
  };
}

const aliases: ReadonlyMap<string, string> = new Map(
  ["index.docker.io", "registry-1.docker.io", "auth.docker.io", "registry.hub.docker.com"].map((name) => [
    name,
    "docker.io",
  ]),
);

/** What may be a host at all: text that programs read in several ways is none. */
const hostPattern = /^(?:[a-z0-9_][a-z0-9._-]*|\[[0-9a-f:.]+\])$/;

function parsePattern(pattern: string) {
  const { name, port } = splitHost(pattern);
  if (!/^(?:\*\.)?[a-z0-9[][a-z0-9._:[\]-]*$/.test(name)) throw new TypeError(`not a host: ${JSON.stringify(pattern)}`);
  const below = name.startsWith("*.") ? name.slice(1) : undefined;
  return { port, matches: (host: string) => (below === undefined ? host === name : host.endsWith(below)) };
}

function splitHost(host: string): { readonly name: string; readonly port: string | undefined } {
  const [, name = "", port] = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(host.trim().toLowerCase()) ?? [];
  return { name: name.replace(/\.$/, ""), port };
}
