import { isDeepStrictEqual } from "node:util";
import { MirrorError } from "../../errors.ts";
import { compareText } from "../../layout/index-file.ts";
import { nameSome } from "../../name-some.ts";
import { type DownloadList, type PlannedArchive, sortedMissing } from "../../plan/download-list.ts";
import { type FailedItem, sortedFailed } from "../../plan/failed-item.ts";
import type { LockedArchive, LockFile } from "../../plan/lock-file.ts";

/** A lock file and how messages name the bundle it is of. */
export interface NamedLock {
  readonly directory: string;
  readonly lock: LockFile;
}

/**
 * What the lock file of a bundle says that holds what these hold. An archive that several have is to be the same in each.
 * What failed in one and is in another has not failed.
 * @throws MirrorError `PLAN_INVALID` when they contradict each other
 */
export function joinLocks(locks: readonly NamedLock[]): LockFile {
  const archives = new Map<
    string,
    { readonly planned: PlannedArchive; readonly file: LockedArchive; readonly of: string }
  >();
  for (const { directory, lock } of locks) {
    const files = new Map(lock.files.map((file) => [file.archive, file]));
    for (const planned of lock.archives) {
      const file = files.get(planned.archive);
      if (!file) throw contradiction(directory, `it has no file for ${planned.archive}`);
      const before = archives.get(planned.archive);
      if (!before) archives.set(planned.archive, { planned, file, of: directory });
      else if (!isDeepStrictEqual([before.planned, before.file], [planned, file]))
        throw contradiction(
          directory,
          `its ${planned.archive} is another one than in ${before.of}: they are not of one plan`,
        );
    }
  }
  const failed = new Map<string, FailedItem>();
  for (const one of locks.flatMap(({ lock }) => lock.failed ?? [])) {
    if (!archives.has(one.archive)) failed.set(one.archive, one);
  }
  const sorted = [...archives.values()].sort((a, b) => compareText(a.file.archive, b.file.archive));
  return {
    version: 1,
    archives: sorted.map(({ planned }) => planned),
    missing: sortedMissing(locks.flatMap(({ lock }) => lock.missing)),
    ...(failed.size === 0 ? {} : { failed: sortedFailed([...failed.values()]) }),
    files: sorted.map(({ file }) => file),
  };
}

/** @throws MirrorError `PLAN_INVALID` when a lock holds something else than a plan names */
export function requirePlanned({ archives }: LockFile, plan: DownloadList): void {
  const wanted = new Map(plan.archives.map((one) => [one.archive, one]));
  const found = new Map(archives.map((one) => [one.archive, one]));
  const lacking = plan.archives.filter(({ archive }) => !found.has(archive));
  const others = archives.filter((one) => !isDeepStrictEqual(wanted.get(one.archive), one));
  const faults = [
    ...(lacking.length > 0
      ? [`${nameSome(lacking.map(({ archive }) => archive))} of the plan is in none of them`]
      : []),
    ...(others.length > 0 ? [`${nameSome(others.map(({ archive }) => archive))} is not what the plan says`] : []),
  ];
  if (faults.length > 0) throw contradiction("the bundles", faults.join("; "));
}

function contradiction(file: string, reason: string): MirrorError<"PLAN_INVALID"> {
  return new MirrorError("PLAN_INVALID", `cannot join ${file}: ${reason}`, { file, reason });
}
