import { existsSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import type { ChecksumKind } from "../checksums/sidecar.ts";
import { isMirrorError, MirrorError } from "../errors.ts";
import type { OnEvent } from "../events.ts";
import { compareText } from "../layout/index-file.ts";
import { type MissingImage, type PlannedArchive, sortedMissing } from "../plan/download-list.ts";
import { type FailedItem, sortedFailed } from "../plan/failed-item.ts";
import { type LockFile, lockFileName, lockFileText, minChunkBytes, parseLockFile } from "../plan/lock-file.ts";
import { archiveFileNames, parseArchiveFileName } from "./archive/archive-names.ts";
import { finishedFiles } from "./archive/archive-set.ts";
import type { LocalBlobs } from "./archive/local-blobs.ts";
import { removeArchive, takeBack } from "./archive/publish.ts";
import { standingArchives } from "./archive/standing-archive.ts";
import { BundleLock } from "./bundle-lock.ts";
import { bytesAtHand } from "./bytes-at-hand.ts";
import { locally } from "./disk/local-error.ts";
import { readOwn } from "./disk/own-file.ts";
import { type OnSyncRefused, withoutSync } from "./disk/sync-folder.ts";
import { writeWhole } from "./disk/write-whole.ts";
import { Journal, type JournalRun } from "./journal.ts";
import { warnOfConflicts } from "./lock-conflicts.ts";
import { lockedAsBefore, trueLock } from "./true-lock.ts";
import { journalName, WorkFolder } from "./work-folder.ts";

/** Options of {@link BundleDirectory.open}. */
export interface BundleDirectoryOptions {
  /**
   * Forget the plan of an interrupted pull and plan anew, and believe no archive: each is written again from bytes that
   * are hashed. Only what is not on this machine, or is damaged, is fetched. @defaultValue false
   */
  readonly restart?: boolean | undefined;
  /**
   * Splits archives into files of so many bytes each, the last of an archive may be smaller: at least 512. A pull of
   * another size is another pull, and writes the archives anew. @defaultValue each archive is one file
   */
  readonly chunkBytes?: number | undefined;
  /** Leaves archives that the lock file lists in the form they have, whatever `chunkBytes` is. @defaultValue false */
  readonly keepForm?: boolean | undefined;
  /**
   * Checksums to write beside every archive or chunk of the bundle: a file `<name>.sha256` or `<name>.gostsum`. Each file
   * is read once more for them. @defaultValue none
   */
  readonly checksums?: readonly ChecksumKind[] | undefined;
  /**
   * Takes a folder that holds archives of somebody else: those of the names of this bundle's are replaced, the others stay
   * beside it. @defaultValue false
   */
  readonly force?: boolean | undefined;
  /**
   * Whether archives are on the device when they get their names. Without, a pull is faster, and after a power cut the
   * bundle has to be verified. @defaultValue true
   */
  readonly sync?: boolean | undefined;
}

/** One pull into a bundle: its journal, and what bytes are at hand for it. */
export interface BundleSession extends Disposable {
  readonly journal: Journal;
  readonly local: LocalBlobs;
  /** Tells once that the file system does not sync. */
  readonly onSyncRefused: OnSyncRefused;
}

/** A bundle being written. One process at a time holds it; hold it with `await using`, or another pull is refused. */
export class BundleDirectory implements AsyncDisposable {
  readonly directory: string;
  /** The size of an archive's chunks, in bytes; `undefined` when each archive is one file. */
  readonly chunkBytes: number | undefined;
  /** The checksums that every archive or chunk gets. */
  readonly checksums: readonly ChecksumKind[];
  /** Archives that the lock file lists keep the form they have. */
  readonly keepForm: boolean;
  /** Whether files are on the device when they get their names. */
  readonly syncs: boolean;
  readonly #restart: boolean;
  readonly #lock: BundleLock;
  readonly #work: WorkFolder;
  #lockFile: LockFile | undefined;
  #isBusy = false;
  #journal: Journal | undefined;
  #onSyncRefused: OnSyncRefused = () => {};

  private constructor(
    directory: string,
    lock: BundleLock,
    { restart = false, chunkBytes, keepForm = false, checksums = [], sync = true }: BundleDirectoryOptions,
  ) {
    this.directory = directory;
    this.checksums = checksums;
    this.keepForm = keepForm;
    this.syncs = sync;
    if (!sync) this.#onSyncRefused = withoutSync;
    this.#restart = restart;
    this.chunkBytes = chunkBytes;
    this.#lock = lock;
    this.#work = new WorkFolder(directory, sync ? (path, reason) => this.#onSyncRefused(path, reason) : withoutSync);
    this.#lockFile = readLock(this.#work.lockPath, restart);
  }

  /**
   * Opens the folder for a pull; made when missing.
   * @throws MirrorError `BUNDLE_LOCKED`, `BUNDLE_NOT_EMPTY` when it holds archives of somebody else, `PLAN_INVALID` for a
   * lock file that cannot be read (not with `restart`), `FILE_FAILED`
   * @throws RangeError for a chunk size under 512 bytes
   */
  static async open(directory: string, options: BundleDirectoryOptions = {}): Promise<BundleDirectory> {
    const { chunkBytes = minChunkBytes } = options;
    if (!Number.isSafeInteger(chunkBytes) || chunkBytes < minChunkBytes) {
      throw new RangeError(`chunkBytes: ${chunkBytes} is not a whole number of ${minChunkBytes} bytes or more`);
    }
    const names = locally(directory, () => {
      mkdirSync(directory, { recursive: true });
      return readdirSync(directory); // a file of that name is told apart here
    });
    const work = new WorkFolder(directory);
    const isOurs = work.lockPath !== undefined || existsSync(work.journalPath);
    if (!isOurs && !options.force && names.some((name) => parseArchiveFileName(name) !== undefined)) {
      const message = `cannot write a bundle to ${directory}: it is not empty, and holds archives that no pull of this program made`;
      throw new MirrorError("BUNDLE_NOT_EMPTY", message, { bundle: directory });
    }
    const lock = await BundleLock.acquire(directory);
    try {
      return new BundleDirectory(directory, lock, options);
    } catch (error) {
      lock[Symbol.dispose]();
      throw error;
    }
  }

  /**
   * Whether a finished archive of that name is taken for what it says it is, by the pull under way. With `restart` none is,
   * also when a pull goes on that was begun so; what such a pull went on without is written again by the next.
   */
  believes(archive: string): boolean {
    return !this.#restart && (this.#journal?.believes(archive) ?? true);
  }

  /** What the bundle holds as of its last finished pull. */
  get lockFile(): LockFile | undefined {
    return this.#lockFile;
  }

  /** The size of this archive's chunks, in bytes; `undefined` when it is one file. */
  chunkBytesOf(archive: string): number | undefined {
    const listed = this.keepForm ? this.#lockFile?.files.find((file) => file.archive === archive) : undefined;
    return listed ? listed.chunkBytes : this.chunkBytes;
  }

  /** The names of the files of all finished archives, whoever made them. @throws MirrorError `FILE_FAILED` */
  finishedFiles(): readonly string[] {
    const parts = [...standingArchives(this.directory, new Set()).values()].flat();
    return parts.map(({ name }) => name).sort(compareText);
  }

  /**
   * Starts a pull that asks for `selection`. An interrupted pull that asked for the same, in chunks of the same size, is
   * continued; the files of another one are only used as bytes. `emit` is told what the file system cannot do.
   * @throws MirrorError `BUNDLE_LOCKED` while another pull of this object runs; `FILE_FAILED`
   * @internal
   */
  begin(selection: string, emit: OnEvent = () => {}): BundleSession {
    if (this.#isBusy) {
      const message = `cannot start a pull into ${this.directory}: another one of this process is running`;
      throw new MirrorError("BUNDLE_LOCKED", message, { bundle: this.directory });
    }
    if (this.syncs) this.#onSyncRefused = this.#tellOnce(emit);
    takeBack(this.directory, this.#onSyncRefused);
    const journal = this.#openJournal({
      selection,
      chunkBytes: this.chunkBytes,
      ...(this.#restart && { restart: true }),
    });
    const local = bytesAtHand({
      directory: this.directory,
      lockFile: this.#lockFile,
      journal,
      chunkBytesOf: (archive) => this.chunkBytesOf(archive),
      staleFolders: this.#work.staleFolders(),
    });
    this.#isBusy = true;
    this.#journal = journal;
    return {
      journal,
      local,
      onSyncRefused: this.#onSyncRefused,
      [Symbol.dispose]: () => {
        journal[Symbol.dispose]();
        this.#isBusy = false;
      },
    };
  }

  /** The bundle stops being what its lock file says, until the next commit. @throws MirrorError `FILE_FAILED` */
  uncommit(): void {
    this.#work.uncommit();
  }

  /**
   * Commits the bundle: archives that are the pull's to renew and that its plan no longer has are removed, the lock file is written,
   * and what only the pull needed goes. Of what failed, an older archive stays with its entry in the lock file, and what there
   * is of the new one is kept for the next pull. `isOurs` says of what the lock file said before whether it is this pull's to say anew.
   * @throws MirrorError `FILE_FAILED`, `NO_SPACE`
   */
  commit(made: LockFile, isOurs: (one: PlannedArchive | MissingImage | FailedItem) => boolean, emit: OnEvent): void {
    const names = new Set(made.archives.map(({ archive }) => archive));
    const failed = new Set(made.failed?.map(({ archive }) => archive).filter((archive) => !names.has(archive)));
    const before = lockedAsBefore(this.directory, failed, this.#lockFile);
    const isKept = (one: PlannedArchive) =>
      !isOurs(one) && !names.has(one.archive) && !failed.has(one.archive) && this.#hasFiles(one.archive);
    const listed = this.#lockFile?.archives.filter(isKept) ?? [];
    const old = listed.length > 0 ? this.#standing(made) : this.#lockFile;
    const others = listed.map((one) => old?.archives.find(({ archive }) => archive === one.archive) ?? one);
    const otherFiles = others.flatMap(({ archive }) =>
      [old, this.#lockFile].flatMap((lock) => lock?.files.filter((file) => file.archive === archive) ?? []).slice(0, 1),
    );
    const kept = [...others, ...before.map(({ planned }) => planned)];
    const stays = new Set<string | undefined>(before.map(({ planned }) => planned.archive));
    const isStill = (one: MissingImage) => !isOurs(one) || stays.has(one.archive);
    const told = new Set([...names, ...(made.failed?.map(({ archive }) => archive) ?? [])]);
    const failedBefore = this.#lockFile?.failed?.filter((one) => !isOurs(one) && !told.has(one.archive)) ?? [];
    const allFailed = [...(made.failed ?? []), ...failedBefore];
    const whole: LockFile = {
      version: 1,
      archives: [...made.archives, ...kept].sort((a, b) => compareText(a.archive, b.archive)),
      missing: sortedMissing([...made.missing, ...(old?.missing.filter(isStill) ?? [])]),
      ...(allFailed.length === 0 ? {} : { failed: sortedFailed(allFailed) }),
      files: [...made.files, ...otherFiles, ...before.map(({ file }) => file)].sort((a, b) =>
        compareText(a.archive, b.archive),
      ),
    };
    warnOfConflicts(made.archives, kept, emit);
    for (const archive of this.#leftOver(whole).filter((name) => !failed.has(name))) {
      this.#work.uncommit();
      removeArchive(join(this.directory, archive), this.#onSyncRefused);
      emit({ type: "archive.removed", archive });
    }
    const path = join(this.directory, lockFileName);
    writeWhole(path, lockFileText(whole), { onSyncRefused: this.#onSyncRefused });
    this.#work.sync();
    this.#work.clear(this.#journal?.leave(failed));
    this.#lockFile = whole;
  }

  /** Lets others write the bundle. What an unfinished pull has written stays, for the next to go on with. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#lock[Symbol.dispose]();
  }

  /** Says once that bytes may not be on the device when this program takes them to be. */
  #tellOnce(emit: OnEvent): OnSyncRefused {
    let isTold = false;
    return (_path, reason) => {
      if (isTold) return;
      isTold = true;
      const message = `the file system of ${this.directory} does not say when bytes are on the device (${reason}): after a power cut, pull again or verify the bundle`;
      emit({ type: "warning.raised", code: "SYNC_UNSUPPORTED", message });
    };
  }

  #openJournal(wanted: JournalRun): Journal {
    const journal = Journal.open(this.#work.journalPath, this.#onSyncRefused);
    const { run } = journal;
    const isSame = run?.selection === wanted.selection && run.chunkBytes === wanted.chunkBytes;
    if (run === undefined || (isSame && !this.#restart)) {
      journal.want(wanted);
      return journal;
    }
    journal[Symbol.dispose]();
    this.#work.setAside();
    const fresh = Journal.fresh(this.#work.journalPath, this.#onSyncRefused);
    fresh.want(wanted);
    return fresh;
  }

  /**
   * What the lock file would say of the archives that this pull did not make. While it is aside, another pull may have
   * replaced some of them, and was given up: then its plan says what they are.
   */
  #standing({ files }: LockFile): LockFile | undefined {
    const own = files.flatMap(({ archive, bytes, chunkBytes }) => archiveFileNames(archive, bytes, chunkBytes));
    return this.#work.isCommitted ? this.#lockFile : (trueLock(this.directory, new Set(own)).lock ?? this.#lockFile);
  }

  #hasFiles(archive: string): boolean {
    return finishedFiles(join(this.directory, archive)).length > 0;
  }

  /** Archives that an earlier pull made, finished or not, and that the bundle no longer has. */
  #leftOver(lockFile: LockFile): readonly string[] {
    const listed = new Set(lockFile.archives.map(({ archive }) => archive));
    const made = new Set(this.#lockFile?.archives.map(({ archive }) => archive));
    for (const folder of this.#work.staleFolders()) {
      using stale = Journal.open(join(folder, journalName));
      for (const archive of stale.archives().keys()) made.add(archive);
    }
    return [...made].filter((archive) => !listed.has(archive) && this.#hasFiles(archive));
  }
}

function readLock(path: string | undefined, isForgiven: boolean): LockFile | undefined {
  if (path === undefined) return undefined;
  try {
    return parseLockFile(() => locally(path, () => readOwn(path)).toString("utf8"), path);
  } catch (error) {
    if (isForgiven && isMirrorError(error, "PLAN_INVALID")) return undefined;
    throw error;
  }
}
