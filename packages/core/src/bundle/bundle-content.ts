import {
  type Descriptor,
  type Digest,
  formatName,
  isDigest,
  isManifestMediaType,
  isRepositoryPath,
  isTag,
} from "@tranship/registry";
import type { OnEvent } from "../events.ts";
import { compareText, maxIndexBytes, parseIndexFile, refNameOf, shortTagOf } from "../layout/index-file.ts";
import { LayoutIndex } from "../layout/layout-index.ts";
import { blobPath } from "../plan/section.ts";
import type { ArchiveReader } from "./archive-reader.ts";
import { archiveInvalid, type TarEntry } from "./tar-reader.ts";

/** One place where a blob's bytes lie. */
export interface BlobCopy {
  readonly archive: ArchiveReader;
  readonly entry: TarEntry;
}

/** What the archives together hold for one repository. */
export interface RepositoryContent {
  readonly path: string;
  readonly index: LayoutIndex;
  readonly blobs: ReadonlyMap<Digest, readonly BlobCopy[]>;
  /** The `index.json` that lists a descriptor, for messages. */
  readonly listedIn: ReadonlyMap<Digest, BlobCopy>;
}

/** A blob's place as an entry's name tells it. */
export interface BlobPlace {
  readonly path: string;
  readonly digest: Digest;
}

interface Draft {
  readonly lists: { readonly place: BlobCopy; readonly descriptors: readonly Descriptor[] }[];
  readonly blobs: Map<Digest, BlobCopy[]>;
}

/**
 * Overlays archives, in their order, into repositories by path. Indexes of one path are joined; the rule for a tag that
 * several entries claim is {@link LayoutIndex}'s.
 * @throws MirrorError `ARCHIVE_INVALID` also for an index entry whose manifest is not there or has another size
 */
export async function mergeArchives(
  archives: readonly ArchiveReader[],
  onEvent?: OnEvent,
): Promise<ReadonlyMap<string, RepositoryContent>> {
  const drafts = new Map<string, Draft>();
  const sizes = new Map<Digest, number>();
  for (const archive of archives) {
    const root = rootOf(archive);
    for (const entry of archive.entries) {
      const blob = blobPlaceOf(entry, root);
      if (blob) addBlob(drafts, sizes, blob, { archive, entry });
      else if (/(?:^|\/)index\.json$/.test(entry.name)) {
        const path = repositoryPathOf(archive, entry, root);
        draftOf(drafts, path).lists.push({ place: { archive, entry }, descriptors: await readIndex(archive, entry) });
      }
    }
  }
  const contents = [...drafts].filter(([, { lists }]) => lists.length > 0).sort(([a], [b]) => compareText(a, b));
  return new Map(contents.map(([path, draft]) => [path, finishRepository(path, draft, onEvent)]));
}

/**
 * The folder an archive's names are below. Archives of single modules once had none of their own: what
 * `module-<name>.tar` holds outside `modules/<name>` belongs below it.
 */
export function rootOf({ name, entries }: Pick<ArchiveReader, "name" | "entries">): string {
  const module = /^module-(.+)\.tar$/.exec(name)?.[1];
  if (module === undefined || entries.some((entry) => entry.name.startsWith(`modules/${module}`))) return "";
  return `modules/${module}/`;
}

/** Which repository's blob an entry is, if it is one. `root` is {@link rootOf} its archive. */
export function blobPlaceOf(entry: TarEntry, root: string): BlobPlace | undefined {
  const [, path = "", algorithm, hex] =
    /^(?:(.+)\/)?blobs\/(sha256|sha512)\/([0-9a-f]+)$/.exec(root + entry.name) ?? [];
  const digest = `${algorithm}:${hex}`;
  return isDigest(digest) ? { path, digest } : undefined;
}

function addBlob(drafts: Map<string, Draft>, sizes: Map<Digest, number>, place: BlobPlace, copy: BlobCopy): void {
  const { size, name } = copy.entry;
  const known = sizes.get(place.digest);
  if (known !== undefined && known !== size) {
    throw archiveInvalid(copy.archive.name, `it has ${size} bytes here and ${known} elsewhere`, name);
  }
  sizes.set(place.digest, size);
  const { blobs } = draftOf(drafts, place.path);
  const copies = blobs.get(place.digest);
  if (copies) copies.push(copy);
  else blobs.set(place.digest, [copy]);
}

