import { readdirSync, rmSync, statSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { checksumKinds, sidecarName } from "../../checksums/sidecar.ts";
import { locally } from "../disk/local-error.ts";
import { archiveFileNames, parseArchiveFileName, partialSuffix } from "./archive-names.ts";
import type { ArchivePlace } from "./archive-place.ts";

/** A file of a bundle's folder that belongs to an archive. */
export interface ArchiveSetFile {
  /** Without the folder. */
  readonly name: string;
  readonly archive: string;
  /** The chunk's number; `undefined` for a whole archive. */
  readonly chunk?: number | undefined;
  /** Whether it is still being written. */
  readonly isPartial: boolean;
}

/** The files of all archives of a folder, finished or not, in no order. @throws MirrorError `FILE_FAILED` */
export function listArchiveFiles(folder: string): readonly ArchiveSetFile[] {
  return locally(folder, () => readdirSync(folder)).flatMap((name) => {
    const isPartial = name.endsWith(partialSuffix);
    const parsed = parseArchiveFileName(isPartial ? name.slice(0, -partialSuffix.length) : name);
    return parsed ? [{ name, ...parsed, isPartial }] : [];
  });
}

/** The finished files of one archive, in any form. @throws MirrorError `FILE_FAILED` */
export function finishedFiles(path: string): readonly ArchiveSetFile[] {
  const archive = basename(path);
  return listArchiveFiles(dirname(path)).filter((file) => !file.isPartial && file.archive === archive);
}

/** Whether a reader takes the file for the archive, or for its beginning. */
export function isHead({ chunk = 0 }: ArchiveSetFile): boolean {
  return chunk === 0;
}

/** Whether the archive is there as exactly these files, each of its size, and in no other form. @throws MirrorError `FILE_FAILED` */
export function isWholeAt({ path, chunkBytes }: ArchivePlace, bytes: number): boolean {
  const names = archiveFileNames(basename(path), bytes, chunkBytes);
  const present = new Set(finishedFiles(path).map(({ name }) => name));
  if (present.size !== names.length) return false;
  return names.every((name, index) => {
    const expected = chunkBytes === undefined ? bytes : Math.min(chunkBytes, bytes - index * chunkBytes);
    const file = join(dirname(path), name);
    return present.has(name) && locally(file, () => statSync(file).size) === expected;
  });
}

/** What the files of an archive that is being written take on disk, in bytes. @throws MirrorError `FILE_FAILED` */
export function unfinishedBytes(path: string): number {
  const archive = basename(path);
  let sum = 0;
  for (const { name } of listArchiveFiles(dirname(path)).filter((file) => file.isPartial && file.archive === archive)) {
    const file = join(dirname(path), name);
    const { blocks, size } = locally(file, () => statSync(file));
    sum += Math.min(blocks * 512, size);
  }
  return sum;
}

/** Removes the checksums of files that are about to change; tells whether there were any. @throws MirrorError `FILE_FAILED` */
export function removeChecksums(folder: string, names: Iterable<string>): boolean {
  const present = new Set(locally(folder, () => readdirSync(folder)));
  const stale = [...names].flatMap((name) => checksumKinds.map((kind) => sidecarName(name, kind)));
  const found = stale.filter((name) => present.has(name));
  for (const name of found) removeFile(join(folder, name));
  return found.length > 0;
}

/** Removes a file that need not be there. @throws MirrorError `FILE_FAILED` */
export function removeFile(path: string): void {
  locally(path, () => rmSync(path, { force: true }));
}
