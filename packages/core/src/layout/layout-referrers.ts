import {
  type Descriptor,
  type Digest,
  digestAlgorithm,
  digestHex,
  isManifestMediaType,
  parseManifest,
  type ReferrersOptions,
  type RepositoryReader,
  type Tag,
} from "@tranship/registry";
import type { LayoutIndex } from "./layout-index.ts";

/**
 * The tag under which registries without a referrers endpoint keep the list of a manifest's referrers.
 * @see distribution-spec v1.1.1, "Referrers Tag Schema"
 */
export function referrersTag(subject: Digest): Tag {
  return `${digestAlgorithm(subject)}-${digestHex(subject).slice(0, 64)}`;
}

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
    const artifactType = content.artifactType || (content.kind === "image" ? content.config.mediaType : undefined);
    yield {
      mediaType,
      digest,
      size,
      ...(artifactType ? { artifactType } : {}),
      ...(content.annotations === undefined ? {} : { annotations: content.annotations }),
    };
  }
}
