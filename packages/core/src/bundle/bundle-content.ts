import {
  type Descriptor,
  type Digest,
  isDigest,
  isManifestMediaType,
  isRepositoryPath,
  isTag,
  sharedText,
} from "@tranship/registry";
import type { OnEvent } from "../events.ts";
import { compareText, maxIndexBytes, parseIndexFile, shortTagOf } from "../layout/index-file.ts";
import { LayoutIndex } from "../layout/layout-index.ts";
import { leftOutOf, withLeftOut } from "../layout/left-out.ts";
import { leftOutByImage } from "../plan/left-out.ts";
import type { LockFile } from "../plan/lock-file.ts";
import { type AssumedBlob, blobPath } from "../plan/section.ts";
import type { ArchiveReader } from "./archive/archive-reader.ts";
import { type BlobCopy, entryInvalid } from "./archive/blob-copy.ts";
import { type IndexList, joinIndexes, warnOfTags } from "./join-indexes.ts";
import type { TarEntry } from "./tar/tar-reader.ts";

/** What the archives together hold for one repository. */
export interface RepositoryContent {
  readonly path: string;
  readonly index: LayoutIndex;
  /** Every copy at hand; where the lock says that a base has a blob, those in other repositories. */
  readonly blobs: ReadonlyMap<Digest, readonly BlobCopy[]>;
  /** What its images need and only a base has. */
  readonly assumed: ReadonlyMap<Digest, AssumedBlob>;
  /** The `index.json` that lists a descriptor, for messages. */
  readonly listedIn: ReadonlyMap<Digest, BlobCopy>;
}

/** A blob's place as an entry's name tells it. */
export interface BlobPlace {
  readonly path: string;
  readonly digest: Digest;
}

/** Archives that were named together, and what a lock says about them. */
export interface ArchiveGroup {
  /** By name. */
  readonly archives: readonly ArchiveReader[];
  readonly lock?: LockFile | undefined;
}

/** What archives hold when they are laid over each other. */
export interface MergedArchives {
  /** By path, bytewise. */
  readonly repositories: ReadonlyMap<string, RepositoryContent>;
  /** Every copy of a blob, whatever its repository; those of later archives last. */
  readonly copies: ReadonlyMap<Digest, readonly BlobCopy[]>;
}

interface Draft {
  readonly lists: IndexList[];
  readonly blobs: Map<Digest, readonly BlobCopy[]>;
  readonly assumed: Map<Digest, AssumedBlob>;
}

/**
 * Overlays groups of archives, in their order, into repositories by path. Indexes of one path are joined; the rule for a
 * tag that several entries claim is {@link LayoutIndex}'s. A blob that a lock leaves to a base is taken from wherever one
 * of the archives has it.
 * @throws MirrorError `ARCHIVE_INVALID` also for an index entry whose manifest is not there or has another size
 */
export async function mergeArchives(groups: readonly ArchiveGroup[], onEvent?: OnEvent): Promise<MergedArchives> {
  const drafts = new Map<string, Draft>();
  const copies = new Map<Digest, BlobCopy[]>();
  for (const [group, { archives }] of groups.entries()) {
    for (const archive of archives) await addArchive(drafts, copies, archive, group);
  }
  for (const [group, { lock }] of groups.entries()) if (lock) declareLeftOut(drafts, lock, group);
  for (const { lock } of groups) if (lock) addAssumed(drafts, copies, lock);
  const contents = [...drafts].filter(([, { lists }]) => lists.length > 0).sort(([a], [b]) => compareText(a, b));
  return {
    repositories: new Map(contents.map(([path, draft]) => [path, finishRepository(path, draft, onEvent)])),
    copies,
  };
}

async function addArchive(
  drafts: Map<string, Draft>,
  copies: Map<Digest, BlobCopy[]>,
  archive: ArchiveReader,
  group: number,
): Promise<void> {
  const root = rootOf(archive);
  for (const entry of archive.entries) {
    const blob = blobPlaceOf(entry, root);
    if (blob) addBlob(drafts, copies, blob, { archive, entry });
    else if (/(?:^|\/)index\.json$/.test(entry.name)) {
      const path = repositoryPathOf(archive, entry, root);
      const descriptors = await readIndex(archive, entry);
      draftOf(drafts, path).lists.push({ place: { archive, entry }, group, descriptors });
    }
  }
}

/** What a lock says of its archives counts, not what stands in their index files. */
function declareLeftOut(drafts: ReadonlyMap<string, Draft>, { archives }: LockFile, group: number): void {
  const planned = new Map(archives.map((one) => [one.archive, one.sections]));
  for (const [path, { lists }] of drafts) {
    for (const [at, list] of lists.entries()) {
      const sections = list.group === group ? planned.get(list.place.archive.archive) : undefined;
      if (!sections) continue;
      const parts = sections.flatMap(({ repositories }) => repositories.filter((one) => one.path === path));
      const leftOut = leftOutByImage(parts);
      const descriptors = list.descriptors.map((entry) => withLeftOut(entry, leftOut.get(entry.digest) ?? []));
      lists[at] = { ...list, descriptors };
    }
  }
}

