import { posix } from "node:path";
import { gitSourceError, parseGitAddress } from "../git/git-address.ts";
import { requirePathSegments } from "../path-segment.ts";
import type { GitSource } from "./components-manifest.ts";

/** A ref of a git repository. */
export interface GitRef {
  readonly type: "branch" | "tag" | "semver" | "commit";
  readonly name: string;
}

const refTypes = ["branch", "tag", "semver", "commit"] as const;

/**
 * The one ref a git source names.
 * @throws DepsError `GIT_SOURCE`
 */
export function gitRefOf({ url, ref }: GitSource): GitRef {
  if (url === "") throw gitSourceError(url, "it has no url");
  const named = refTypes.filter((type) => ref[type] !== "");
  const [type] = named;
  if (type === undefined) throw gitSourceError(url, "it names no branch, tag, semver or commit");
  if (named.length > 1) throw gitSourceError(url, `it names several refs: ${named.join(", ")}`);
  return { type, name: ref[type] };
}

/**
 * Where a repository is mirrored below the folder of mirrors: host and path of its URL, or of `user@host:path`. Steps up
 * end at the host.
 * @throws DepsError `GIT_SOURCE`, `NAME_UNSAFE`
 */
export function gitRepositoryPath(url: string): string {
  const { host, path } = parseGitAddress(url);
  const cleaned = posix.normalize(`/${path}`).replace(/^\/+|\/+$/g, "");
  if (host === "" || cleaned === "") throw gitSourceError(url, "it has no host or no path");
  return requirePathSegments(`${host}/${cleaned}`, "git repository").join("/");
}
