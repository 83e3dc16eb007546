import { mkdir, realpath } from "node:fs/promises";
import { join } from "node:path";
import { LayoutDirectory } from "../../layout/layout-directory.ts";
import { DepsError } from "../errors.ts";
import type { LayoutSink, RepositoryLayoutSink } from "../manifest.ts";
import { requirePathSegments } from "../path-segment.ts";
import type { ContentCheck } from "./item-job.ts";

/** Changes of one index wait for each other in one instance: all who fill the same cache share it. */
const sharedBy = new WeakMap<ContentCheck, Map<string, LayoutDirectory>>();

/** Options of {@link keptDirectory}. */
export interface KeptDirectoryOptions {
  /** Of the cache that is filled. */
  readonly contents: ContentCheck;
  /** Makes the folder that all is in when it is missing. @defaultValue `false` */
  readonly create?: boolean | undefined;
}

/**
 * The image layout that a sink keeps something in: one instance for each folder and cache. The layout itself is made with
 * the first thing written. `undefined` when the folder that all is in is missing. Symbolic links on the way to that are
 * followed, those in it are refused.
 * @throws DepsError `NAME_UNSAFE`, `FILE_FAILED`
 */
export async function keptDirectory(
  sink: RepositoryLayoutSink | LayoutSink,
  { contents, create = false }: KeptDirectoryOptions,
): Promise<LayoutDirectory | undefined> {
  const root = await realFolder(sink.type === "layout" ? sink.path : sink.root, create);
  if (root === undefined) return undefined;
  const path = sink.type === "layout" ? root : join(root, ...requirePathSegments(sink.repository, "repository"));
  const shared = sharedBy.get(contents) ?? new Map<string, LayoutDirectory>();
  sharedBy.set(contents, shared);
  const directory = shared.get(path) ?? LayoutDirectory.at(path);
  shared.set(path, directory);
  return directory;
}

async function realFolder(path: string, create: boolean): Promise<string | undefined> {
  try {
    if (create) await mkdir(path, { recursive: true });
    return await realpath(path);
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code ?? String(cause);
    if (reason === "ENOENT" && !create) return undefined;
    throw new DepsError("FILE_FAILED", `cannot use the folder ${path}: ${reason}`, { path, reason }, { cause });
  }
}
