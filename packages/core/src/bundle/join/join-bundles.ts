import { existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { constants, copyFile, open, rename } from "node:fs/promises";
import { basename, join } from "node:path";
import type { CallOptions } from "@tranship/registry";
import { checksumKinds, parseSidecarName, sidecarName } from "../../checksums/sidecar.ts";
import { MirrorError } from "../../errors.ts";
import type { DownloadList } from "../../plan/download-list.ts";
import { formatLockFile, type LockFile, lockFileName, lockFileText } from "../../plan/lock-file.ts";
import { archiveFileNames, partialSuffix } from "../archive/archive-names.ts";
import { findArchives } from "../archive/find-archives.ts";
import { BundleLock } from "../bundle-lock.ts";
import { localError, locally, requireSpaceIn } from "../disk/local-error.ts";
import { syncFile, syncFolder } from "../disk/sync-folder.ts";
import { writeWhole } from "../disk/write-whole.ts";
import { type FoundPlace, findPlaces } from "../find-places.ts";
import { joinLocks, requirePlanned } from "./join-locks.ts";

/** Options of {@link joinBundles}. */
export interface JoinBundlesOptions extends CallOptions {
  /** What the bundles are to hold together, archive for archive, or nothing is written. @defaultValue what they have */
  readonly plan?: DownloadList | undefined;
}

/** What became of bundles that were joined. */
export interface JoinReport {
  /** The archives of the bundle they make; `bytes` is the size of each. */
  readonly archives: readonly { readonly archive: string; readonly bytes: number }[];
  /** What had failed in them, and is in none. */
  readonly failed: number;
}

/** A file to copy. */
interface Copy {
  readonly from: string;
  readonly name: string;
}

/**
 * Makes one bundle of several, such as those that shards of a pull made: copies their archives, with the checksums beside
 * them, into a folder of their own, and writes the lock file that a pull of all would have written. The bytes are not read for
 * their digests: `verifyBundle` does that. Interrupted, it leaves no bundle, and is called again.
 * @throws MirrorError `BUNDLE_NOT_FOUND`, `BUNDLE_UNFINISHED`, `BUNDLE_UNLOCKED`, `ARCHIVE_INVALID` of one of them; `PLAN_INVALID`
 * when they contradict each other or the plan; `BUNDLE_NOT_EMPTY`, `BUNDLE_LOCKED`, `NO_SPACE`, `FILE_FAILED` of the folder
 */
export async function joinBundles(
  bundles: readonly string[],
  directory: string,
  { plan, signal }: JoinBundlesOptions = {},
): Promise<JoinReport> {
  signal?.throwIfAborted();
  const found = await findPlaces(bundles);
  const lock = joinLocks(found.map(requireLocked));
  if (plan) requirePlanned(lock, plan);
  locally(directory, () => mkdirSync(directory, { recursive: true }));
  using _lock = await BundleLock.acquire(directory);
  await requireRoomFor(directory, lock);
  const copies = copiesOf(found, lock);
  requireSpaceIn(
    directory,
    lock.files.reduce((sum, { bytes }) => sum + bytes, 0),
  );
  for (const copy of copies) {
    signal?.throwIfAborted();
    await copyTo(directory, copy);
  }
  writeWhole(join(directory, lockFileName), lockFileText(lock)); // first: without all it lists, a bundle is refused
  for (const { name } of copies) {
    const path = join(directory, name);
    await rename(unfinished(path), path).catch((error: unknown) => {
      throw localError(error, path);
    });
  }
  syncFolder(directory);
  return {
    archives: lock.files.map(({ archive, bytes }) => ({ archive, bytes })),
    failed: lock.failed?.length ?? 0,
  };
}

/** @throws MirrorError `BUNDLE_UNLOCKED`, `ARCHIVE_INVALID` */
function requireLocked({ directory, isFolder, lock, archives }: FoundPlace) {
  if (!isFolder || !lock) {
    const message = `cannot join ${directory}: no lock file says what it holds`;
    throw new MirrorError("BUNDLE_UNLOCKED", message, { bundle: directory });
  }
  const listed = new Set(lock.lock.files.map(({ archive }) => archive));
  const other = archives.find(({ archive }) => !listed.has(archive));
  if (!other) return lock;
  const [{ archive }, reason] = [other, "the lock file does not list it"];
  throw new MirrorError("ARCHIVE_INVALID", `cannot join ${directory}: ${archive}: ${reason}`, { archive, reason });
}

/** What an interrupted joining of the same left is gone on with. @throws MirrorError `BUNDLE_NOT_EMPTY` */
async function requireRoomFor(directory: string, lock: LockFile): Promise<void> {
  const path = join(directory, lockFileName);
  const isOurs = existsSync(path) && locally(path, () => readFileSync(path, "utf8")) === formatLockFile(lock);
  if (isOurs || (!existsSync(path) && (await findArchives(directory)).length === 0)) return;
  const message = `cannot join bundles into ${directory}: it holds a bundle already`;
  throw new MirrorError("BUNDLE_NOT_EMPTY", message, { bundle: directory });
}

function copiesOf(found: readonly FoundPlace[], { files }: LockFile): readonly Copy[] {
  return files.flatMap(({ archive, bytes, chunkBytes }) => {
    const home = found.find(({ archives }) => archives.some((one) => one.archive === archive));
    if (!home) return [];
    const names = archiveFileNames(archive, bytes, chunkBytes);
    const sidecars = names.flatMap((name) => checksumKinds.map((kind) => sidecarName(name, kind)));
    const beside = sidecars.filter((name) => existsSync(join(home.directory, name)));
    return [...names, ...beside].map((name) => ({ from: join(home.directory, name), name }));
  });
}

/** What a file is called until all are there: by such names `cleanBundle` knows what was given up. */
function unfinished(path: string): string {
  return `${path}${parseSidecarName(basename(path)) ? ".tmp" : partialSuffix}`;
}

/** Copies a file under an unfinished name, and waits until it is on the device. */
async function copyTo(directory: string, { from, name }: Copy): Promise<void> {
  const path = unfinished(join(directory, name));
  try {
    rmSync(path, { force: true });
    await copyFile(from, path, constants.COPYFILE_FICLONE | constants.COPYFILE_EXCL);
    const handle = await open(path, "r+");
    try {
      syncFile(handle.fd, path);
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw localError(error, path);
  }
}
