import type { VerifyFinding } from "../transfer/verify-report.ts";
import type { ArchiveEntry } from "./archive/archive-layout.ts";
import type { ArchiveReader } from "./archive/archive-reader.ts";
import { encodeTarHeader, tarPadding, tarTrailerBytes } from "./tar/tar-header.ts";

/**
 * Where what lies between the entries of an archive is not what its plan makes: headers, what fills the last block of an
 * entry, and the end. Neither size nor digest of an entry knows of these bytes. An archive of another length is left to
 * who compares lengths.
 */
export async function* frameFindings(
  archive: ArchiveReader,
  expected: readonly ArchiveEntry[],
  signal?: AbortSignal,
): AsyncGenerator<VerifyFinding> {
  const last = expected.at(-1);
  if (!last) return;
  const end = last.offset + last.size + tarPadding(last.size);
  if (archive.size !== end + tarTrailerBytes) return;
  for (const { name, headerOffset, offset, size } of expected) {
    signal?.throwIfAborted();
    const header = encodeTarHeader(name, size);
    if (Buffer.compare(await archive.read(headerOffset, header.byteLength), header) !== 0)
      yield findingAt(archive, headerOffset, `the header of ${name}`, name);
    const padding = tarPadding(size);
    if (padding > 0 && !isZero(await archive.read(offset + size, padding)))
      yield findingAt(archive, offset + size, `what follows ${name}`, name);
  }
  if (!isZero(await archive.read(end, tarTrailerBytes))) yield findingAt(archive, end, "the end");
}

function findingAt(archive: ArchiveReader, offset: number, what: string, entry?: string): VerifyFinding {
  const file = archive.fileAt(offset);
  const where = file === undefined || file === archive.name ? archive.name : `${archive.name} (${file})`;
  return {
    code: "ARCHIVE_INVALID",
    message: `${what} in ${where} is not what the lock says`,
    archive: archive.name,
    ...(entry === undefined ? {} : { entry }),
    ...(file === undefined ? {} : { files: [file] }),
  };
}

function isZero(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0);
}
