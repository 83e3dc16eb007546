import { digestOf } from "@tranship/registry";
import type { LockedArchive, LockedEntry, LockFile } from "../plan/lock-file.ts";
import type { VerifyFinding } from "../transfer/verify-report.ts";
import type { ArchiveEntry } from "./archive/archive-layout.ts";
import type { ArchiveReader } from "./archive/archive-reader.ts";
import { digestOfCopy } from "./archive/blob-copy.ts";
import { lockEntry } from "./archive/locked-archive.ts";
import { entriesOf } from "./archive/standing-archive.ts";
import { frameFindings } from "./frame-findings.ts";
import type { TarEntry } from "./tar/tar-reader.ts";

/** Options of {@link lockFindings}. */
export interface LockFindingsOptions {
  readonly signal?: AbortSignal | undefined;
  /** Whether an archive that the lock knows nothing of is a finding. @defaultValue "found" */
  readonly unlisted?: "found" | "allowed" | undefined;
}

/**
 * Where archives differ from what their lock says they hold. The lock gives every file with its size, every entry with its
 * size and digest, and index files byte for byte, with all that lies between them; blobs are proven by their own digests.
 */
export async function* lockFindings(
  lock: LockFile,
  archives: readonly ArchiveReader[],
  { signal, unlisted = "found" }: LockFindingsOptions = {},
): AsyncGenerator<VerifyFinding> {
  const planned = new Map(lock.archives.map((archive) => [archive.archive, archive]));
  const listed = new Set(lock.files.map(({ archive }) => archive));
  for (const { name, archive } of archives) {
    if (listed.has(archive) || unlisted === "allowed") continue;
    yield { code: "ARCHIVE_INVALID", message: `${name} is not in the lock, and is pushed all the same`, archive: name };
  }
  for (const name of planned.keys()) {
    if (!listed.has(name)) yield { code: "PLAN_INVALID", message: `the lock has no file for ${name}`, archive: name };
  }
  for (const locked of lock.files) {
    const { archive: name } = locked;
    const archive = archives.find((other) => other.archive === name);
    const plan = planned.get(name);
    if (!archive || !plan) {
      const message = archive
        ? `the lock does not say what ${name} holds`
        : `${name}, which the lock lists, is missing`;
      yield { code: archive ? "PLAN_INVALID" : "NOT_FOUND", message, archive: name };
      continue;
    }
    const expected = entriesOf(plan);
    if (!listsWhatIsPlanned(locked, expected)) {
      const message = `the files that the lock lists for ${name} are not those of its plan`;
      yield { code: "PLAN_INVALID", message, archive: name };
    }
    yield* compareFiles(archive, locked);
    yield* compareEntries(archive, expected, signal);
    yield* frameFindings(archive, expected, signal);
  }
}

function listsWhatIsPlanned({ entries }: LockedArchive, expected: readonly ArchiveEntry[]): boolean {
  const isAt = (at: number, { name, size, digest }: LockedEntry) => {
    const told = entries[at];
    return told?.name === name && told.size === size && told.digest === digest;
  };
  return entries.length === expected.length && expected.every((entry, at) => isAt(at, lockEntry(entry)));
}

function* compareFiles(archive: ArchiveReader, { bytes, chunks }: LockedArchive): Generator<VerifyFinding> {
  const { name } = archive;
  const [only, ...others] = archive.files;
  const isWhole = others.length === 0 && only?.file === archive.archive;
  if (isWhole === (chunks !== undefined)) {
    const message = `${name} is ${isWhole ? "one file" : "in chunks"}, the lock says it is ${chunks ? "in chunks" : "one file"}`;
    yield { code: "ARCHIVE_INVALID", message, archive: name };
  }
  if (isWhole || !chunks) {
    if (archive.size === bytes) return;
    const message = `${name} has ${archive.size} bytes, the lock says ${bytes}`;
    yield { code: "SIZE_MISMATCH", message, archive: name };
    return;
  }
  const actual = new Map(archive.files.map((file) => [file.file, file.bytes]));
  for (const { file, bytes: expected } of chunks) {
    const found = actual.get(file);
    actual.delete(file);
    const about = { archive: name, files: [file] };
    if (found === undefined)
      yield { code: "NOT_FOUND", message: `${file}, which the lock lists, is missing`, ...about };
    else if (found !== expected) {
      const message = `${file} has ${found} bytes, the lock says ${expected}`;
      yield { code: "SIZE_MISMATCH", message, ...about };
    }
  }
  for (const file of actual.keys()) {
    const message = `${file} is not in the lock, and is read all the same`;
    yield { code: "ARCHIVE_INVALID", message, archive: name, files: [file] };
  }
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
      ...whereIs(archive, name, entry),
    });
    if (!entry) yield found("NOT_FOUND", "is missing");
    else if (entry.size !== size) yield found("SIZE_MISMATCH", `has ${entry.size} bytes, the lock says ${size}`);
    else if (content.kind === "bytes" && !(await holds(archive, entry, content.bytes))) {
      yield found("ARCHIVE_INVALID", "is not what the lock says");
    }
  }
  for (const [name, entry] of actual) {
    const message = `${name} in ${archive.name} is not in the lock`;
    yield { code: "ARCHIVE_INVALID", message, ...whereIs(archive, name, entry) };
  }
}

function whereIs(
  archive: ArchiveReader,
  name: string,
  entry: TarEntry | undefined,
): Pick<VerifyFinding, "archive" | "entry" | "files"> {
  const files = entry ? archive.chunksOf(entry) : [];
  return { archive: archive.name, entry: name, ...(files.length > 0 ? { files } : {}) };
}

async function holds(archive: ArchiveReader, entry: TarEntry, bytes: Uint8Array): Promise<boolean> {
  const digest = digestOf(bytes);
  return (await digestOfCopy({ archive, entry }, digest)) === digest;
}
