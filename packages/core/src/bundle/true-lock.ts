import { lstatSync, renameSync } from "node:fs";
import { join } from "node:path";
import { isMirrorError } from "../errors.ts";
import { compareText } from "../layout/index-file.ts";
import { type MissingImage, type PlannedArchive, sortedMissing } from "../plan/download-list.ts";
import {
  formatLockFile,
  type LockedArchive,
  type LockFile,
  lockFileName,
  lockFileText,
  parseLockFile,
} from "../plan/lock-file.ts";
import { type ArchivePart, identifyArchive, standingArchives } from "./archive/standing-archive.ts";
import { locally } from "./disk/local-error.ts";
import { readOwn } from "./disk/own-file.ts";
import { syncFolder } from "./disk/sync-folder.ts";
import { writeWhole } from "./disk/write-whole.ts";
import { Journal } from "./journal.ts";
import { journalName, WorkFolder } from "./work-folder.ts";

/**
 * What becomes of a bundle's lock file when its unfinished pull is given up: it stays (`kept`), comes back as it was
 * (`restored`), is written for the archives that are there (`written`), or there is `none`.
 */
export type LockOutcome = "kept" | "restored" | "written" | "none";

/** The lock file a bundle has when its unfinished pull is given up. */
export interface TrueLock {
  readonly outcome: LockOutcome;
  /** `undefined` for `none`, and for a kept one that cannot be read. */
  readonly lock: LockFile | undefined;
  /** Finished archives that it does not list. */
  readonly unlisted: readonly string[];
}

/** Archives that somebody planned, and what their chunk size was. */
interface Plan {
  readonly archives: readonly PlannedArchive[];
  readonly missing: readonly MissingImage[];
  readonly chunkBytesOf: (archive: string) => number | undefined;
}

/**
 * Finds out what is true of the archives that stand in a bundle's folder, but for files that are to go. Only reads.
 * @throws MirrorError `FILE_FAILED`
 */
export function trueLock(directory: string, going: ReadonlySet<string>): TrueLock {
  const standing = standingArchives(directory, going);
  const work = new WorkFolder(directory);
  const committed = join(directory, lockFileName);
  if (lstatSync(committed, { throwIfNoEntry: false })) {
    const lock = readLock(committed);
    const listed = new Set(lock?.files.map(({ archive }) => archive));
    return {
      outcome: "kept",
      lock,
      unlisted: [...standing.keys()].filter((name) => !listed.has(name)).sort(compareText),
    };
  }
  const previous = previousLock(work);
  const found = identifyAll(directory, standing, plansOf(work, previous));
  const lock: LockFile = {
    version: 1,
    archives: found.map(({ planned }) => planned),
    missing: missingOf(found),
    files: found.map(({ file }) => file),
  };
  const listed = new Set(lock.files.map(({ archive }) => archive));
  const unlisted = [...standing.keys()].filter((name) => !listed.has(name)).sort(compareText);
  if (found.length === 0) return { outcome: "none", lock: undefined, unlisted };
  if (previous && isSame(lock, previous)) return { outcome: "restored", lock: previous, unlisted };
  return { outcome: "written", lock, unlisted };
}

/**
 * The archives that an unfinished pull may have been replacing or removing when it was cut short: all that any plan at
 * hand names, while the lock file is aside. @throws MirrorError `FILE_FAILED`
 */
export function archivesInDoubt(directory: string): ReadonlySet<string> {
  const work = new WorkFolder(directory);
  if (work.isCommitted) return new Set();
  const plans = plansOf(work, previousLock(work));
  return new Set(plans.flatMap(({ archives }) => archives.map(({ archive }) => archive)));
}

/**
 * What stands under the names of these archives, as a lock file says it: what the bundle's last finished pull made or, where
 * that is no longer there, what another plan made. A damaged archive of the former is still that one; of
 * what nobody knows nothing is said.
 * @throws MirrorError `FILE_FAILED`
 */
export function lockedAsBefore(
  directory: string,
  archives: ReadonlySet<string>,
  old: LockFile | undefined,
): readonly { readonly planned: PlannedArchive; readonly file: LockedArchive }[] {
  if (archives.size === 0) return []; // plans at hand are as long as the bundle is large
  const standing = new Map([...standingArchives(directory, new Set())].filter(([archive]) => archives.has(archive)));
  const plans = plansOf(new WorkFolder(directory), old);
  const found = new Map(identifyAll(directory, standing, plans).map((one) => [one.file.archive, one]));
  return [...standing.keys()].flatMap((archive) => {
    const known = found.get(archive);
    if (known) return known;
    const planned = old?.archives.find((one) => one.archive === archive);
    const file = old?.files.find((one) => one.archive === archive);
    return planned && file ? { planned, file } : [];
  });
}

