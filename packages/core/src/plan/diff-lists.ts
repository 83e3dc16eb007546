import type { Digest } from "@tranship/registry";
import { compareText } from "../layout/index-file.ts";
import type { BlobCount } from "./blob-count.ts";
import type { DownloadList } from "./download-list.ts";

/** What a tag names. */
export interface NamedImage {
  readonly tag: string;
  readonly digest: Digest;
}

/** A tag that names another image than before. */
export interface MovedTag {
  readonly tag: string;
  readonly from: Digest;
  readonly to: Digest;
}

/** How the tags of one repository differ between two lists; each part sorted by tag. */
export interface RepositoryDiff {
  readonly path: string;
  readonly added: readonly NamedImage[];
  readonly removed: readonly NamedImage[];
  readonly moved: readonly MovedTag[];
}

/** How one {@link DownloadList} differs from an earlier one; sizes in bytes. */
export interface DownloadListDiff {
  /** Repositories whose tags differ, by path. */
  readonly repositories: readonly RepositoryDiff[];
  /** Distinct manifests, configs and layers that the later list brings and the earlier neither brought nor relied on. */
  readonly new: BlobCount;
  /** Distinct ones of the earlier list that the later neither brings nor relies on. */
  readonly gone: BlobCount;
}

/** What became of the plan `before` in the plan `after`: tags per repository, and the content that comes and goes. */
export function diffDownloadLists(before: DownloadList, after: DownloadList): DownloadListDiff {
  const [oldBlobs, newBlobs] = [blobsOf(before), blobsOf(after)];
  return {
    repositories: diffTags(tagsOf(before), tagsOf(after)),
    new: totalWithout(newBlobs.brought, oldBlobs.known),
    gone: totalWithout(oldBlobs.brought, newBlobs.known),
  };
}

/** How tags differ between two sets of repositories, by path; those that do not differ are left out. */
export function diffTags(
  before: ReadonlyMap<string, ReadonlyMap<string, Digest>>,
  after: ReadonlyMap<string, ReadonlyMap<string, Digest>>,
): readonly RepositoryDiff[] {
  return [...new Set([...before.keys(), ...after.keys()])]
    .sort(compareText)
    .map((path) => diffRepository(path, before.get(path) ?? new Map(), after.get(path) ?? new Map()))
    .filter(({ added, removed, moved }) => added.length + removed.length + moved.length > 0);
}

function diffRepository(
  path: string,
  before: ReadonlyMap<string, Digest>,
  after: ReadonlyMap<string, Digest>,
): RepositoryDiff {
  const named = (tags: ReadonlyMap<string, Digest>, others: ReadonlyMap<string, Digest>) =>
    [...tags].filter(([tag]) => !others.has(tag)).map(([tag, digest]) => ({ tag, digest }));
  const moved = [...before].flatMap(([tag, from]) => {
    const to = after.get(tag);
    return to === undefined || to === from ? [] : { tag, from, to };
  });
  return {
    path,
    added: named(after, before).sort(byTag),
    removed: named(before, after).sort(byTag),
    moved: moved.sort(byTag),
  };
}

/** Tags by repository. Where archives of one list contradict each other, the last one counts, as it does in a push. */
function tagsOf(list: DownloadList): ReadonlyMap<string, ReadonlyMap<string, Digest>> {
  const byPath = new Map<string, Map<string, Digest>>();
  for (const { path, images } of repositoriesOf(list)) {
    const tags = byPath.get(path) ?? new Map<string, Digest>();
    byPath.set(path, tags);
    for (const { tag, digest } of images) tags.set(tag, digest);
  }
  return byPath;
}

/** The sizes of what a list brings, and the digests it brings or relies on. */
function blobsOf(list: DownloadList): {
  readonly brought: ReadonlyMap<Digest, number>;
  readonly known: ReadonlySet<Digest>;
} {
  const brought = new Map<Digest, number>();
  const known = new Set<Digest>();
  for (const { blobs, assumed = [] } of repositoriesOf(list)) {
    for (const { digest, size } of blobs) brought.set(digest, size);
    for (const { digest } of [...blobs, ...assumed]) known.add(digest);
  }
  return { brought, known };
}

function totalWithout(sizes: ReadonlyMap<Digest, number>, known: ReadonlySet<Digest>): DownloadListDiff["new"] {
  const left = [...sizes].filter(([digest]) => !known.has(digest));
  return { blobs: left.length, bytes: left.reduce((sum, [, size]) => sum + size, 0) };
}

function repositoriesOf({ archives }: DownloadList) {
  return archives.flatMap(({ sections }) => sections.flatMap(({ repositories }) => repositories));
}

function byTag(a: { readonly tag: string }, b: { readonly tag: string }): number {
  return compareText(a.tag, b.tag);
}
