import { join } from "node:path";
import { isWholeAt, unfinishedBytes } from "../bundle/archive/archive-set.ts";
import { requireFileSize } from "../bundle/archive/file-size-limit.ts";
import { lockArchive } from "../bundle/archive/locked-archive.ts";
import type { BundleDirectory } from "../bundle/bundle-directory.ts";
import { requireSpaceIn } from "../bundle/disk/local-error.ts";
import { type Base, withoutBase } from "../plan/base.ts";
import type { PlannedArchive } from "../plan/download-list.ts";
import type { LockedArchive } from "../plan/lock-file.ts";
import type { Planner } from "../plan/planner.ts";

/**
 * Refuses a pull whose list is finished before it starts when the bundle's folder cannot take all of it: before the
 * first byte, and not halfway. What is there already is not counted, nor are planners that find out as they go.
 * @throws MirrorError `NO_SPACE`, `FILE_TOO_LARGE`
 */
export function requireRoom(planners: readonly Planner[], bundle: BundleDirectory, base?: Base): void {
  let neededBytes = 0;
  for (const planned of planners.flatMap(({ list }) => list?.archives ?? [])) {
    const sections = base ? planned.sections.map((section) => withoutBase(section, base)) : planned.sections;
    neededBytes += outstandingBytes({ ...planned, sections }, bundle);
  }
  if (neededBytes > 0) requireSpaceIn(bundle.directory, neededBytes);
}

function outstandingBytes(planned: PlannedArchive, bundle: BundleDirectory): number {
  const chunkBytes = bundle.chunkBytesOf(planned.archive);
  const place = { path: join(bundle.directory, planned.archive), isPartial: false, chunkBytes };
  const locked = lockArchive(planned, chunkBytes);
  if (bundle.believes(planned.archive) && isListed(locked, bundle) && isWholeAt(place, locked.bytes)) return 0;
  requireFileSize(place, locked.bytes);
  return Math.max(0, locked.bytes - unfinishedBytes(place.path));
}

/** Whether the bundle's last pull made the very same archive. */
function isListed(locked: LockedArchive, { lockFile }: BundleDirectory): boolean {
  const before = lockFile?.files.find(({ archive }) => archive === locked.archive);
  const text = ({ entries }: LockedArchive) => JSON.stringify(entries.map(({ name, digest }) => [name, digest]));
  return before !== undefined && text(before) === text(locked);
}
