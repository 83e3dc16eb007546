import { join } from "node:path";
import { type Blob, childManifests, type Descriptor, type Digest } from "@tranship/registry";
import { encodeIndexFile, ociLayoutText, refNameOf, sortDescriptors } from "../../layout/index-file.ts";
import { LayoutDirectory } from "../../layout/layout-directory.ts";
import { layoutTagOf } from "../../layout/layout-entry.ts";
import { LayoutRepository } from "../../layout/layout-repository.ts";
import { leftOutOfAny } from "../../layout/left-out.ts";
import { keepingTag } from "../images/layout-names.ts";
import type { ContentCheck } from "../jobs/item-job.ts";
import type { DepsItem } from "../manifest.ts";
import { type ExportList, incomplete } from "./export-list.ts";
import { isUnreadable, type LayoutClosure, layoutClosure, readLayoutManifest } from "./layout-closure.ts";

/** What looking into layouts takes. */
export interface LayoutContext {
  readonly contents: ContentCheck;
  readonly signal: AbortSignal;
}

/** Adds the part of a layout that its items need, with an index of it alone. */
export async function exportLayout(
  path: string,
  items: readonly DepsItem[],
  list: ExportList,
  context: LayoutContext,
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
  const layout: LookedInto = { ...context, repository, directory, descriptors: index.descriptors };
  const wanted = new Set(items.map(({ digest }) => digest));
  const manifests = new Map<Digest, Blob>();
  const blobs = new Map<Digest, Blob>();
  const add = (part: LayoutClosure) => {
    for (const [digest, one] of part.manifests) manifests.set(digest, one);
    for (const [digest, one] of part.blobs) blobs.set(digest, one);
  };
  for (const [digest, item] of roots) {
    const isWanted = wanted.has(digest) || item.digest === undefined;
    add(await told(item, path, () => (isWanted ? wholeOf(digest, item, layout) : indexOf(digest, item, layout))));
  }
  for (const { digest, size } of blobs.values()) {
    const stored = await repository.statBlob(digest, { signal: context.signal });
    if (stored?.size !== size) throw incomplete(first, directory.fileOf(digest), "it is not there, or of another size");
    await list.addFile(directory.fileOf(digest), first, digest);
  }
  const entries = index.descriptors.filter((entry) => {
    const name = first.sink.type === "layout" ? refNameOf(entry) : layoutTagOf(entry);
    return manifests.has(entry.digest) && (name === undefined || tags.has(name));
  });
  const name = (file: string) => list.nameOf(join(path, file), first);
  list.addBytes(name("index.json"), encodeIndexFile(sortDescriptors(entries)));
  list.addBytes(name("oci-layout"), Buffer.from(ociLayoutText));
}

interface LookedInto extends LayoutContext {
  readonly repository: LayoutRepository;
  readonly directory: LayoutDirectory;
  readonly descriptors: readonly Descriptor[];
}

/** All of an image or index, but for what its layout leaves out. @throws DepsError `INCOMPLETE`; what {@link told} takes */
async function wholeOf(digest: Digest, item: DepsItem, layout: LookedInto): Promise<LayoutClosure> {
  const closure = await layoutClosure(layout.repository, [digest], layout.signal);
  const leftOut = leftOutOfAny(layout.descriptors, digest);
  const lacking = [...closure.missing].find((one) => !leftOut.has(one));
  if (lacking !== undefined) throw incomplete(item, layout.directory.path, `it lacks ${lacking}`);
  return closure;
}

/**
 * The index by which an image is found, and of what else it lists whatever is there unharmed: nobody asked for that.
 * @throws DepsError `INCOMPLETE`; what {@link told} takes
 */
async function indexOf(digest: Digest, item: DepsItem, layout: LookedInto): Promise<LayoutClosure> {
  const { repository, signal } = layout;
  const found = await readLayoutManifest(repository, digest, signal);
  if (found?.content.kind !== "index") return wholeOf(digest, item, layout);
  const manifests = new Map([[digest, found.descriptor]]);
  const blobs = new Map<Digest, Blob>(manifests);
  for (const child of childManifests(found.content)) {
    const part = await unharmed(child.digest, layout);
    for (const [one, descriptor] of part?.manifests ?? []) manifests.set(one, descriptor);
    for (const [one, blob] of part?.blobs ?? []) blobs.set(one, blob);
  }
  return { manifests, blobs, missing: new Set() };
}

async function unharmed(digest: Digest, layout: LookedInto): Promise<LayoutClosure | undefined> {
  const { repository, directory, contents, signal } = layout;
  try {
    const closure = await layoutClosure(repository, [digest], signal);
    if (closure.missing.size > 0) return undefined;
    for (const blob of closure.blobs.values())
      if ((await contents.check(directory.fileOf(blob.digest), blob, { signal })) !== "present") return undefined;
    return closure;
  } catch (error) {
    if (isUnreadable(error)) return undefined;
    throw error;
  }
}

/** Tells of what is there and cannot be read as what it is: as good as missing. @throws DepsError `INCOMPLETE` */
async function told<Value>(item: DepsItem, path: string, work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (error) {
    throw isUnreadable(error) ? incomplete(item, path, error instanceof Error ? error.message : "it is torn") : error;
  }
}
