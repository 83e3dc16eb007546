import {
  type Descriptor,
  type Digest,
  formatName,
  type ImageIndex,
  type ImageManifest,
  isRegistryError,
  parseManifest,
  type ReferrersOptions,
  RegistryError,
  type RepositoryReader,
  referrerDescriptor,
  referrersTag,
} from "@tranship/registry";
import type { LayoutIndex } from "./layout-index.ts";

/** Gives the index as it is at that moment. */
type IndexNow = () => LayoutIndex | undefined | Promise<LayoutIndex | undefined>;

/**
 * The referrers a layout knows of: those its fallback tag lists, then those its own index lists. What was read to find
 * them is remembered beside the index, so asking again reads the referrers alone.
 * @throws RegistryError `INVALID_MANIFEST` when a listed manifest has lost its file: it may be a signature, and nobody
 *   shall take that for none
 */
export async function* readReferrers(
  repository: RepositoryReader,
  indexNow: IndexNow,
  subject: Digest,
  { signal, artifactType }: ReferrersOptions,
): AsyncGenerator<Descriptor> {
  const seen = new Set<Digest>();
  for await (const referrer of candidates(repository, indexNow, subject, signal)) {
    if (seen.has(referrer.digest)) continue;
    seen.add(referrer.digest);
    if (artifactType === undefined || referrer.artifactType === artifactType) yield referrer;
  }
}

async function* candidates(
  repository: RepositoryReader,
  indexNow: IndexNow,
  subject: Digest,
  signal: AbortSignal | undefined,
): AsyncGenerator<Descriptor> {
  const index = await indexNow();
  const fallback = index?.find(referrersTag(subject));
  const readOne = (digest: Digest) => readWhileListed(repository, digest, indexNow, signal);
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

/** What a listed manifest says; `undefined` for one that is deleted while the list is gone through. */
async function readWhileListed(
  repository: RepositoryReader,
  digest: Digest,
  indexNow: IndexNow,
  signal: AbortSignal | undefined,
): Promise<ImageManifest | ImageIndex | undefined> {
  try {
    return parseManifest(await repository.manifest(digest, { signal }));
  } catch (error) {
    if (!isRegistryError(error, "NOT_FOUND")) throw error;
    if (!(await indexNow())?.find(digest)) return undefined;
    const [reference, reason] = [formatName(repository.name, digest), "it is listed, and is not there"];
    throw new RegistryError("INVALID_MANIFEST", `cannot read manifest ${reference}: ${reason}`, { reference, reason });
  }
}
