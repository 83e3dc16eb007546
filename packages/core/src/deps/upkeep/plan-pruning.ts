import { join } from "node:path";
import type { Digest } from "@tranship/registry";
import { DepsError } from "../errors.ts";
import type { DepsItem } from "../manifest.ts";
import { defaultKeepPartialsMs } from "../staging/leftovers.ts";
import { CacheTree, type CacheTreeOptions } from "./cache-tree.ts";
import { withDiskErrors } from "./disk-errors.ts";
import { itemsIn } from "./item-paths.ts";
import { itemPlace } from "./item-place.ts";
import { linkTargets, pruneFiles } from "./prune-files.ts";
import { PruneFindings, readEntries } from "./prune-findings.ts";
import { pruneHistory, prunePartials, pruneUnfinishedFolders, pruneUpstream } from "./prune-history.ts";
import { type KeptOfLayout, LayoutPruner } from "./prune-layouts.ts";
import { pruneMirrors } from "./prune-mirrors.ts";
import type { PrunePlan } from "./prune-plan.ts";
import type { ReadableCache } from "./upkeep-cache.ts";

/** Options of {@link prunePlan}. */
export interface PrunePlanOptions extends CacheTreeOptions {
  /** Older copies of each manifest that stay, the newest first. @defaultValue 5 */
  readonly keepHistory?: number | undefined;
  /** What was begun and not gone on with for so long goes, in milliseconds. @defaultValue 30 days */
  readonly keepPartialsMs?: number | undefined;
  /**
   * Items the cache held before, such as those of older manifests: their tags in image layouts are ours, and go unless kept
   * items have them. @defaultValue none
   */
  readonly former?: readonly DepsItem[] | undefined;
  /** Takes tags that are none of ours for worthless too. @defaultValue `false` */
  readonly dropForeignTags?: boolean | undefined;
  /** Goes on with nothing to keep: everything goes. @defaultValue `false` */
  readonly keepsNothing?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  /** @defaultValue the system's clock */
  readonly now?: (() => Date) | undefined;
}

/** Folders of a cache with a folder of ours in them. */
const parents = ["components", "seeds", "seeds/snapshots", "templates", "vmconfig"];

/**
 * What can go from a cache when only these items are kept: files, links, git mirrors, manifests and blobs of image layouts
 * that none of them needs, copies of manifests beyond the newest few, what was begun and never finished, empty folders.
 * Nothing is changed. Symbolic links are not followed, and names that are none of ours are told as `unknown` and stay; so do
 * layouts that cannot be read, and tags that no item ever had.
 *
 * A tag of several platforms stays whole as long as an item has it, and a layout with an item that has neither a digest nor a
 * tag. What `keep` lacks is brought again by the next run, so
 * give it the items of all manifests and choices that the cache is for.
 * @throws DepsError `SELECTION_INVALID` without any item to keep; `FILE_FAILED`
 */
export async function prunePlan(
  cache: Pick<ReadableCache, "path" | "state">,
  keep: readonly DepsItem[],
  options: PrunePlanOptions = {},
): Promise<PrunePlan> {
  return await withDiskErrors(cache.path, () => planPruning(cache, keep, options));
}

async function planPruning(
  cache: Pick<ReadableCache, "path" | "state">,
  given: readonly DepsItem[],
  options: PrunePlanOptions,
): Promise<PrunePlan> {
  const { keepHistory = 5, keepPartialsMs = defaultKeepPartialsMs, dropForeignTags = false } = options;
  const { signal = new AbortController().signal, now = () => new Date() } = options;
  if (given.length === 0 && options.keepsNothing !== true) {
    const reason = "there is nothing to keep, so everything would go";
    throw new DepsError("SELECTION_INVALID", `cannot prune ${cache.path}: ${reason}`, { expression: "", reason });
  }
  signal.throwIfAborted();
  const tree = await CacheTree.open(cache.path, options);
  const [keep, former] = [await itemsIn(tree, given), await itemsIn(tree, options.former ?? [])];
  const findings = new PruneFindings(now().getTime());
  const files = await keptFiles(keep);
  for (const { path } of tree.of("files")) await pruneFiles(path, files, findings);
  for (const { path } of tree.of("mirrors")) await pruneMirrors(path, files, findings);
  for (const { path } of tree.of("manifests")) await pruneHistory(path, keepHistory, findings);
  const upstream = JSON.stringify([...cache.state.entries("manifest/")]);
  for (const { path } of tree.of("upstream"))
    await pruneUpstream(path, (digest) => upstream.includes(digest), keepHistory, findings);
  await prunePartials(join(tree.workFolder, "partial"), keepPartialsMs, findings);
  await pruneUnfinishedFolders(tree.workFolder, keepPartialsMs, findings);
  const formerTags = new Map([...keptLayouts(former)].map(([path, { tags }]) => [path, tags]));
  const rules = {
    wasOurs: (path: string, tag: string) => formerTags.get(path)?.has(tag) === true,
    dropForeign: dropForeignTags,
  };
  const layouts = new LayoutPruner(keptLayouts(keep), rules, findings, signal);
  for (const { path } of tree.of("stores")) await layouts.visitTree(path);
  await tellForeign(tree, findings);
  return {
    root: cache.path,
    stores: tree.of("stores").map(({ path }) => path),
    layouts: findings.layouts.filter(({ entries }) => entries.length > 0),
    removals: findings.removals(),
    unknown: findings.unknown,
    freedBytes: findings.freedBytes(),
  };
}

async function keptFiles(items: readonly DepsItem[]): Promise<ReadonlySet<string>> {
  const sinks = items.flatMap(({ sink }) => (sink.type === "file" ? [sink] : []));
  const links = sinks.flatMap((sink) => sink.links);
  return new Set([...sinks.map(({ path }) => path), ...links, ...(await linkTargets(links))]);
}

function keptLayouts(items: readonly DepsItem[]): ReadonlyMap<string, KeptOfLayout> {
  const kept = new Map<string, { readonly digests: Set<Digest>; readonly tags: Set<string>; isAll: boolean }>();
  for (const { sink, source, digest } of items) {
    if (sink.type !== "repository-layout" && sink.type !== "layout") continue;
    const path = itemPlace(sink);
    const one = kept.get(path) ?? { digests: new Set(), tags: new Set(), isAll: false };
    kept.set(path, one);
    if (digest !== undefined) one.digests.add(digest);
    if (source.type === "image" && source.index !== undefined) one.digests.add(source.index);
    const tags = sink.type === "layout" ? sink.names : sink.tags;
    for (const tag of tags) one.tags.add(tag);
    if (digest === undefined && tags.length === 0) one.isAll = true;
  }
  return kept;
}

/** Names beside our own folders. */
async function tellForeign(tree: CacheTree, findings: PruneFindings): Promise<void> {
  const ours = new Set([tree.workFolder, ...tree.folders.map(({ path }) => path)]);
  const inner = parents.map((name) => join(tree.root, ...name.split("/")));
  for (const path of inner) ours.add(path);
  const known = new Set(ours);
  for (const path of tree.folders.map((folder) => folder.path)) known.add(path);
  for (const folder of [tree.root, ...inner.filter((path) => !tree.folders.some((one) => one.path === path))])
    for (const { path } of await readEntries(folder))
      if (!known.has(path)) findings.tellUnknown(path, "it is none of the folders of a cache");
}
