import { readdir, realpath, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { type Digest, digestOf } from "@tranship/registry";
import { MirrorError } from "../errors.ts";
import { type LockFile, lockFileName, parseLockFile } from "../plan/lock-file.ts";
import { parseArchiveFileName, partialSuffix } from "./archive/archive-names.ts";
import { type FoundArchive, findArchive, findArchives } from "./archive/find-archives.ts";
import { workFolder } from "./bundle-lock.ts";
import { localError } from "./disk/local-error.ts";
import { readOwn } from "./disk/own-file.ts";
import { archiveInvalid } from "./tar/tar-reader.ts";
import { journalName } from "./work-folder.ts";

/** The lock file of a folder. */
export interface BundleLockFile {
  /** The folder it lies in, as it was named. */
  readonly directory: string;
  readonly lock: LockFile;
  /** The digest of the file. */
  readonly digest: Digest;
}

/** What lies at a place that was named: a bundle's folder, or one archive. */
export interface FoundPlace {
  /** The folder itself, or the one the archive lies in. */
  readonly directory: string;
  /** Whether it is a folder, and not one archive. */
  readonly isFolder: boolean;
  /** By name. */
  readonly archives: readonly FoundArchive[];
  /** What the folder's pull left behind; an archive that is named alone has none. */
  readonly lock?: BundleLockFile | undefined;
}

/**
 * Looks up bundles' folders, archives (`x.tar`, also where only chunks of it exist) and chunks, which stand for the whole
 * set, in the order given. What is named twice is taken once; an archive whose folder is named too is that folder's.
 * @throws MirrorError `BUNDLE_NOT_FOUND`, `BUNDLE_UNFINISHED`, `ARCHIVE_INVALID`, `PLAN_INVALID`, `FILE_FAILED`
 */
export async function findPlaces(places: readonly string[]): Promise<readonly FoundPlace[]> {
  if (places.length === 0) throw notFound("", "no bundle was named");
  const named: { readonly key: string; readonly place: FoundPlace }[] = [];
  const folders = new Set<string>();
  for (const path of places) {
    const isFolder = await isDirectory(path);
    const place = isFolder ? await findFolder(path) : await findFile(path);
    const key = await realPath(place.directory);
    if (isFolder && folders.has(key)) continue;
    if (isFolder) folders.add(key);
    named.push({ key, place });
  }
  const found: FoundPlace[] = [];
  const taken = new Set<string>();
  for (const { key, place } of named) {
    if (place.isFolder) found.push(place);
    else if (!folders.has(key)) {
      const archives = place.archives.filter(({ archive }) => !taken.has(join(key, archive)));
      for (const { archive } of archives) taken.add(join(key, archive));
      if (archives.length > 0) found.push({ ...place, archives });
    }
  }
  return found;
}

async function findFolder(directory: string): Promise<FoundPlace> {
  const lock = await readLock(directory);
  if (!lock && (await hasJournal(directory))) throw unfinished(directory);
  const archives = await findArchives(directory);
  if (!lock && archives.length === 0) throw notFound(directory, `there are no archives in ${directory}`);
  for (const { archive } of lock?.lock.files ?? []) {
    if (!archives.some((other) => other.archive === archive))
      throw archiveInvalid(archive, `${lockFileName} lists it and it is missing`);
  }
  return { directory, isFolder: true, archives, lock };
}

async function findFile(path: string): Promise<FoundPlace> {
  const name = basename(path);
  const directory = dirname(path);
  const isPartial = name.endsWith(partialSuffix);
  const { archive } = parseArchiveFileName(isPartial ? name.slice(0, -partialSuffix.length) : name) ?? {};
  if (archive === undefined) {
    const message = `there is no bundle at ${path}: it is no folder, and its name is not that of an archive or of a chunk of one`;
    throw notFound(path, message);
  }
  const found = isPartial ? undefined : await findArchive(directory, archive);
  if (found) return { directory, isFolder: false, archives: [found] };
  if (await isBeingWritten(directory, archive)) throw unfinished(directory);
  throw notFound(path, `there is no ${archive} in ${directory}, neither whole nor in chunks`);
}

/** Whether a pull that has not finished left a part of an archive behind. */
async function isBeingWritten(directory: string, archive: string): Promise<boolean> {
  try {
    const names = await readdir(directory);
    return names.some((name) => name.startsWith(`${archive}.`) && name.endsWith(partialSuffix));
  } catch {
    return false; // what ails the folder shows when it is read
  }
}

async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR") return false;
    throw localError(error, path);
  }
}

async function realPath(directory: string): Promise<string> {
  try {
    return await realpath(directory);
  } catch (error) {
    throw localError(error, directory);
  }
}

/** A pull takes the lock file away before it changes anything, and brings it back last. */
async function hasJournal(directory: string): Promise<boolean> {
  const path = join(directory, workFolder, journalName);
  try {
    await stat(path);
    return true;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR") return false;
    throw localError(error, path);
  }
}

async function readLock(directory: string): Promise<BundleLockFile | undefined> {
  const path = join(directory, lockFileName);
  let bytes: Uint8Array | undefined;
  try {
    bytes = readOwn(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw localError(error, path);
  }
  const digest = digestOf(bytes);
  const lock = parseLockFile(() => {
    const text = new TextDecoder().decode(bytes);
    bytes = undefined; // neither is needed any more once it is parsed, and both are as long as the lock
    return text;
  }, path);
  return { directory, lock, digest };
}

function unfinished(directory: string): MirrorError<"BUNDLE_UNFINISHED"> {
  const message = `the pull into ${directory} was interrupted: run the same pull again to finish the bundle`;
  return new MirrorError("BUNDLE_UNFINISHED", message, { bundle: directory });
}

function notFound(bundle: string, message: string): MirrorError<"BUNDLE_NOT_FOUND"> {
  return new MirrorError("BUNDLE_NOT_FOUND", message, { bundle });
}
