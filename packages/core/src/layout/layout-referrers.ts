import {
  type Descriptor,
  type Digest,
  type ImageIndex,
  type ImageManifest,
  parseManifest,
  type ReferrersOptions,
  type RepositoryReader,
  referrerDescriptor,
  referrersTag,
} from "@tranship/registry";
import type { LayoutIndex } from "./layout-index.ts";

/**
 * The referrers a layout knows of: those its fallback tag lists, then those its own index lists. What was read to find
 * them is remembered beside the index, so asking again reads the referrers alone.
 */
export async function* readReferrers(
  repository: RepositoryReader,
  index: LayoutIndex | undefined,
  subject: Digest,
  { signal, artifactType }: ReferrersOptions,
): AsyncGenerator<Descriptor> {
  const seen = new Set<Digest>();
  for await (const referrer of candidates(repository, index, subject, signal)) {
    if (seen.has(referrer.digest)) continue;
    seen.add(referrer.digest);
    if (artifactType === undefined || referrer.artifactType === artifactType) yield referrer;
  }
}

async function* candidates(
  repository: RepositoryReader,
  index: LayoutIndex | undefined,
  subject: Digest,
  signal: AbortSignal | undefined,
): AsyncGenerator<Descriptor> {
  const fallback = index?.find(referrersTag(subject));
  if (fallback) {
    const content = parseManifest(await repository.manifest(fallback.digest, { signal }));
    if (content.kind === "index") yield* content.manifests;
  }
  if (!index) return;
  const read = new Map<Digest, ImageManifest | ImageIndex>();
  const readOne = async (digest: Digest) => parseManifest(await repository.manifest(digest, { signal }));
  for (const { digest, mediaType, size } of index.unread()) {
    if (index.subjects.knows(digest)) continue; // by now, from another question
    const content = await readOne(digest);
    index.subjects.note(digest, content.subject?.digest);
    if (content.subject?.digest !== subject) continue;
    if (index.subjects.knows(digest)) read.set(digest, content);
    else yield referrerDescriptor({ mediaType, digest, size }, content); // more than can be remembered
  }
  for (const { digest, mediaType, size } of index.referrersOf(subject)) {
    yield referrerDescriptor({ mediaType, digest, size }, read.get(digest) ?? (await readOne(digest)));
  }
}
