import type { CallOptions, Descriptor, Digest, RegistryReader, RepositoryReader } from "@tranship/registry";
import type { Bundle } from "../bundle/bundle.ts";
import { compareText } from "../layout/index-file.ts";
import { sortedMissing } from "../plan/download-list.ts";
import { sortedFailed } from "../plan/failed-item.ts";
import { BlobTable, bytesOf, sumOfBlobs } from "./blob-table.ts";
import { finishRepository, type ImageDraft, platformText, type RepositoryDraft } from "./finish-repository.ts";
import { compareImages, compareTags } from "./image-order.ts";
import type { InspectedLeftOut, Inspection, LackingContent, UnreadableContent } from "./inspection.ts";
import { type GraphPart, RepositoryWalk, type WalkFaults } from "./repository-walk.ts";
import { storedInArchives, storedInLayouts } from "./stored-content.ts";
import { plannedIn, rootOfSource, sourceOf } from "./where-from.ts";

/** What can be inspected: a {@link Bundle}, or any reader that knows its repositories, such as a folder of image layouts. */
export type InspectedPlace = RegistryReader & Partial<Pick<Bundle, "archives" | "locks" | "assumed" | "contents">>;

/**
 * What a bundle holds: its repositories and images with their kinds, platforms and sizes, what they share, the archives,
 * and what is not there. Reads manifests, up to 4 MiB each, and the configs that say a platform; never a layer. Content
 * that is lacking or damaged is part of the answer, not a failure.
 * @throws MirrorError `FILE_FAILED`; RegistryError where the place is a registry that does not answer
 */
export async function inspectBundle(place: InspectedPlace, options: CallOptions = {}): Promise<Inspection> {
  const lacking: LackingContent[] = [];
  const unreadable: UnreadableContent[] = [];
  const leftOut = new Map<string, InspectedLeftOut>();
  const faults: WalkFaults = {
    lacking: (one: LackingContent) => void lacking.push(one),
    unreadable: (one: UnreadableContent) => void unreadable.push(one),
    leftOut: (path, { digest, size, platform }, index) => {
      const named = platformText(platform);
      const one = { path, digest, size, ...(named === undefined ? {} : { platform: named }), index };
      leftOut.set(`${path} ${digest} ${index}`, one);
    },
  };
  const assumed = place.assumed?.() ?? [];
  const relied = Map.groupBy(assumed, ({ path }) => path);
  const locks = (place.locks ?? []).map(({ lock }) => lock);
  const planned = plannedIn(locks);
  const listed = new Map([...(place.contents?.repositories ?? [])].map(({ path, index }) => [path, index.descriptors]));
  const table = new BlobTable();
  const repositories: RepositoryDraft[] = [];
  for await (const path of place.repositories(options)) {
    const repository = place.repository(path);
    const ownRelied = new Set((relied.get(path) ?? []).map(({ digest }) => digest));
    const walk = new RepositoryWalk(path, repository, ownRelied, faults, options);
    const named = await namedImages(repository, listed.get(path) ?? [], options);
    const drafts: ImageDraft[] = [];
    for (const { descriptor, tags } of named) {
      const graph = await walk.graph(descriptor);
      table.add(path, graph.parts);
      drafts.push({ descriptor, tags, graph });
    }
    const source = planned.sources.get(path) ?? sourceOf(drafts);
    repositories.push({ path, source, drafts });
  }
  repositories.sort((a, b) => compareText(a.path, b.path));
  const stored = place.archives ? storedInArchives(place.archives) : storedInLayouts(heldBlobs(repositories));
  const inspected = repositories.map((draft) => finishRepository(draft, table, planned.reasons));
  const blobs = table.blobs(stored.copies);
  const referenced = new Set(blobs.map(({ digest }) => digest));
  const copies = [...stored.copies].map(([digest, { size, copies }]) => ({ digest, size, copies }));
  return {
    version: 1,
    kind: "inspection",
    place: place.name,
    sources: [...new Set(repositories.flatMap(({ path, source }) => rootOfSource(source, path)))].sort(compareText),
    totals: {
      repositories: inspected.length,
      images: inspected.reduce((sum, { images }) => sum + images.length, 0),
      tags: inspected.reduce((sum, { images }) => sum + images.reduce((count, { tags }) => count + tags.length, 0), 0),
      archives: stored.archives.length,
      blobs: blobs.length,
      archiveBytes: stored.archives.reduce((sum, { bytes }) => sum + bytes, 0),
      storedBytes: copies.reduce((sum, { size, copies: times }) => sum + size * times, 0),
      distinctBytes: bytesOf(copies),
      unsharedBytes: inspected.reduce(
        (sum, { images }) => sum + images.reduce((bytes, one) => bytes + one.bytes, 0),
        0,
      ),
      assumed: sumOfBlobs(assumed),
      lacking: sumOfBlobs(lacking),
      unreferenced: sumOfBlobs(copies.filter(({ digest }) => !referenced.has(digest))),
    },
    repositories: inspected,
    blobs,
    archives: stored.archives,
    assumed,
    ...(leftOut.size === 0 ? {} : { leftOut: sortedByPlace([...leftOut.values()]) }),
    lacking: sortedByPlace(lacking),
    unreadable: sortedByPlace(unreadable),
    missing: sortedMissing(locks.flatMap(({ missing }) => missing)),
    failed: sortedFailed(locks.flatMap(({ failed = [] }) => failed)),
  };
}

/** Every manifest that is tagged, and in a bundle also those that are only listed; each once with all its tags. */
async function namedImages(
  repository: RepositoryReader,
  listed: readonly Descriptor[],
  options: CallOptions,
): Promise<readonly Pick<ImageDraft, "descriptor" | "tags">[]> {
  const named = new Map<Digest, { descriptor: Descriptor; tags: string[] }>();
  for await (const tag of repository.tags(options)) {
    const descriptor = await repository.resolve(tag, options);
    if (!descriptor) continue; // a tag for nothing: there is no digest to tell of
    const known = named.get(descriptor.digest) ?? { descriptor, tags: [] };
    named.set(descriptor.digest, known);
    known.tags.push(tag);
  }
  for (const descriptor of listed) {
    if (!named.has(descriptor.digest)) named.set(descriptor.digest, { descriptor, tags: [] });
  }
  return [...named.values()]
    .map(({ descriptor, tags }) => ({ descriptor, tags: tags.sort(compareTags) }))
    .sort((a, b) => compareImages({ ...a, ...a.descriptor }, { ...b, ...b.descriptor }));
}

function* heldBlobs(
  repositories: readonly RepositoryDraft[],
): Generator<Pick<GraphPart, "digest" | "size"> & { readonly path: string }> {
  for (const { path, drafts } of repositories) {
    for (const { digest, size, isHeld } of drafts.flatMap(({ graph }) => graph.parts)) {
      if (isHeld) yield { path, digest, size };
    }
  }
}

function sortedByPlace<Content extends { readonly path: string; readonly digest: Digest }>(
  all: readonly Content[],
): readonly Content[] {
  return [...all].sort((a, b) => compareText(a.path, b.path) || compareText(a.digest, b.digest));
}
