import { type Dirent, lstatSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { compareText } from "../layout/index-file.ts";
import { lockFileName } from "../plan/lock-file.ts";
import { chunkName, parseArchiveFileName, partialSuffix } from "./archive/archive-names.ts";
import { lockName, ownerName, workFolder } from "./bundle-lock.ts";
import { locally } from "./disk/local-error.ts";
import { isUnfinishedName } from "./unfinished-name.ts";
import { journalName } from "./work-folder.ts";

/** A file or folder that an unfinished pull left, by its name in the bundle's folder; bytes are those on disk. */
export interface AbandonedFile {
  readonly name: string;
  readonly bytes: number;
}

/**
 * What unfinished pulls left in a bundle's folder: unfinished archives, also those in chunks that had begun to get their
 * names, what was left of archives in chunks among `inDoubt` that were being replaced or removed, and what is in the work
 * folder, but for the lock.
 * Only plain files and folders: a link is somebody else's, and is never followed. The journal comes last, so that whoever
 * removes them in this order and is cut short leaves what tells that a pull was unfinished.
 */
export function abandonedFiles(directory: string, inDoubt: ReadonlySet<string>): readonly AbandonedFile[] {
  const files = list(directory).filter((entry) => entry.isFile());
  const present = new Set(files.map(({ name }) => name));
  const beside = files.filter(({ name }) => isUnfinishedName(name) || isTorn(name, present, inDoubt));
  const work = join(directory, workFolder);
  const isWorkFolder = lstatSync(work, { throwIfNoEntry: false })?.isDirectory() ?? false;
  const inside = (isWorkFolder ? list(work) : []).filter(({ name }) => name !== lockName && name !== ownerName);
  const names = [...beside.map(({ name }) => name), ...inside.map(({ name }) => `${workFolder}/${name}`)];
  const journal = `${workFolder}/${journalName}`;
  return [...names.filter((name) => name !== journal), ...names.filter((name) => name === journal)].map((name) => ({
    name,
    bytes: bytesOnDisk(join(directory, name)),
  }));
}

/** Names in a bundle's folder that neither pulls nor {@link abandonedFiles} account for. */
export function foreignFiles(directory: string): readonly string[] {
  return list(directory)
    .filter((entry) => {
      if (entry.name === lockFileName || entry.name === workFolder) return false;
      return !entry.isFile() || (!isUnfinishedName(entry.name) && parseArchiveFileName(entry.name) === undefined);
    })
    .map(({ name }) => name);
}

/**
 * A chunk that has its name while the first one of its archive has not, because its publication or its removal was cut
 * short: nobody reads it.
 */
function isTorn(name: string, present: ReadonlySet<string>, inDoubt: ReadonlySet<string>): boolean {
  const { archive, chunk } = parseArchiveFileName(name) ?? {};
  if (archive === undefined || chunk === undefined) return false;
  const first = chunkName(archive, 0);
  return !present.has(first) && (present.has(first + partialSuffix) || inDoubt.has(archive));
}

function list(folder: string): readonly Dirent[] {
  return locally(folder, () => readdirSync(folder, { withFileTypes: true })).sort((a, b) =>
    compareText(a.name, b.name),
  );
}

function bytesOnDisk(path: string): number {
  const found = locally(path, () => lstatSync(path));
  const own = (found.blocks ?? 0) * 512;
  return found.isDirectory() ? list(path).reduce((sum, { name }) => sum + bytesOnDisk(join(path, name)), own) : own;
}
