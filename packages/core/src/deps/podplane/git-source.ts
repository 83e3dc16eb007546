import { posix } from "node:path";
import { DepsError } from "../errors.ts";
import { requirePathSegments } from "../path-segment.ts";
import type { GitSource } from "./components-manifest.ts";

/** A ref of a git repository. */
export interface GitRef {
  readonly type: "branch" | "tag" | "semver" | "commit";
  readonly name: string;
}

/** How a repository may be reached. */
const schemes: readonly string[] = ["https", "http", "ssh", "git"];

const refTypes = ["branch", "tag", "semver", "commit"] as const;

/**
 * The one ref a git source names.
 * @throws DepsError `GIT_SOURCE`
 */
export function gitRefOf({ url, ref }: GitSource): GitRef {
  if (url === "") throw invalid(url, "it has no url");
  const named = refTypes.filter((type) => ref[type] !== "");
  const [type] = named;
  if (type === undefined) throw invalid(url, "it names no branch, tag, semver or commit");
  if (named.length > 1) throw invalid(url, `it names several refs: ${named.join(", ")}`);
  return { type, name: ref[type] };
}

/**
 * Where a repository is mirrored below the folder of mirrors: host and path of its URL, or of `user@host:path`. Steps up
 * end at the host.
 * @throws DepsError `GIT_SOURCE`, `NAME_UNSAFE`
 */
export function gitRepositoryPath(url: string): string {
  const { host, path } = placeOf(url);
  const cleaned = posix.normalize(`/${path}`).replace(/^\/+|\/+$/g, "");
  if (host === "" || cleaned === "") throw invalid(url, "it has no host or no path");
  return requirePathSegments(`${host}/${cleaned}`, "git repository").join("/");
}

/**
 * The tags that may be an exact version, in the order they are looked for: as it is written, then with a `v`. `undefined`
 * for anything but two or three numbers: ranges and pre-releases name no one tag.
 */
export function exactSemverTags(version: string): readonly string[] | undefined {
  const tag = version.trim();
  if (!/^v?\d+(?:\.\d+){1,2}$/.test(tag)) return undefined;
  return tag.startsWith("v") ? [tag] : [tag, `v${tag}`];
}

function placeOf(url: string): { readonly host: string; readonly path: string } {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(url)?.[1];
  if (scheme !== undefined) {
    if (!schemes.includes(scheme.toLowerCase())) throw invalid(url, `it is neither of ${schemes.join(", ")}`);
    try {
      const { host, pathname } = new URL(url);
      return { host, path: decodeURIComponent(pathname) };
    } catch (cause) {
      throw invalid(url, "it is no address", cause);
    }
  }
  // Not `ext::program`, and not `-option`: git would run what they say.
  const [, host, path] = /^(?:[A-Za-z0-9_][^@:/]*@)?([A-Za-z0-9][A-Za-z0-9.-]*):([^:].*)$/s.exec(url) ?? [];
  if (host === undefined || path === undefined) throw invalid(url, "it is no address");
  return { host, path };
}

function invalid(url: string, reason: string, cause?: unknown): DepsError<"GIT_SOURCE"> {
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
