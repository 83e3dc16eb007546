import { maxIndexBytes } from "../layout/index-file.ts";
import type { PlannedArchive } from "../plan/download-list.ts";
import type { LockFile } from "../plan/lock-file.ts";
import type { VerifyFinding } from "../transfer/verify-report.ts";
import { type ArchiveEntry, ArchiveLayout } from "./archive-layout.ts";
import type { ArchiveReader } from "./archive-reader.ts";
import type { TarEntry } from "./tar-reader.ts";

/**
 * Where archives differ from what their lock says they hold. The lock gives every entry with its size, and index files
 * byte for byte; blobs are proven by their own digests.
 */
export async function* lockFindings(
  lock: LockFile,
  archives: readonly ArchiveReader[],
  signal?: AbortSignal,
): AsyncGenerator<VerifyFinding> {
  const planned = new Map(lock.archives.map((archive) => [archive.archive, archive]));
  const listed = new Set(lock.files.map(({ archive }) => archive));
  for (const { name, archive } of archives) {
    if (listed.has(archive)) continue;
    yield { code: "ARCHIVE_INVALID", message: `${name} is not in the lock, and is pushed all the same`, archive: name };
  }
  for (const name of planned.keys()) {
    if (!listed.has(name)) yield { code: "PLAN_INVALID", message: `the lock has no file for ${name}`, archive: name };
  }
  for (const { archive: name, bytes } of lock.files) {
    const archive = archives.find((other) => other.archive === name);
    const plan = planned.get(name);
    if (!archive || !plan) {
      const message = archive
        ? `the lock does not say what ${name} holds`
        : `${name}, which the lock lists, is missing`;
      yield { code: archive ? "PLAN_INVALID" : "NOT_FOUND", message, archive: name };
      continue;
    }
    if (archive.size !== bytes) {
      const message = `${name} has ${archive.size} bytes, the lock says ${bytes}`;
      yield { code: "SIZE_MISMATCH", message, archive: name };
    }
    yield* compareEntries(archive, expectedEntries(plan), signal);
  }
}

function expectedEntries({ sections }: PlannedArchive): readonly ArchiveEntry[] {
  const layout = new ArchiveLayout();
  return [...sections.flatMap((section) => layout.add(section)), ...layout.finish().entries];
}

async function* compareEntries(
  archive: ArchiveReader,
  expected: readonly ArchiveEntry[],
  signal?: AbortSignal,
): AsyncGenerator<VerifyFinding> {
  const actual = new Map(archive.entries.map((entry) => [entry.name, entry]));
  for (const { name, size, content } of expected) {
    signal?.throwIfAborted();
    const entry = actual.get(name);
    actual.delete(name);
    const found = (code: string, reason: string): VerifyFinding => ({
      code,
      message: `${name} in ${archive.name} ${reason}`,
      archive: archive.name,
      entry: name,
    });
    if (!entry) yield found("NOT_FOUND", "is missing");
    else if (entry.size !== size) yield found("SIZE_MISMATCH", `has ${entry.size} bytes, the lock says ${size}`);
    else if (content.kind === "bytes" && !(await holds(archive, entry, content.bytes))) {
      yield found("ARCHIVE_INVALID", "is not what the lock says");
    }
  }
  for (const name of actual.keys()) {
    const message = `${name} in ${archive.name} is not in the lock`;
    yield { code: "ARCHIVE_INVALID", message, archive: archive.name, entry: name };
  }
}

async function holds(archive: ArchiveReader, entry: TarEntry, bytes: Uint8Array): Promise<boolean> {
  return entry.size <= maxIndexBytes && Buffer.compare(await archive.read(entry.offset, entry.size), bytes) === 0;
}
