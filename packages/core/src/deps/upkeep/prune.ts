import { randomUUID } from "node:crypto";
import { lstat, mkdir, realpath, rename, rm, rmdir, stat, unlink } from "node:fs/promises";
import { dirname, join, sep } from "node:path";
import { identityOf, local, localIfAny } from "../../layout/atomic-file.ts";
import { LayoutDirectory } from "../../layout/layout-directory.ts";
import { layoutTagOf, untaggedEntry } from "../../layout/layout-entry.ts";
import type { DepsCache } from "../cache/deps-cache.ts";
import type { OnDepsEvent } from "../events.ts";
import { removedFolder } from "./cache-tree.ts";
import { withDiskErrors } from "./disk-errors.ts";
import type { PrunePlan, Removal, UnlistedEntry, Unlisting } from "./prune-plan.ts";

/** Options of {@link prune}. */
export interface PruneOptions {
  readonly signal?: AbortSignal | undefined;
  /** Told a `warning` with `CLEANUP_FAILED` of what stays although it was to go. */
  readonly onEvent?: OnDepsEvent | undefined;
}

/** What {@link prune} did. */
export interface PruneReport {
  /** Files, links, trees and folders that are gone. */
  readonly removed: number;
  /** Their bytes; of files with several names, of each name. */
  readonly removedBytes: number;
  /** Paths that were to go and stay: they were changed since the plan was made, or could not be removed. */
  readonly kept: readonly { readonly path: string; readonly reason: string }[];
}

/**
 * Removes exactly what a plan says, of a cache that nobody else changes meanwhile. What was changed since the plan was made
 * stays. First entries of image layouts go, then files: whenever it ends, the cache is whole, and the next plan has the rest.
 * @param cache open for writing
 * @throws DepsError `FILE_FAILED` for a cache that is only read; that and `NO_SPACE` for what cannot be written
 */
export async function prune(
  cache: Pick<DepsCache, "path" | "workFolder" | "save">,
  plan: PrunePlan,
  { signal, onEvent }: PruneOptions = {},
): Promise<PruneReport> {
  if (plan.root !== cache.path) throw new TypeError(`the plan is for ${plan.root}, not for ${cache.path}`);
  signal?.throwIfAborted();
  await cache.save(); // which only its owner can
  const kept: { path: string; reason: string }[] = [];
  const stay = (path: string, reason: string) => {
    kept.push({ path, reason });
    onEvent?.({ type: "warning", warning: { code: "CLEANUP_FAILED", message: `${path} stays: ${reason}` } });
  };
  const changed = new Set<string>();
  for (const unlisting of plan.layouts) {
    signal?.throwIfAborted();
    if (isInside(unlisting.layout, plan) && (await withDiskErrors(unlisting.layout, () => unlist(unlisting)))) continue;
    changed.add(unlisting.layout);
    stay(unlisting.layout, "it was changed since");
  }
  const trash = join(cache.workFolder, removedFolder);
  let [removed, removedBytes] = [0, 0];
  for (const removal of plan.removals) {
    signal?.throwIfAborted();
    if (removal.layout !== undefined && changed.has(removal.layout)) continue;
    const fault = isInside(removal.path, plan) ? await remove(removal, trash) : "it is outside of the cache";
    if (fault === undefined) {
      removed += 1;
      removedBytes += removal.bytes;
    } else if (removal.kind !== "folder") stay(removal.path, fault);
  }
  await localIfAny(trash, () => rmdir(trash)).catch(() => undefined); // it may still be in use
  return { removed, removedBytes, kept };
}

/** Gives whether the index was still the one of the plan. */
async function unlist({ layout, identity, entries }: Unlisting): Promise<boolean> {
  const path = join(layout, "index.json");
  const found = await localIfAny(path, () => stat(path, { bigint: true }));
  if (found === undefined || identityOf(found) !== identity) return false;
  const keyOf = (one: Pick<UnlistedEntry, "digest" | "tag">) => `${one.digest} ${one.tag ?? ""}`;
  const gone = new Map(entries.map((entry) => [keyOf(entry), entry]));
  await LayoutDirectory.at(layout).change(({ descriptors }) => {
    const left = descriptors.filter((entry) => !gone.has(keyOf({ digest: entry.digest, tag: layoutTagOf(entry) })));
    const listed = new Set(left.map(({ digest }) => digest));
    const bare = descriptors.filter(
      ({ digest }) => !listed.has(digest) && entries.some((one) => one.isNeeded && one.digest === digest),
    );
    return [...left, ...new Map(bare.map((entry) => [entry.digest, untaggedEntry(entry)])).values()];
  });
  return true;
}

/** Gives why something stays. */
async function remove({ path, kind, identity }: Removal, trash: string): Promise<string | undefined> {
  const folder = dirname(path);
  try {
    if ((await realpath(folder)) !== folder) return "it is behind a symbolic link now";
    const found = await lstat(path, { bigint: true });
    if (kind === "file" || kind === "link") {
      if (found.isDirectory() || (identity !== undefined && identityOf(found) !== identity))
        return "it was changed since";
      await unlink(path);
    } else if (!found.isDirectory()) return "it is no folder now";
    else if (kind === "folder") await rmdir(path);
    else await removeTree(path, trash);
    return undefined;
  } catch (error) {
    const { code = "unknown" } = error as NodeJS.ErrnoException;
    return code === "ENOENT" || code === "ENOTDIR" ? undefined : code;
  }
}

/** Takes a folder out of the way at once, so that nobody finds half of it. */
async function removeTree(path: string, trash: string): Promise<void> {
  let away = path;
  if (dirname(path) !== trash) {
    await local(trash, () => mkdir(trash, { recursive: true }));
    away = join(trash, randomUUID());
    await rename(path, away).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== "EXDEV") throw error;
      away = path;
    });
  }
  await rm(away, { recursive: true, force: true });
}

function isInside(path: string, { root, stores }: PrunePlan): boolean {
  return [root, ...stores].some((folder) => path.startsWith(folder + sep)) || stores.includes(path);
}
