import {
  type Descriptor,
  type Digest,
  type ImageIndex,
  type ImageManifest,
  isRegistryError,
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
  const readOne = (digest: Digest) => readIfAny(repository, digest, signal);
  if (fallback) {
    const content = await readOne(fallback.digest);
    if (content?.kind === "index") yield* content.manifests;
  }
  if (!index) return;
  const read = new Map<Digest, ImageManifest | ImageIndex>();
  for (const { digest, mediaType, size } of index.unread()) {
    if (index.subjects.knows(digest)) continue; // by now, from another question
    const content = await readOne(digest);
    if (!content) continue;
    index.subjects.note(digest, content.subject?.digest);
    if (content.subject?.digest !== subject) continue;
    if (index.subjects.knows(digest)) read.set(digest, content);
    else yield referrerDescriptor({ mediaType, digest, size }, content); // more than can be remembered
  }
  for (const { digest, mediaType, size } of index.referrersOf(subject)) {
    const content = read.get(digest) ?? (await readOne(digest));
    if (content) yield referrerDescriptor({ mediaType, digest, size }, content);
  }
}

/** What a listed manifest says; `undefined` for one that lost its file, or is deleted while the list is gone through. */
async function readIfAny(
  repository: RepositoryReader,
  digest: Digest,
  signal: AbortSignal | undefined,
): Promise<ImageManifest | ImageIndex | undefined> {
  try {
    return parseManifest(await repository.manifest(digest, { signal }));
  } catch (error) {
    if (isRegistryError(error, "NOT_FOUND")) return undefined;
    throw error;
  }
}
