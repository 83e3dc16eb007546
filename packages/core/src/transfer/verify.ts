import {
  type CallOptions,
  type Digest,
  formatName,
  isIndexMediaType,
  isManifestMediaType,
  type RegistryReader,
  type Tag,
} from "@tranship/registry";
import type { AssumedContent, BasedSource } from "../bundle/assumed.ts";
import { countAssumed } from "../bundle/assumed-count.ts";
import type { OnEvent } from "../events.ts";
import type { DownloadList } from "../plan/download-list.ts";
import { countLeftOut } from "../plan/left-out.ts";
import type { PlannedBlob } from "../plan/section.ts";
import { ContentCounts } from "./content-counts.ts";
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
 * for every repository, is read in full and hashed; also those that the plan leaves to a base, unless the place says that
 * it leaves them to one, too. A list of referrers under its fallback tag is proven by what the place lists as referrers:
 * a registry that lists them by itself need not have the tag. Findings come in the plan's order: `TAG_MISSING`,
 * `TAG_DIFFERS`, `MANIFEST_MISSING`, `MANIFEST_CORRUPT`, `BLOB_MISSING`, `BLOB_CORRUPT`, `BLOB_UNPLANNED` for content of an
 * image that the plan does not name, `REFERRER_MISSING`. What a plan leaves out of an index may be there or not. A place that refuses or does not answer is an error, never a
 * finding.
 * @throws MirrorError `TRANSFER_FAILED`
 * @see distribution-spec v1.1.1, "Referrers Tag Schema"
 */
export async function verify(
  place: RegistryReader & Partial<BasedSource>,
  list: DownloadList,
  { signal, onEvent, inFlight = 8 }: VerifyOptions = {},
): Promise<VerifyReport> {
  const assumed = (place.assumed?.() ?? []).map((blob) => ({ key: formatName(blob.path, blob.digest), blob }));
  const isAssumed = new Set(assumed.map(({ key }) => key));
  const left: AssumedContent[] = [];
  const steps: Step[] = [];
  const results: Verified[] = [];
  const counts = new ContentCounts();
  const planned = { blobs: 0, bytes: 0 };
  /** Adds a check; gives its step's name. */
  const add = (path: string, check: (own: AbortSignal) => Promise<Verified>, needs: readonly string[] = []) => {
    const at = results.push({}) - 1;
    const run = async (own: AbortSignal) => {
      const result = await check(own);
      results[at] = result;
      if (result.bytes !== undefined) counts.add(path, { blobs: 1, bytes: result.bytes });
    };
    steps.push({ id: String(at), run, needs });
    return String(at);
  };
  for (const { path, tags, lists, blobs, leftOut } of plannedContent(list)) {
    const expected = { blobs: new Set(blobs.keys()), leftOut };
    const repository = new VerifiedRepository(place.repository(path), path, expected, (event) => onEvent?.(event));
    counts.add(path, { images: tags.size + lists.size });
    for (const [tag, digests] of tags) add(path, (own) => repository.checkTag(tag, digests, own));
    const listDigests = new Set([...lists.values()].flatMap((images) => [...images.keys()]));
    const manifests: string[] = [];
    for (const blob of blobs.values()) {
      if (listDigests.has(blob.digest)) continue;
      if (isAssumed.has(formatName(path, blob.digest))) left.push({ ...blob, path, from: [] });
      else if (!isManifestMediaType(blob.mediaType)) {
        add(path, (own) => repository.checkBlob(blob, own));
        planned.blobs += 1;
        planned.bytes += blob.size;
      } else manifests.push(add(path, (own) => repository.checkManifest(blob, own)));
    }
    for (const [tag, images] of lists) {
      for (const image of images.values()) add(path, (own) => repository.checkList(tag, image, own), manifests);
      add(path, (own) => repository.checkReferrers(tag, new Set(images.keys()), own), manifests);
    }
  }
  onEvent?.({ type: "work.planned", job: "verify", ...planned });
  await runSteps(steps, { inFlight, signal });
  const findings: VerifyFinding[] = results.flatMap((result) => result.findings ?? []);
  const leftOut = countLeftOut(list);
  return {
    ok: findings.length === 0,
    archives: 0,
    ...counts.report(),
    assumed: countAssumed(left),
    ...(leftOut ? { leftOut } : {}),
    findings,
  };
}

/** What a plan wants one repository to hold, from all archives and sections. */
interface PlannedContent {
  readonly path: string;
  /** Archives that were planned at different times may give one tag several images; a push lets one of them win. */
  readonly tags: Map<Tag, Set<Digest>>;
  /** Lists of referrers, by their fallback tag. */
  readonly lists: Map<Tag, Map<Digest, PlannedBlob>>;
  readonly blobs: Map<Digest, PlannedBlob>;
  /** What indexes list and the plan leaves out, by the index. */
  readonly leftOut: Map<Digest, Set<Digest>>;
}

function plannedContent(list: DownloadList): Iterable<PlannedContent> {
  const byPath = new Map<string, PlannedContent>();
  const repositories = list.archives.flatMap(({ sections }) => sections.flatMap((section) => section.repositories));
  for (const { path, images, blobs, assumed = [], leftOut = [] } of repositories) {
    const content: PlannedContent = byPath.get(path) ?? {
      path,
      tags: new Map(),
      lists: new Map(),
      blobs: new Map(),
      leftOut: new Map(),
    };
    byPath.set(path, content);
    for (const { tag, digest, size, mediaType } of images) {
      const image = { digest, size, mediaType };
      if (isReferrersList(tag, mediaType)) {
        content.lists.set(tag, (content.lists.get(tag) ?? new Map()).set(digest, image));
      } else content.tags.set(tag, (content.tags.get(tag) ?? new Set()).add(digest));
      content.blobs.set(digest, image);
    }
    for (const { digest, size, mediaType } of [...blobs, ...assumed]) {
      if (!content.blobs.has(digest)) content.blobs.set(digest, { digest, size, mediaType });
    }
    for (const { digest, index } of leftOut) {
      content.leftOut.set(index, (content.leftOut.get(index) ?? new Set()).add(digest));
    }
  }
  return byPath.values();
}

function isReferrersList(tag: Tag, mediaType: string): boolean {
  return /^sha(?:256|512)-[0-9a-f]{64}$/.test(tag) && isIndexMediaType(mediaType);
}
