import { join } from "node:path";
import { type CallOptions, type Descriptor, type Digest, formatName } from "@tranship/registry";
import { type ArchivePath, checksumFindings } from "../checksums/checksum-findings.ts";
import { isMirrorError } from "../errors.ts";
import type { OnEvent } from "../events.ts";
import { leftOutCount } from "../plan/left-out.ts";
import { ContentCounts } from "../transfer/content-counts.ts";
import type { VerifyFinding, VerifyReport } from "../transfer/verify-report.ts";
import type { ArchiveReader } from "./archive/archive-reader.ts";
import { type BlobCopy, digestOfCopy, nameOf } from "./archive/blob-copy.ts";
import { countAssumed } from "./assumed-count.ts";
import type { Bundle } from "./bundle.ts";
import { type BlobPlace, blobPlaceOf, rootOf } from "./bundle-content.ts";
import { graphFaults } from "./graph-faults.ts";
import { lockFindings } from "./lock-findings.ts";

/** Options of {@link verifyBundle}. */
export interface VerifyBundleOptions extends CallOptions {
  readonly onEvent?: OnEvent | undefined;
}

/**
 * Proves a bundle, or several opened together: hashes every copy of every blob, walks every image, and compares the archives
 * with the locks where there are any, and with the checksums beside them. Goes on after what it finds. What a lock leaves to a base, and no archive has, is
 * counted and is no finding.
 */
export async function verifyBundle(
  bundle: Bundle,
  { signal, onEvent }: VerifyBundleOptions = {},
): Promise<VerifyReport> {
  const findings: VerifyFinding[] = [];
  const leftOut = new Map<Digest, number>();
  const addLeftOut = ({ digest, size }: Descriptor) => void leftOut.set(digest, size);
  const { archives, repositories } = bundle.contents;
  const counts = new ContentCounts();
  const copies = copiesIn(archives);
  const bytes = copies.reduce((sum, { entry }) => sum + entry.size, 0);
  onEvent?.({ type: "work.planned", job: "verify", blobs: copies.length, bytes });
  for (const { archive, entry, place } of copies) {
    const finding = await hashEntry({ archive, entry }, place, { signal, onEvent });
    if (finding) findings.push(finding);
    counts.add(place.path, { blobs: 1, bytes: entry.size });
  }
  for (const content of repositories) {
    counts.add(content.path, { images: content.index.tags.size });
    const repository = bundle.repository(content.path);
    for await (const { digest, ...fault } of graphFaults(content, repository, signal, addLeftOut)) {
      findings.push({ ...fault, reference: formatName(content.path, digest) });
    }
  }
  for (const { directory, lock } of bundle.locks) {
    const own = archives.filter((archive) => archive.directory === directory);
    for await (const finding of lockFindings(lock, own, { signal })) findings.push(finding);
  }
  for await (const finding of checksumFindings(filesOf(archives), { signal, onEvent })) findings.push(finding);
  const distinct = withoutRepeats(findings);
  const assumed = countAssumed(bundle.assumed());
  return {
    ok: distinct.length === 0,
    archives: archives.length,
    ...counts.report(),
    assumed,
    ...(leftOut.size > 0 ? { leftOut: leftOutCount(leftOut) } : {}),
    findings: distinct,
  };
}

function copiesIn(archives: readonly ArchiveReader[]): readonly (BlobCopy & { readonly place: BlobPlace })[] {
  return archives.flatMap((archive) => {
    const root = rootOf(archive);
    return archive.entries.flatMap((entry) => {
      const place = blobPlaceOf(entry, root);
      return place ? [{ archive, entry, place }] : [];
    });
  });
}

function filesOf(archives: readonly ArchiveReader[]): readonly ArchivePath[] {
  return archives.flatMap(({ name, directory, files }) =>
    files.map(({ file }) => ({ archive: name, path: join(directory, file) })),
  );
}

async function hashEntry(
  copy: BlobCopy,
  { path, digest }: BlobPlace,
  { signal, onEvent }: VerifyBundleOptions,
): Promise<VerifyFinding | undefined> {
  const about = { side: "local", repository: path, digest } as const;
  const { archive, entry } = copy;
  const files = archive.chunksOf(entry);
  const inChunks = files.length > 0 ? { files } : {};
  const where = { archive: archive.name, entry: entry.name, ...inChunks, reference: formatName(path, digest) };
  const startedAt = performance.now();
  onEvent?.({ type: "blob.started", ...about, size: entry.size, offset: 0 });
  const onBytes = (bytes: number) => onEvent?.({ type: "blob.progress", ...about, bytes });
  let actual: Digest;
  try {
    actual = await digestOfCopy(copy, digest, { signal, onBytes });
  } catch (error) {
    signal?.throwIfAborted();
    if (!isMirrorError(error)) throw error;
    onEvent?.({ type: "blob.failed", ...about, size: entry.size });
    return { ...where, code: error.code, message: error.message };
  }
  if (actual !== digest) {
    onEvent?.({ type: "blob.failed", ...about, size: entry.size });
    const message = `${nameOf(copy)} is damaged: its bytes hash to ${actual}`;
    return { ...where, code: "DIGEST_MISMATCH", message };
  }
  const elapsedMs = performance.now() - startedAt;
  onEvent?.({ type: "blob.finished", ...about, size: entry.size, fetchedBytes: 0, elapsedMs });
  return undefined;
}

/** A damaged manifest is found by its bytes and again by the walk over its image. */
function withoutRepeats(findings: readonly VerifyFinding[]): readonly VerifyFinding[] {
  const byPlace = new Map<string, VerifyFinding>();
  for (const finding of findings) {
    const { code, archive, entry, files = [], reference } = finding;
    const key = [code, archive, entry, reference, entry === undefined ? files.join("\0") : ""].join("\0");
    if (!byPlace.has(key)) byPlace.set(key, finding);
  }
  return [...byPlace.values()];
}
