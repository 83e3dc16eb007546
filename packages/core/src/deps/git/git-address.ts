import { posix } from "node:path";
import { fileURLToPath } from "node:url";
import { DepsError } from "../errors.ts";

/** How a repository may be reached over the network. */
const schemes: readonly string[] = ["https", "http", "ssh", "git"];

/**
 * User and host as all programs read them alike. Git takes a percent sign apart before it looks for the host, and reads
 * `\\`, `?` and `#` otherwise than URLs are read: what is told of a host has to be the host that is asked.
 */
const authorityPattern = /^(?<user>[^@/\\?#\s]*@)?(?:[A-Za-z0-9_][A-Za-z0-9._-]*|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?$/;

/** Where a git repository is. */
export interface GitAddress {
  /** Its scheme; `ssh` of `user@host:path`, `file` of a local one. */
  readonly scheme: string;
  /** With its port, if it has one; empty for a local one. */
  readonly host: string;
  readonly path: string;
  /** For messages: without user and query. */
  readonly shown: string;
}

/** Options of {@link parseGitAddress}. */
export interface GitAddressOptions {
  /** Takes `file://` addresses and absolute paths, too. @defaultValue `false` */
  readonly allowLocal?: boolean | undefined;
}

/**
 * An address of a git repository, such as `https://host/path` or `user@host:path`: none that git would take for an option
 * or for a program to run.
 * @throws DepsError `GIT_SOURCE`
 */
export function parseGitAddress(url: string, { allowLocal = false }: GitAddressOptions = {}): GitAddress {
  const shown = withoutSecrets(url);
  if (/\p{Cc}/u.test(url)) throw gitSourceError(url, "it has control characters in it");
  if (allowLocal && posix.isAbsolute(url)) return { scheme: "file", host: "", path: url, shown };
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(url)?.[1]?.toLowerCase();
  if (scheme !== undefined) {
    if (!schemes.includes(scheme) && !(allowLocal && scheme === "file"))
      throw gitSourceError(url, `it is neither of ${schemes.join(", ")}`);
    try {
      if (scheme === "file") return { scheme, host: "", path: fileURLToPath(url), shown };
      if (!hasPlainHost(url, scheme)) throw new TypeError("its host could be read in several ways");
      const { host, pathname } = new URL(url);
      return { scheme, host, path: decodeURIComponent(pathname), shown };
    } catch (cause) {
      throw gitSourceError(url, "it is no address", cause);
    }
  }
  // Not `ext::program`, and not `-option`: git would run what they say.
  const [, host, path] = /^(?:[A-Za-z0-9_][^@:/]*@)?([A-Za-z0-9][A-Za-z0-9.-]*):([^:].*)$/s.exec(url) ?? [];
  if (host === undefined || path === undefined) throw gitSourceError(url, "it is no address");
  return { scheme: "ssh", host, path, shown };
}

function hasPlainHost(url: string, scheme: string): boolean {
  const [authority = ""] = url.slice(scheme.length + "://".length).split("/", 1);
  const { user } = authorityPattern.exec(authority)?.groups ?? {};
  const isDecoded = scheme === "ssh" || scheme === "git";
  return authorityPattern.test(authority) && !(isDecoded && user?.includes("%"));
}

/** An address as it is written into mirrors and archives: without passwords, tokens and queries. It has been parsed before. */
export function urlToKeep(url: string): string {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(url)?.[1]?.toLowerCase();
  if (scheme === undefined) return url; // `user@host:path` has no room for a password
  const kept = new URL(url);
  kept.password = "";
  if (scheme !== "ssh") kept.username = "";
  kept.search = "";
  kept.hash = "";
  return kept.href;
}

/** A git repository that cannot be used, told without the secrets of its address. */
export function gitSourceError(url: string, reason: string, cause?: unknown): DepsError<"GIT_SOURCE"> {
  const shown = withoutSecrets(url);
  const message = `cannot use git repository ${JSON.stringify(shown)}: ${reason}`;
  return new DepsError("GIT_SOURCE", message, { url: shown, reason }, { cause });
}

/** What may be a password, or a token in a query, is not repeated in messages. */
function withoutSecrets(url: string): string {
  return url
    .replace(/^([a-z][a-z0-9+.-]*:\/\/)?.*@/is, "$1***@")
    .replace(/\?.*$/s, "?***")
    .slice(0, 300);
}
