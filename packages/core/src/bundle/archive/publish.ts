import { renameSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { locally } from "../disk/local-error.ts";
import { type OnSyncRefused, syncFolder } from "../disk/sync-folder.ts";
import { archiveFileNames, chunkName, partialSuffix } from "./archive-names.ts";
import type { ArchivePlace } from "./archive-place.ts";
import {
  type ArchiveSetFile,
  finishedFiles,
  isHead,
  listArchiveFiles,
  removeChecksums,
  removeFile,
} from "./archive-set.ts";

/**
 * Gives the files of a written archive their own names, in an order that never shows a mix: at every moment a reader
 * that opens the archive's file, else its chunks from the first to the first gap, finds the old archive, none, or the
 * new one. What is there under the archive's name goes, in whichever form, and its checksums with it. Each thing done is
 * a step of the generator; stopped anywhere, {@link takeBack} and another publication finish it.
 * @throws MirrorError `FILE_FAILED`
 */
export function* publishing(
  { path, chunkBytes }: ArchivePlace,
  bytes: number,
  onSyncRefused?: OnSyncRefused,
): Generator<void, void> {
  const folder = dirname(path);
  const [head = basename(path), ...tail] = archiveFileNames(basename(path), bytes, chunkBytes);
  const old = finishedFiles(path);
  if (removeChecksums(folder, [...old.map(({ name }) => name), head, ...tail])) syncFolder(folder, onSyncRefused);
  yield;
  // A whole file takes the place of another at once; chunks cannot, so their beginning goes first.
  const heads = old.filter((file) => isHead(file) && (chunkBytes !== undefined || file.name !== head));
  yield* removing(folder, heads, onSyncRefused);
  const rest = old.filter((file) => !isHead(file));
  for (const { name } of rest) {
    removeFile(join(folder, name));
    yield;
  }
  for (const name of tail.toReversed()) {
    finishName(folder, name);
    yield;
  }
  if (rest.length + tail.length > 0) syncFolder(folder, onSyncRefused);
  finishName(folder, head);
  yield;
  syncFolder(folder, onSyncRefused);
}

/** Does all of {@link publishing}. @throws MirrorError `FILE_FAILED` */
export function publish(place: ArchivePlace, bytes: number, onSyncRefused?: OnSyncRefused): void {
  for (const _step of publishing(place, bytes, onSyncRefused));
}

/** Removes a finished archive in whichever form, its beginning first, and its checksums. @throws MirrorError `FILE_FAILED` */
export function removeArchive(path: string, onSyncRefused?: OnSyncRefused): void {
  const folder = dirname(path);
  const old = finishedFiles(path);
  const names = old.map(({ name }) => name);
  if (removeChecksums(folder, names)) syncFolder(folder, onSyncRefused);
  for (const _step of removing(folder, old.filter(isHead), onSyncRefused));
  for (const { name } of old.filter((file) => !isHead(file))) removeFile(join(folder, name));
}

/**
 * Makes every archive unfinished again whose publication in chunks was interrupted: its first chunk has not got its name
 * yet, so nobody reads it, and the chunks that have go back among those that are written on. Chunks of the archive that
 * was there before, where the new ones are still to come, go.
 * @throws MirrorError `FILE_FAILED`
 */
export function takeBack(folder: string, onSyncRefused?: OnSyncRefused): void {
  const files = listArchiveFiles(folder);
  const names = new Set(files.map(({ name }) => name));
  const interrupted = files.filter(
    ({ archive, chunk, isPartial }) => isPartial && chunk === 0 && !names.has(chunkName(archive, 0)),
  );
  const archives = new Set(interrupted.map(({ archive }) => archive));
  const found = files.filter(
    ({ archive, chunk, isPartial }) => archives.has(archive) && chunk !== undefined && !isPartial,
  );
  if (found.length === 0) return;
  removeChecksums(
    folder,
    found.map(({ name }) => name),
  );
  for (const { name } of found) {
    const path = join(folder, name);
    if (names.has(name + partialSuffix)) removeFile(path);
    else locally(path, () => renameSync(path, path + partialSuffix));
  }
  syncFolder(folder, onSyncRefused);
}

function* removing(
  folder: string,
  files: readonly ArchiveSetFile[],
  onSyncRefused: OnSyncRefused | undefined,
): Generator<void, void> {
  for (const { name } of files) {
    removeFile(join(folder, name));
    yield;
  }
  if (files.length > 0) syncFolder(folder, onSyncRefused);
}

function finishName(folder: string, name: string): void {
  const path = join(folder, name);
  locally(path, () => renameSync(path + partialSuffix, path));
}
