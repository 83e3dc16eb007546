import { lstatSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseSidecarName } from "../checksums/sidecar.ts";
import { MirrorError } from "../errors.ts";
import { lockFileName } from "../plan/lock-file.ts";
import { type AbandonedFile, abandonedFiles, foreignFiles } from "./abandoned-files.ts";
import { BundleLock, workFolder } from "./bundle-lock.ts";
import { locally } from "./disk/local-error.ts";
import { syncFolder } from "./disk/sync-folder.ts";
import { archivesInDoubt, keepLock, type LockOutcome, type TrueLock, trueLock } from "./true-lock.ts";
import { previousLockName } from "./work-folder.ts";

export type { AbandonedFile } from "./abandoned-files.ts";
export type { LockOutcome } from "./true-lock.ts";

/** Options of {@link cleanBundle}. */
export interface CleanBundleOptions {
  /** Only tell what would be done: write nothing, take no lock. @defaultValue false */
  readonly dryRun?: boolean | undefined;
}

/** What a cleaning did, or would do. */
export interface CleanReport {
  readonly dryRun: boolean;
  /** Whether there was an unfinished pull, which has been given up. */
  readonly abandoned: boolean;
  /** What was removed; bytes are those on disk. */
  readonly removed: readonly AbandonedFile[];
  /** What became of the lock file. */
  readonly lock: LockOutcome;
  /** The archives the bundle holds afterwards: those its lock file lists. */
  readonly archives: readonly string[];
  /** Archives in the folder that no plan at hand describes, so that no lock file lists them. They stay. */
  readonly unlisted: readonly string[];
  /** Other files in the folder, which stay: what is not ours, and checksums of archives that are not there. */
  readonly foreign: readonly string[];
}

/**
 * Gives up a bundle's unfinished pull and removes what it left: unfinished archives and the work folder. Finished
 * archives stay, and so does whatever is not ours. Where the pull had begun to replace the bundle, the lock file says
 * afterwards what is true: it lists the archives that stand finished and are what the pull or the bundle before it planned.
 * @throws MirrorError `BUNDLE_NOT_FOUND` when the folder holds no bundle of this program, and then nothing is touched;
 * `BUNDLE_LOCKED` while a pull runs, `FILE_FAILED`, `NO_SPACE`
 */
export async function cleanBundle(
  directory: string,
  { dryRun = false }: CleanBundleOptions = {},
): Promise<CleanReport> {
  const hadWorkFolder = requireBundle(directory);
  if (dryRun) {
    await BundleLock.requireFree(directory);
    const files = abandonedFiles(directory, archivesInDoubt(directory));
    return report(directory, true, files, trueLock(directory, namesOf(files)));
  }
  using _lock = await BundleLock.acquire(directory);
  const files = abandonedFiles(directory, archivesInDoubt(directory));
  const truth = trueLock(directory, namesOf(files));
  const done = report(directory, false, files, truth);
  if (files.length > 0) {
    keepLock(directory, truth); // first: cut short anywhere behind it, the bundle is what its lock says
    for (const { name } of files) {
      locally(join(directory, name), () => rmSync(join(directory, name), { recursive: true, force: true }));
    }
  }
  if (files.length > 0 || !hadWorkFolder) BundleLock.removeFiles(directory);
  syncFolder(directory);
  return done;
}

/** Gives whether there is a work folder. A link in its place may lead anywhere: what is behind it is not ours. */
function requireBundle(directory: string): boolean {
  const kindOf = (path: string) => locally(path, () => lstatSync(path, { throwIfNoEntry: false }));
  const work = kindOf(join(directory, workFolder));
  if (work?.isSymbolicLink()) {
    const message = `cannot clean ${directory}: its ${workFolder} is a symbolic link`;
    throw new MirrorError("FILE_FAILED", message, { path: join(directory, workFolder), reason: "ELOOP" });
  }
  if (work?.isDirectory() || kindOf(join(directory, lockFileName))?.isFile()) return work?.isDirectory() ?? false;
  throw new MirrorError("BUNDLE_NOT_FOUND", `there is no bundle at ${directory}`, { bundle: directory });
}

function namesOf(files: readonly AbandonedFile[]): ReadonlySet<string> {
  return new Set(files.map(({ name }) => name));
}

function report(
  directory: string,
  dryRun: boolean,
  removed: readonly AbandonedFile[],
  { outcome, lock, unlisted }: TrueLock,
): CleanReport {
  const aside = `${workFolder}/${previousLockName}`;
  const foreign = foreignFiles(directory).filter((name) => !isSidecarOf(name, directory));
  return {
    dryRun,
    abandoned: removed.length > 0,
    removed: outcome === "restored" ? removed.filter(({ name }) => name !== aside) : removed,
    lock: outcome,
    archives: lock?.files.map(({ archive }) => archive) ?? [],
    unlisted,
    foreign,
  };
}

function isSidecarOf(name: string, directory: string): boolean {
  const file = parseSidecarName(name)?.file;
  return file !== undefined && lstatSync(join(directory, file), { throwIfNoEntry: false }) !== undefined;
}
