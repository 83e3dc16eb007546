import type { CallOptions, Digest, RegistryReader, Tag } from "@tranship/registry";
import { isManifestMediaType } from "@tranship/registry";
import type { OnEvent } from "../events.ts";
import type { DownloadList } from "../plan/download-list.ts";
import type { PlannedBlob } from "../plan/section.ts";
import { runSteps, type Step } from "./run-steps.ts";
import { type Verified, VerifiedRepository } from "./verified-repository.ts";
import type { VerifyFinding, VerifyReport } from "./verify-report.ts";

/** Options of {@link verify}. */
export interface VerifyOptions extends CallOptions {
  readonly onEvent?: OnEvent | undefined;
  /** Tags, manifests and blobs asked for at a time. @defaultValue 8 */
  readonly inFlight?: number | undefined;
}

/**
 * Makes sure that a place holds what a plan names: every tag means the planned image, and every manifest and blob, once
 * for every repository, is read in full and hashed. Findings come in the plan's order: `TAG_MISSING`, `TAG_DIFFERS`,
 * `MANIFEST_MISSING`, `MANIFEST_CORRUPT`, `BLOB_MISSING`, `BLOB_CORRUPT`. A place that refuses or does not answer is an
 * error, never a finding.
 * @throws MirrorError `TRANSFER_FAILED`
 */
export async function verify(
  place: RegistryReader,
  list: DownloadList,
  { signal, onEvent, inFlight = 8 }: VerifyOptions = {},
): Promise<VerifyReport> {
  const steps: Step[] = [];
  const results: (Verified | undefined)[] = [];
  const add = (check: (own: AbortSignal) => Promise<Verified>) => {
    const at = results.push(undefined) - 1;
    steps.push({
      id: String(at),
      run: async (own) => {
        results[at] = await check(own);
      },
    });
  };
  let images = 0;
  for (const { path, tags, blobs } of plannedContent(list)) {
    const repository = new VerifiedRepository(place.repository(path), path, (event) => onEvent?.(event));
    images += tags.size;
    for (const [tag, digests] of tags) add((own) => repository.checkTag(tag, digests, own));
    for (const blob of blobs.values()) {
      if (isManifestMediaType(blob.mediaType)) add((own) => repository.checkManifest(blob, own));
      else add((own) => repository.checkBlob(blob, own));
    }
  }
  await runSteps(steps, { inFlight, signal });
  const findings: VerifyFinding[] = results.flatMap((result) => result?.finding ?? []);
  const blobs = results.filter((result) => result?.bytes !== undefined).length;
  const bytes = results.reduce((sum, result) => sum + (result?.bytes ?? 0), 0);
  return { ok: findings.length === 0, archives: 0, images, blobs, bytes, findings };
}

/** What a plan wants one repository to hold, from all archives and sections. */
interface PlannedContent {
  readonly path: string;
  /** Archives that were planned at different times may give one tag several images; a push lets one of them win. */
  readonly tags: Map<Tag, Set<Digest>>;
  readonly blobs: Map<Digest, PlannedBlob>;
}

function plannedContent(list: DownloadList): Iterable<PlannedContent> {
  const byPath = new Map<string, PlannedContent>();
  const repositories = list.archives.flatMap(({ sections }) => sections.flatMap((section) => section.repositories));
  for (const { path, images, blobs } of repositories) {
    const content: PlannedContent = byPath.get(path) ?? { path, tags: new Map(), blobs: new Map() };
    byPath.set(path, content);
    for (const { tag, digest, size, mediaType } of images) {
      content.tags.set(tag, (content.tags.get(tag) ?? new Set()).add(digest));
      content.blobs.set(digest, { digest, size, mediaType });
    }
    for (const blob of blobs) if (!content.blobs.has(blob.digest)) content.blobs.set(blob.digest, blob);
  }
  return byPath.values();
}