/** An image is only allowed to lack what all who list it leave out. */
function agreedLists(lists: readonly IndexList[]): readonly IndexList[] {
  const agreed = new Map<Digest, ReadonlySet<Digest>>();
  for (const entry of lists.flatMap(({ descriptors }) => descriptors)) {
    const own = leftOutOf(entry);
    agreed.set(entry.digest, agreed.get(entry.digest)?.intersection(own) ?? own);
  }
  const restated = (entry: Descriptor) => withLeftOut(entry, agreed.get(entry.digest) ?? []);
  return lists.map((list) => ({ ...list, descriptors: list.descriptors.map(restated) }));
}

/** A base brings configs and layers: manifests are never left to it. */
function addAssumed(drafts: Map<string, Draft>, copies: ReadonlyMap<Digest, BlobCopy[]>, lock: LockFile): void {
  const repositories = lock.archives.flatMap(({ sections }) => sections.flatMap((section) => section.repositories));
  for (const { path, assumed = [] } of repositories) {
    const draft = drafts.get(path);
    for (const blob of assumed) {
      if (!draft || draft.blobs.has(blob.digest) || isManifestMediaType(blob.mediaType)) continue;
      const held = copies.get(blob.digest);
      if (held?.[0]?.entry.size === blob.size) draft.blobs.set(blob.digest, held);
      else draft.assumed.set(blob.digest, blob);
    }
  }
}

/**
 * The folder an archive's names are below. Archives of single modules once had none of their own: what
 * `module-<name>.tar` holds outside `modules/<name>` belongs below it.
 */
export function rootOf({ archive, entries }: Pick<ArchiveReader, "archive" | "entries">): string {
  const module = /^module-(.+)\.tar$/.exec(archive)?.[1];
  if (module === undefined || entries.some((entry) => entry.name.startsWith(`modules/${module}`))) return "";
  return `modules/${module}/`;
}

/** Which repository's blob an entry is, if it is one. `root` is {@link rootOf} its archive. */
export function blobPlaceOf(entry: TarEntry, root: string): BlobPlace | undefined {
  const [, path = "", algorithm, hex] =
    /^(?:(.+)\/)?blobs\/(sha256|sha512)\/([0-9a-f]+)$/.exec(root + entry.name) ?? [];
  const digest = `${algorithm}:${hex}`;
  return isDigest(digest) ? { path, digest: sharedText(digest) } : undefined;
}

function addBlob(
  drafts: Map<string, Draft>,
  copies: Map<Digest, BlobCopy[]>,
  { path, digest }: BlobPlace,
  copy: BlobCopy,
): void {
  const { size } = copy.entry;
  const everywhere = copies.get(digest);
  const known = everywhere?.[0]?.entry.size ?? size;
  if (known !== size) {
    throw entryInvalid(copy, `it has ${size} bytes here and ${known} elsewhere`);
  }
  if (everywhere) everywhere.push(copy);
  else copies.set(digest, [copy]); // a list that is made empty and then added to has room for many
  const { blobs } = draftOf(drafts, path);
  const here = blobs.get(digest);
  blobs.set(digest, here ? [...here, copy] : [copy]);
}

function draftOf(drafts: Map<string, Draft>, path: string): Draft {
  const draft = drafts.get(path) ?? { lists: [], blobs: new Map(), assumed: new Map() };
  drafts.set(path, draft);
  return draft;
}

function repositoryPathOf(archive: ArchiveReader, entry: TarEntry, root: string): string {
  const path = (root + entry.name).replace(/\/?index\.json$/, "");
  if (path === "" || isRepositoryPath(path)) return path;
  throw entryInvalid({ archive, entry }, "its folder is no repository path");
}

async function readIndex(archive: ArchiveReader, entry: TarEntry): Promise<readonly Descriptor[]> {
  if (entry.size > maxIndexBytes) throw entryInvalid({ archive, entry }, `it is over ${maxIndexBytes} bytes`);
  const bytes = await archive.read(entry.offset, entry.size);
  try {
    return parseIndexFile(bytes);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw entryInvalid({ archive, entry }, `it cannot be read: ${reason}`, { cause });
  }
}

function finishRepository(path: string, { lists: read, blobs, assumed }: Draft, onEvent?: OnEvent): RepositoryContent {
  const lists = agreedLists(read);
  for (const { place, descriptors } of lists) for (const descriptor of descriptors) check(place, descriptor, blobs);
  const listedIn = new Map(lists.flatMap(({ place, descriptors }) => descriptors.map(({ digest }) => [digest, place])));
  const index = new LayoutIndex(joinIndexes(lists), shortTagOf);
  if (onEvent) warnOfTags(path, index, listedIn, onEvent);
  return { path, index, blobs, assumed, listedIn };
}

function check(place: BlobCopy, descriptor: Descriptor, blobs: Draft["blobs"]): void {
  const { digest, size, mediaType } = descriptor;
  const refuse = (reason: string) => entryInvalid(place, reason);
  const tag = shortTagOf(descriptor);
  if (tag !== undefined && !isTag(tag)) throw refuse(`${JSON.stringify(tag.slice(0, 160))} is no tag`);
  if (!isManifestMediaType(mediaType))
    throw refuse(`${digest} is listed as ${JSON.stringify(mediaType.slice(0, 160))}`);
  const stored = blobs.get(digest)?.[0]?.entry.size;
  if (stored === undefined) throw refuse(`the manifest it lists, ${blobPath(digest)}, is not in the bundle`);
  if (stored !== size) throw refuse(`the manifest it lists, ${blobPath(digest)}, has ${stored} bytes, not ${size}`);
}
