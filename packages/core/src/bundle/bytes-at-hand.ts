import { existsSync } from "node:fs";
import { join } from "node:path";
import type { LockFile } from "../plan/lock-file.ts";
import type { Section } from "../plan/section.ts";
import { ArchiveLayout } from "./archive/archive-layout.ts";
import { type ArchivePlace, filePathOf } from "./archive/archive-place.ts";
import { LocalBlobs } from "./archive/local-blobs.ts";
import { Journal } from "./journal.ts";
import { journalName } from "./work-folder.ts";

/** Where a pull looks for bytes. */
export interface BytesAtHandOptions {
  /** The bundle's folder. */
  readonly directory: string;
  /** What the bundle was when its last pull had finished. */
  readonly lockFile: LockFile | undefined;
  /** The pull under way. */
  readonly journal: Journal;
  /** The size of an archive's chunks in the pull under way. */
  readonly chunkBytesOf: (archive: string) => number | undefined;
  /** Folders with a journal and the unfinished archives of another pull. */
  readonly staleFolders: readonly string[];
}

/**
 * Everything on this machine that a pull may take bytes from: the archives of the bundle's last pull, those this one has
 * finished, its own unfinished ones, and what other pulls left.
 */
export function bytesAtHand(options: BytesAtHandOptions): LocalBlobs {
  const { directory, lockFile, journal, chunkBytesOf, staleFolders } = options;
  const local = new LocalBlobs();
  const lockedAs = new Map(lockFile?.files.map((file) => [file.archive, file.chunkBytes]));
  for (const { archive, sections } of lockFile?.archives ?? []) {
    const place = { path: join(directory, archive), isPartial: false, chunkBytes: lockedAs.get(archive) };
    addBlobs(local, place, sections);
  }
  addFinished(local, directory, journal);
  for (const [archive, sections] of unfinishedOf(journal)) {
    const place = { path: join(directory, archive), isPartial: true, chunkBytes: chunkBytesOf(archive) };
    addBlobs(local, place, sections); // of archives that share a blob, one may have it and others not yet
  }
  for (const folder of staleFolders) {
    using stale = Journal.open(join(folder, journalName));
    addFinished(local, directory, stale);
    for (const [archive, sections] of unfinishedOf(stale)) {
      const place = { path: join(folder, archive), isPartial: true, chunkBytes: stale.run?.chunkBytes };
      addBlobs(local, place, sections);
    }
  }
  return local;
}

/** What a journal's pull had finished before it was interrupted. */
function addFinished(local: LocalBlobs, directory: string, journal: Journal): void {
  for (const archive of journal.archives().keys()) {
    const place = { path: join(directory, archive), isPartial: false, chunkBytes: journal.run?.chunkBytes };
    if (existsSync(filePathOf(place))) addBlobs(local, place, sectionsOf(journal, archive));
  }
}

/** What a journal knows of unfinished archives: of this pull, and of one that went on without them. */
function* unfinishedOf(journal: Journal): Generator<readonly [archive: string, sections: readonly Section[]]> {
  for (const archive of journal.archives().keys()) yield [archive, sectionsOf(journal, archive)];
  yield* journal.left();
}

function sectionsOf(journal: Journal, archive: string): readonly Section[] {
  return journal.steps(archive).map(({ section }) => section);
}

function addBlobs(local: LocalBlobs, place: ArchivePlace, sections: readonly Section[]): void {
  const layout = new ArchiveLayout();
  for (const section of sections) {
    for (const { content, offset } of layout.add(section)) {
      if (content.kind === "blob") local.add(content.blob, place, offset);
    }
  }
}
