import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { isMirrorError, MirrorError } from "../errors.ts";
import type { OnEvent } from "../events.ts";
import { compareText } from "../layout/index-file.ts";
import type { PlannedArchive } from "../plan/download-list.ts";
import { formatLockFile, type LockFile, lockFileName, parseLockFile } from "../plan/lock-file.ts";
import type { Section } from "../plan/section.ts";
import { ArchiveLayout } from "./archive-layout.ts";
import { partialSuffix } from "./archive-names.ts";
import { BundleLock } from "./bundle-lock.ts";
import { Journal } from "./journal.ts";
import { LocalBlobs } from "./local-blobs.ts";
import { locally } from "./local-error.ts";
import { warnOfConflicts } from "./lock-conflicts.ts";
import { journalName, WorkFolder } from "./work-folder.ts";

/** Options of {@link BundleDirectory.open}. */
export interface BundleDirectoryOptions {
  /**
   * Forget the plan of an interrupted pull and plan anew, and believe no archive: each is written again from bytes that
   * are hashed. Only what is not on this machine, or is damaged, is fetched. @defaultValue false
   */
  readonly restart?: boolean | undefined;
}

/** One pull into a bundle: its journal, and what bytes are at hand for it. */
export interface BundleSession extends Disposable {
  readonly journal: Journal;
  readonly local: LocalBlobs;
}

/** A bundle being written. One process at a time holds it; hold it with `await using`, or another pull is refused. */
export class BundleDirectory implements AsyncDisposable {
  readonly directory: string;
  /** Every archive is written again, from bytes that are hashed. */
  readonly restart: boolean;
  readonly #lock: BundleLock;
  readonly #work: WorkFolder;
  #lockFile: LockFile | undefined;
  #isBusy = false;

  private constructor(
    directory: string,
    lock: BundleLock,
    work: WorkFolder,
    lockFile: LockFile | undefined,
    restart: boolean,
  ) {
    this.directory = directory;
    this.restart = restart;
    this.#lock = lock;
    this.#work = work;
    this.#lockFile = lockFile;
  }

  /**
   * Opens the folder for a pull; made when missing.
   * @throws MirrorError `BUNDLE_LOCKED`, `BUNDLE_NOT_EMPTY` when it holds archives of somebody else, `PLAN_INVALID` for a
   * lock file that cannot be read (not with `restart`), `FILE_FAILED`
   */
  static async open(directory: string, { restart = false }: BundleDirectoryOptions = {}): Promise<BundleDirectory> {
    const names = locally(directory, () => {
      mkdirSync(directory, { recursive: true });
      return readdirSync(directory); // a file of that name is told apart here
    });
    const work = new WorkFolder(directory);
    const isOurs = work.lockPath !== undefined || existsSync(work.journalPath);
    if (!isOurs && names.some((name) => /\.tar(?:\.[0-9]{4,}\.chunk)?$/.test(name))) {
      const message = `cannot write a bundle to ${directory}: it holds archives that no pull of this program made`;
      throw new MirrorError("BUNDLE_NOT_EMPTY", message, { bundle: directory });
    }
    const lock = await BundleLock.acquire(directory);
    try {
      return new BundleDirectory(directory, lock, work, readLock(work.lockPath, restart), restart);
    } catch (error) {
      lock[Symbol.dispose]();
      throw error;
    }
  }

  /** What the bundle holds as of its last finished pull. */
  get lockFile(): LockFile | undefined {
    return this.#lockFile;
  }

