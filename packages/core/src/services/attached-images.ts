import {
  type Descriptor,
  type Digest,
  digestAlgorithm,
  digestHex,
  isManifestMediaType,
  type Manifest,
  MediaType,
  manifestOf,
  parseManifest,
  type RepositoryReader,
  referrersTag,
  type Tag,
} from "@tranship/registry";
import { compareText } from "../layout/index-file.ts";
import type { WantedImage } from "../plan/build-step.ts";
import type { RunContext } from "../plan/planner.ts";
import type { PlannedRepository } from "../plan/section.ts";

/** What travels with an image: nothing, statements about vulnerabilities, or all that refers to it. */
export type AttachedKinds = "none" | "vex" | "all";

/** Options of {@link attachedImages}. */
export interface AttachedOptions {
  readonly kinds: AttachedKinds;
  /** Whether the source lists tags; else they are asked for one by one. */
  readonly canList: boolean;
}

/** Types of referrers that state which vulnerabilities concern an image. */
const vexTypes: ReadonlySet<string | undefined> = new Set([
  "application/vnd.openvex+json",
  "application/vex+json",
  "application/vnd.in-toto+json",
  "application/vnd.dsse.envelope.v1+json",
]);

/** Suffixes of the tags that attestations, signatures and bills of materials hang on, where tags cannot be listed. */
const suffixes = ["att", "sig", "sbom"];

/**
 * What is attached to the images of one repository: to every manifest, children of an index too. Tags such as
 * `sha256-<hex>.att` come as they are; referrers come as the list under their subject's fallback tag, which is made where
 * the source keeps none, so that they reach a target whichever of the two it knows.
 * @see distribution-spec v1.1.1, "Listing Referrers" and "Referrers Tag Schema"
 */
export async function attachedImages(
  { path, blobs, assumed = [] }: PlannedRepository,
  from: RepositoryReader,
  { kinds, canList }: AttachedOptions,
  run: RunContext,
): Promise<readonly WantedImage[]> {
  if (kinds === "none") return [];
  const subjects = [...blobs, ...assumed].flatMap(({ digest, mediaType }) =>
    isManifestMediaType(mediaType) ? digest : [],
  );
  if (subjects.length === 0) return [];
  const listed = canList ? await run.source.tags(from) : undefined;
  const place = { path, repository: from, why: "attestation", whenMissing: "ignore", whenBroken: "fail" } as const;
  const found = await Promise.all(
    subjects.map(async (subject) => {
      const tags = tagsFor(subject, kinds, listed);
      const list = await referrersOf(subject, from, kinds, listed, run);
      const wanted: WantedImage[] = tags.map((reference) => ({ ...place, reference }));
      if (typeof list === "string") wanted.push({ ...place, reference: list });
      else if (list)
        wanted.push({ ...place, reference: list.descriptor.digest, tag: referrersTag(subject), made: list });
      return wanted;
    }),
  );
  return found.flat();
}

function tagsFor(subject: Digest, kinds: AttachedKinds, listed: readonly Tag[] | undefined): readonly Tag[] {
  const start = `${digestAlgorithm(subject)}-${digestHex(subject)}.`;
  const vex = `${start}att`;
  if (kinds === "vex") return !listed || listed.includes(vex) ? [vex] : [];
  return listed ? listed.filter((tag) => tag.startsWith(start)) : suffixes.map((suffix) => `${start}${suffix}`);
}

/** The referrers' list: the source's own under the fallback tag, where that is all there is, or one that is made. */
async function referrersOf(
  subject: Digest,
  from: RepositoryReader,
  kinds: AttachedKinds,
  listed: readonly Tag[] | undefined,
  run: RunContext,
): Promise<Tag | Manifest | undefined> {
  const all = await run.source.referrers(from, subject);
  const wanted = all.filter(({ artifactType }) => kinds === "all" || vexTypes.has(artifactType));
  if (wanted.length === 0) return undefined;
  const tag = referrersTag(subject);
  const own = listed?.includes(tag) ? await run.source.manifest(from, tag) : undefined;
  if (own && lists(own, wanted)) return tag;
  return madeList(wanted);
}

function lists(index: Manifest, wanted: readonly Descriptor[]): boolean {
  const content = parseManifest(index);
  if (content.kind !== "index" || content.manifests.length !== wanted.length) return false;
  const there = new Set(content.manifests.map(({ digest }) => digest));
  return wanted.every(({ digest }) => there.has(digest));
}

/** The same referrers always make the same list. */
function madeList(referrers: readonly Descriptor[]): Manifest {
  const manifests = [...referrers]
    .sort((a, b) => compareText(a.digest, b.digest))
    .map(({ mediaType, digest, size, artifactType, annotations }) => ({
      mediaType,
      digest,
      size,
      ...(artifactType === undefined ? {} : { artifactType }),
      ...(annotations === undefined ? {} : { annotations: sorted(annotations) }),
    }));
  const text = JSON.stringify({ schemaVersion: 2, mediaType: MediaType.ociIndex, manifests });
  return manifestOf(new TextEncoder().encode(text), MediaType.ociIndex);
}

function sorted(annotations: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(annotations).sort(([a], [b]) => compareText(a, b)));
}
