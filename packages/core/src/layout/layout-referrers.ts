import {
  type Descriptor,
  type Digest,
  isManifestMediaType,
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
  for (const { digest, mediaType, size } of index.descriptors) {
    if (!isManifestMediaType(mediaType) || !index.subjects.mayName(digest, subject)) continue;
    const content = parseManifest(await repository.manifest(digest, { signal }));
    index.subjects.note(digest, content.subject?.digest);
    if (content.subject?.digest !== subject) continue;
    yield referrerDescriptor({ mediaType, digest, size }, content);
  }
}