  /**
   * Starts a pull that asks for `selection`. An interrupted pull that asked for the same is continued; the files of one
   * that asked for something else are only used as bytes.
   * @throws MirrorError `BUNDLE_LOCKED` while another pull of this object runs; `FILE_FAILED`
   */
  begin(selection: string): BundleSession {
    if (this.#isBusy) {
      const message = `cannot start a pull into ${this.directory}: another one of this process is running`;
      throw new MirrorError("BUNDLE_LOCKED", message, { bundle: this.directory });
    }
    const journal = this.#openJournal(selection);
    const local = this.#bytesAtHand(journal);
    this.#isBusy = true;
    return {
      journal,
      local,
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
   * Commits the bundle: archives of these components that the plan no longer has are removed, the lock file is written,
   * and what only the pull needed goes.
   * @throws MirrorError `FILE_FAILED`, `NO_SPACE`
   */
  commit(made: LockFile, components: readonly string[], emit: OnEvent): void {
    const old = this.#lockFile;
    const names = new Set(made.archives.map(({ archive }) => archive));
    const isKept = ({ archive, component }: PlannedArchive) =>
      !components.includes(component) && !names.has(archive) && existsSync(join(this.directory, archive));
    const kept = old?.archives.filter(isKept) ?? [];
    const whole: LockFile = {
      version: 1,
      archives: [...made.archives, ...kept].sort((a, b) => compareText(a.archive, b.archive)),
      missing: [...made.missing, ...(old?.missing.filter(({ component }) => !components.includes(component)) ?? [])],
      files: [
        ...made.files,
        ...(old?.files.filter(({ archive }) => kept.some((other) => other.archive === archive)) ?? []),
      ].sort((a, b) => compareText(a.archive, b.archive)),
    };
    warnOfConflicts(made.archives, kept, emit);
    for (const archive of this.#leftOver(whole)) {
      this.#work.uncommit();
      locally(join(this.directory, archive), () => rmSync(join(this.directory, archive), { force: true }));
      emit({ type: "archive.removed", archive });
    }
    const path = join(this.directory, lockFileName);
    locally(path, () => writeWhole(path, formatLockFile(whole)));
    this.#work.sync();
    this.#work.clear();
    this.#lockFile = whole;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#lock[Symbol.dispose]();
  }

  #openJournal(selection: string): Journal {
    const journal = Journal.open(this.#work.journalPath);
    const isOther = journal.selection !== undefined && (this.restart || journal.selection !== selection);
    if (!isOther) {
      journal.want(selection);
      return journal;
    }
    journal[Symbol.dispose]();
    this.#work.setAside();
    const fresh = Journal.open(this.#work.journalPath);
    fresh.want(selection);
    return fresh;
  }

  #bytesAtHand(journal: Journal): LocalBlobs {
    const local = new LocalBlobs();
    for (const { archive, sections } of this.#lockFile?.archives ?? []) {
      addExtents(local, join(this.directory, archive), sections);
    }
    this.#addPublished(local, journal);
    for (const folder of this.#work.staleFolders()) {
      using stale = Journal.open(join(folder, journalName));
      this.#addPublished(local, stale);
      for (const [archive, steps] of stale.archives()) {
        addExtents(
          local,
          join(folder, archive + partialSuffix),
          steps.map(({ section }) => section),
        );
      }
    }
    return local;
  }

  /** What a journal's pull had finished before it was interrupted. */
  #addPublished(local: LocalBlobs, journal: Journal): void {
    for (const [archive, steps] of journal.archives()) {
      const path = join(this.directory, archive);
      if (existsSync(path))
        addExtents(
          local,
          path,
          steps.map(({ section }) => section),
        );
    }
  }

  /** Archives that an earlier pull made, finished or not, and that the bundle no longer has. */
  #leftOver(lockFile: LockFile): readonly string[] {
    const listed = new Set(lockFile.archives.map(({ archive }) => archive));
    const made = new Set(this.#lockFile?.archives.map(({ archive }) => archive));
    for (const folder of this.#work.staleFolders()) {
      using stale = Journal.open(join(folder, journalName));
      for (const archive of stale.archives().keys()) made.add(archive);
    }
    return [...made].filter((archive) => !listed.has(archive) && existsSync(join(this.directory, archive)));
  }
}

function readLock(path: string | undefined, isForgiven: boolean): LockFile | undefined {
  if (path === undefined) return undefined;
  try {
    return parseLockFile(
      locally(path, () => readFileSync(path, "utf8")),
      path,
    );
  } catch (error) {
    if (isForgiven && isMirrorError(error, "PLAN_INVALID")) return undefined;
    throw error;
  }
}

function addExtents(local: LocalBlobs, path: string, sections: readonly Section[]): void {
  const layout = new ArchiveLayout();
  for (const section of sections) {
    for (const { content, offset } of layout.add(section)) {
      if (content.kind === "blob") local.add(content.blob, path, offset);
    }
  }
}

/** Replaces a small file whole or not at all. */
function writeWhole(path: string, text: string): void {
  const descriptor = openSync(`${path}.tmp`, "w");
  try {
    writeFileSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  renameSync(`${path}.tmp`, path);
}