/** The archives that are what one of these plans, the first that fits, says of them; by name. */
function identifyAll(
  directory: string,
  standing: ReadonlyMap<string, readonly ArchivePart[]>,
  plans: readonly Plan[],
): readonly { readonly planned: PlannedArchive; readonly file: LockedArchive; readonly plan: Plan }[] {
  const found: { readonly planned: PlannedArchive; readonly file: LockedArchive; readonly plan: Plan }[] = [];
  for (const [archive, parts] of standing) {
    for (const plan of plans) {
      const planned = plan.archives.find((one) => one.archive === archive);
      const file = planned && identifyArchive(directory, planned, parts, plan.chunkBytesOf(archive));
      if (!planned || !file) continue;
      found.push({ planned, file, plan });
      break;
    }
  }
  return found.sort((a, b) => compareText(a.file.archive, b.file.archive));
}

/** Makes the lock file what {@link trueLock} found. @throws MirrorError `FILE_FAILED`, `NO_SPACE` */
export function keepLock(directory: string, { outcome, lock }: TrueLock): void {
  const path = join(directory, lockFileName);
  const aside = new WorkFolder(directory).lockPath;
  if (outcome === "restored" && aside !== undefined) locally(path, () => renameSync(aside, path));
  else if (outcome === "written" && lock) writeWhole(path, lockFileText(lock));
  else return;
  syncFolder(directory);
}

function previousLock(work: WorkFolder): LockFile | undefined {
  return work.lockPath === undefined ? undefined : readLock(work.lockPath);
}

/** Every plan at hand. That of the bundle before comes first: where several say the same, it knows the archive's form. */
function plansOf(work: WorkFolder, previous: LockFile | undefined): readonly Plan[] {
  return [...(previous ? [lockedPlan(previous)] : []), planOf(Journal.read(work.journalPath)), ...stalePlans(work)];
}

/** A lock file that cannot be read describes nothing. */
function readLock(path: string): LockFile | undefined {
  try {
    return parseLockFile(() => locally(path, () => readOwn(path)).toString("utf8"), path);
  } catch (error) {
    if (isMirrorError(error, "PLAN_INVALID")) return undefined;
    throw error;
  }
}

function lockedPlan({ archives, missing, files }: LockFile): Plan {
  return {
    archives,
    missing,
    chunkBytesOf: (archive) => files.find((file) => file.archive === archive)?.chunkBytes,
  };
}

/** Of plans that were given up before, the newest first. */
function stalePlans(work: WorkFolder): readonly Plan[] {
  const numberOf = (path: string) => Number(/[0-9]+$/.exec(path)?.[0]);
  const folders = [...work.staleFolders()].sort((a, b) => numberOf(b) - numberOf(a));
  return folders.map((folder) => planOf(Journal.read(join(folder, journalName))));
}

function planOf(journal: Journal): Plan {
  const archives: PlannedArchive[] = [];
  const missing: MissingImage[] = [];
  for (let planner = 0; ; planner += 1) {
    const items = journal.items(planner);
    if (!items) break;
    for (const { archive, component, name: item } of items) {
      const steps = journal.steps(archive);
      const sections = steps.map(({ section }) => section).filter(({ repositories }) => repositories.length > 0);
      if (sections.length > 0) archives.push({ archive, component, item, sections });
      for (const one of steps.flatMap((step) => step.missing)) missing.push({ ...one, component });
    }
  }
  return { archives, missing, chunkBytesOf: () => journal.run?.chunkBytes };
}

/** What the plans behind these archives missed, each thing once. A plan tells it by component, not by archive. */
function missingOf(
  found: readonly { readonly planned: PlannedArchive; readonly plan: Plan }[],
): readonly MissingImage[] {
  const missing: MissingImage[] = [];
  for (const plan of new Set(found.map((one) => one.plan))) {
    const components = new Set(found.filter((one) => one.plan === plan).map(({ planned }) => planned.component));
    missing.push(...plan.missing.filter(({ component }) => components.has(component)));
  }
  return sortedMissing(missing);
}

/** Whether two lock files list the same archives, byte for byte. */
function isSame(a: LockFile, b: LockFile): boolean {
  const textOf = ({ archives, files }: LockFile) => formatLockFile({ version: 1, archives, files, missing: [] });
  return textOf(a) === textOf(b);
}
