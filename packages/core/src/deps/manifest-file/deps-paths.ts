import { isAbsolute, join, resolve } from "node:path";
import { type Digest, digestAlgorithm, digestHex } from "@tranship/registry";
import { requirePathSegments } from "../path-segment.ts";
import { gitRepositoryPath } from "../podplane/git-source.ts";

/** Where everything of a manifest's items is in a cache. All paths stay below its folder, whatever the manifest says. */
export interface DepsPaths {
  readonly root: string;
  /** Files by their names: links to their content where a digest says what that is. */
  file(path: string): string;
  /** Files by what they are. */
  content(digest: Digest): string;
  /** An image layout for each repository, below the name of its registry. */
  readonly registry: string;
  /** The same, of charts. */
  readonly charts: string;
  /** The mirror of a git repository. @throws DepsError `GIT_SOURCE`, `NAME_UNSAFE` */
  git(url: string): string;
}

/** The paths of a cache in the folder `root`. */
export function depsPaths(root: string): DepsPaths {
  const top = isAbsolute(root) ? root : resolve(root);
  return {
    root: top,
    file: (path) => join(top, "files", ...requirePathSegments(path, "path of a file")),
    content: (digest) => join(top, "blobs", digestAlgorithm(digest), digestHex(digest)),
    registry: join(top, "registry"),
    charts: join(top, "charts"),
    git: (url) => join(top, "git", ...gitRepositoryPath(url).split("/")),
  };
}