function draftOf(drafts: Map<string, Draft>, path: string): Draft {
  const draft = drafts.get(path) ?? { lists: [], blobs: new Map() };
  drafts.set(path, draft);
  return draft;
}

function repositoryPathOf(archive: ArchiveReader, entry: TarEntry, root: string): string {
  const path = (root + entry.name).replace(/\/?index\.json$/, "");
  if (path === "" || isRepositoryPath(path)) return path;
  throw archiveInvalid(archive.name, "its folder is no repository path", entry.name);
}

async function readIndex(archive: ArchiveReader, entry: TarEntry): Promise<readonly Descriptor[]> {
  if (entry.size > maxIndexBytes) throw archiveInvalid(archive.name, `it is over ${maxIndexBytes} bytes`, entry.name);
  const bytes = await archive.read(entry.offset, entry.size);
  try {
    return parseIndexFile(bytes);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw archiveInvalid(archive.name, `it cannot be read: ${reason}`, entry.name, { cause });
  }
}

function finishRepository(path: string, { lists, blobs }: Draft, onEvent?: OnEvent): RepositoryContent {
  for (const { place, descriptors } of lists) for (const descriptor of descriptors) check(place, descriptor, blobs);
  const listedIn = new Map(lists.flatMap(({ place, descriptors }) => descriptors.map(({ digest }) => [digest, place])));
  const index = new LayoutIndex(joined(lists.map(({ descriptors }) => descriptors)), shortTagOf);
  if (onEvent) warn(path, index, onEvent);
  return { path, index, blobs, listedIn };
}

function check({ archive, entry }: BlobCopy, descriptor: Descriptor, blobs: Draft["blobs"]): void {
  const { digest, size, mediaType } = descriptor;
  const refuse = (reason: string) => archiveInvalid(archive.name, reason, entry.name);
  const tag = shortTagOf(descriptor);
  if (tag !== undefined && !isTag(tag)) throw refuse(`${JSON.stringify(tag.slice(0, 160))} is no tag`);
  if (!isManifestMediaType(mediaType))
    throw refuse(`${digest} is listed as ${JSON.stringify(mediaType.slice(0, 160))}`);
  const stored = blobs.get(digest)?.[0]?.entry.size;
  if (stored === undefined) throw refuse(`the manifest it lists, ${blobPath(digest)}, is not in the bundle`);
  if (stored !== size) throw refuse(`the manifest it lists, ${blobPath(digest)}, has ${stored} bytes, not ${size}`);
}

/**
 * One index stays as it is. Several become one list ordered by `ref.name`, and by archive where that is equal, without
 * entries that say the same again: so the last archive wins a tag.
 */
function joined(lists: readonly (readonly Descriptor[])[]): readonly Descriptor[] {
  if (lists.length < 2) return lists[0] ?? [];
  const distinct = new Map<string, Descriptor>();
  for (const descriptor of lists.flat()) {
    const key = `${descriptor.digest}\0${refNameOf(descriptor) ?? ""}\0${shortTagOf(descriptor) ?? ""}`;
    if (!distinct.has(key)) distinct.set(key, descriptor);
  }
  return [...distinct.values()].sort((a, b) => compareText(refNameOf(a) ?? "", refNameOf(b) ?? ""));
}

function warn(path: string, index: LayoutIndex, onEvent: OnEvent): void {
  for (const { tag, winner, losers } of index.conflicts()) {
    const reference = formatName(path, tag);
    const message = `${reference} is claimed by several images: ${winner} is used, not ${losers.join(", ")}`;
    onEvent({ type: "warning.raised", code: "TAG_CONFLICT", message, reference });
  }
  for (const descriptor of index.descriptors) {
    if (shortTagOf(descriptor) !== undefined) continue;
    const reference = formatName(path, descriptor.digest);
    onEvent({
      type: "warning.raised",
      code: "TAG_ABSENT",
      message: `${reference} has no tag to be pushed under`,
      reference,
    });
  }
}
