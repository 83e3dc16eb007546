import { join } from "node:path";
import { archiveFileNames } from "../bundle/archive/archive-names.ts";
import { removeFile } from "../bundle/archive/archive-set.ts";
import type { LockedArchive } from "../plan/lock-file.ts";
import { type ChecksumFindingsOptions, checksumFindings } from "./checksum-findings.ts";

/**
 * Removes the checksums of archives that are right where they say something else, or nothing; gives their names. Every
 * file that has a checksum is read once.
 * @throws MirrorError `FILE_FAILED`
 */
export async function removeWrongChecksums(
  directory: string,
  right: readonly LockedArchive[],
  options: ChecksumFindingsOptions,
): Promise<readonly string[]> {
  const files = right.flatMap(({ archive, bytes, chunkBytes }) =>
    archiveFileNames(archive, bytes, chunkBytes).map((name) => ({ archive, path: join(directory, name) })),
  );
  const wrong: string[] = [];
  for await (const { entry } of checksumFindings(files, options)) if (entry !== undefined) wrong.push(entry);
  for (const name of wrong) removeFile(join(directory, name));
  return wrong;
}
