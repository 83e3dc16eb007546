import { readFile } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import type { Descriptor, Digest } from "@tranship/registry";
import { formatIndexFile, ociLayoutText, refNameOf, sortDescriptors } from "../../layout/index-file.ts";
import { LayoutDirectory } from "../../layout/layout-directory.ts";
import { layoutTagOf } from "../../layout/layout-entry.ts";
import { LayoutRepository } from "../../layout/layout-repository.ts";
import { leftOutOfAny } from "../../layout/left-out.ts";
import { keepingTag } from "../images/layout-names.ts";
import type { DepsItem, FileTreeSink, GitMirrorSource } from "../manifest.ts";
import type { CacheTree } from "./cache-tree.ts";
import { type ExportList, incomplete } from "./export-list.ts";
import { itemPlace } from "./item-place.ts";
import { isUnreadable, layoutClosure } from "./layout-closure.ts";
import { isMirrorFile, mirrorConfig } from "./mirror-files.ts";
import { findEntry, readEntries } from "./prune-findings.ts";

/** Adds what there is of each item. What is pushed to registries is in no cache, and passed over. @throws DepsError `INCOMPLETE`, `SINK_UNSUITABLE` */
export async function exportItems(
  items: readonly DepsItem[],
  tree: CacheTree,
  list: ExportList,
  signal: AbortSignal,
): Promise<void> {
  const layouts = new Map<string, DepsItem[]>();
  for (const item of items) {
    signal.throwIfAborted();
    const { sink, source, digest } = item;
    if (sink.type === "file" && source.type === "git") await exportMirror(item, source, sink, list);
    else if (sink.type === "file") {
      await list.addFile(sink.path, item, digest);
      for (const link of sink.links) list.addLink(link, sink.path, item);
    } else if (sink.type !== "push") {
      const path = itemPlace(sink);
      layouts.set(path, [...(layouts.get(path) ?? []), item]);
    }
  }
  for (const [path, own] of layouts) await exportLayout(path, own, list, signal);
  for (const { path } of tree.of("manifests")) await exportManifests(path, tree, list);
}

async function exportMirror(
  item: DepsItem,
  source: GitMirrorSource,
  { path }: FileTreeSink,
  list: ExportList,
): Promise<void> {
  if (!(await findEntry(join(path, "HEAD")))) throw incomplete(item, path, "it is no git mirror");
  list.addMirror(path, item);
  list.addBytes(list.nameOf(join(path, "config"), item), await mirrorConfig(path, source));
  const visit = async (folder: string): Promise<void> => {
    for (const entry of await readEntries(folder)) {
      const name = relative(path, entry.path).split(sep).join("/");
      if (entry.stat.isDirectory()) await visit(entry.path);
      else if (entry.stat.isFile() && isMirrorFile(name) && name !== "config") await list.addFile(entry.path, item);
    }
  };
  await visit(path);
}

/** Adds the part of a layout that its items need, with an index of it alone. */
async function exportLayout(
  path: string,
  items: readonly DepsItem[],
  list: ExportList,
  signal: AbortSignal,
): Promise<void> {
  const [first] = items;
  if (first === undefined) return;
  const directory = LayoutDirectory.at(path);
  const repository = new LayoutRepository(directory, { listing: "all", isReadOnly: true });
  const index = await told(first, path, () => directory.index());
  if (index === undefined) throw incomplete(first, path, "it is no image layout");
  const roots = new Map<Digest, DepsItem>();
  const tags = new Set<string>();
  for (const item of items) {
    const { sink, source, digest } = item;
    const nameOf = sink.type === "layout" ? refNameOf : layoutTagOf;
    const names = sink.type === "layout" ? sink.names : sink.type === "repository-layout" ? sink.tags : [];
    if (names.length === 0 && digest === undefined)
      throw incomplete(item, path, "neither a digest nor a tag says which of its images is meant");
    for (const name of names) {
      const entry = index.descriptors.findLast((one) => nameOf(one) === name);
      if (entry === undefined) throw incomplete(item, path, `it has no ${name}`);
      roots.set(entry.digest, item);
      tags.add(name);
    }
    const pinned = [digest, source.type === "image" ? source.index : undefined];
    for (const one of pinned.filter((digest) => digest !== undefined)) {
      roots.set(one, item);
      tags.add(keepingTag(one));
    }
  }
  const into = { repository, descriptors: index.descriptors, path, signal };
  for (const [digest, item] of roots) await requireWhole(digest, item, into);
  const closure = await layoutClosure(repository, roots.keys(), signal);
  for (const { digest, size } of closure.blobs.values()) {
    const stored = await repository.statBlob(digest, { signal });
    if (stored?.size !== size) throw incomplete(first, directory.fileOf(digest), "it is not there, or of another size");
    await list.addFile(directory.fileOf(digest), first, digest);
  }
  const entries = index.descriptors.filter((entry) => {
    const name = first.sink.type === "layout" ? refNameOf(entry) : layoutTagOf(entry);
    return closure.manifests.has(entry.digest) && (name === undefined || tags.has(name));
  });
  const name = (file: string) => list.nameOf(join(path, file), first);
  list.addBytes(name("index.json"), Buffer.from(formatIndexFile(sortDescriptors(entries))));
  list.addBytes(name("oci-layout"), Buffer.from(ociLayoutText));
}

interface LookedInto {
  readonly repository: LayoutRepository;
  readonly descriptors: readonly Descriptor[];
  readonly path: string;
  readonly signal: AbortSignal;
}

/** Makes sure that an image is there with all its manifests, or the index that it is found by. @throws DepsError `INCOMPLETE` */
async function requireWhole(digest: Digest, item: DepsItem, { repository, descriptors, path, signal }: LookedInto) {
  const leftOut = leftOutOfAny(descriptors, digest);
  const { missing } = await told(item, path, () => layoutClosure(repository, [digest], signal));
  const isAll = digest === item.digest;
  const lacking = [...missing].find((one) => one === digest || (isAll && !leftOut.has(one)));
  if (lacking !== undefined) throw incomplete(item, path, `it lacks ${lacking}`);
}

/** Tells of what is there and cannot be read as what it is: as good as missing. @throws DepsError `INCOMPLETE` */
async function told<Value>(item: DepsItem, path: string, work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    throw isUnreadable(error) ? incomplete(item, path, error instanceof Error ? error.message : "it is torn") : error;
  }
}

/** Adds the manifests themselves, without older copies. */
async function exportManifests(folder: string, tree: CacheTree, list: ExportList): Promise<void> {
  const place = tree.placeOf(folder);
  for (const { name, path, stat } of await readEntries(folder))
    if (stat.isFile() && /^[a-z0-9][\w.-]*\.json$/.test(name) && !/[-_][0-9]{8}T[0-9]{6}Z[-_]/.test(name))
      list.addBytes(`${place?.folder.name}/${name}`, await readFile(path));
}
