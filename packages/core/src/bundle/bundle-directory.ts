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
import { MirrorError } from "../errors.ts";
import type { OnEvent } from "../events.ts";
import { formatLockFile, type LockFile, lockFileName, parseLockFile } from "../plan/lock-file.ts";
import type { Section } from "../plan/section.ts";
import { ArchiveLayout } from "./archive-layout.ts";
import { partialSuffix, syncFolder } from "./archive-writer.ts";
import { BundleLock, workFolder } from "./bundle-lock.ts";
import { Journal } from "./journal.ts";
import { LocalBlobs } from "./local-blobs.ts";
import { localError } from "./local-error.ts";

/** The journal's name in a bundle's work folder; while it is there, the bundle's pull has not finished. */
export const journalName = "plan.ndjson";

/** Options of {@link BundleDirectory.open}. */
export interface BundleDirectoryOptions {
  /** Forget the plan of an interrupted pull and plan anew; bytes already fetched are used again. @defaultValue false */
  readonly restart?: boolean | undefined;
}

/** A bundle being written. One process at a time holds it; hold it with `await using`, or another pull is refused. */
export class BundleDirectory implements AsyncDisposable {
  readonly directory: string;
  #lockFile: LockFile | undefined;
  readonly #lock: BundleLock;
  readonly #restart: boolean;

  private constructor(directory: string, lock: BundleLock, lockFile: LockFile | undefined, restart: boolean) {
    this.directory = directory;
    this.#lock = lock;
    this.#lockFile = lockFile;
    this.#restart = restart;
  }

  /**
   * Opens the folder for a pull; made when missing.
   * @throws MirrorError `BUNDLE_LOCKED`, `BUNDLE_NOT_EMPTY` when it holds archives of somebody else, `FILE_FAILED`
   */
  static async open(directory: string, { restart = false }: BundleDirectoryOptions = {}): Promise<BundleDirectory> {
    try {
      mkdirSync(directory, { recursive: true });
      readdirSync(directory); // a file of that name is told apart here
    } catch (error) {
      throw localError(error, directory);
    }
    const lockPath = join(directory, lockFileName);
    const isOurs = existsSync(lockPath) || existsSync(join(directory, workFolder, journalName));
    if (!isOurs && readdirSync(directory).some((name) => name.endsWith(".tar"))) {
      const message = `cannot write a bundle to ${directory}: it holds archives that no pull of this program made`;
      throw new MirrorError("BUNDLE_NOT_EMPTY", message, { bundle: directory });
    }
    const lock = BundleLock.acquire(directory);
    try {
      const lockFile = existsSync(lockPath) ? parseLockFile(readFileSync(lockPath, "utf8"), lockPath) : undefined;
      return new BundleDirectory(directory, lock, lockFile, restart);
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
   * The journal of a pull that asks for `selection`, and what bytes are at hand for it. An interrupted pull that asked
   * for the same is continued; the files of one that asked for something else are only used as bytes.
   */
  begin(selection: string): { readonly journal: Journal; readonly local: LocalBlobs } {
    const path = join(this.directory, workFolder, journalName);
    const local = new LocalBlobs();
    for (const { archive, sections } of this.lockFile?.archives ?? []) {
      addExtents(local, join(this.directory, archive), sections);
    }
    let journal = Journal.open(path);
    if (journal.selection !== undefined && (this.#restart || journal.selection !== selection)) {
      journal[Symbol.dispose]();
      this.#setAside();
      journal = Journal.open(path);
    }
    for (const stale of this.#staleFolders()) addStale(local, stale);
    if (journal.selection === undefined) journal.fixSelection(selection);
    for (const [archive, steps] of journal.archives()) {
      const finished = join(this.directory, archive);
      if (existsSync(finished))
        addExtents(
          local,
          finished,
          steps.map(({ section }) => section),
        );
    }
    return { journal, local };
  }

  /**
   * Commits the bundle: archives of these components that the plan no longer has are removed, the lock file is written,
   * and what only the pull needed goes.
   */
  commit(lockFile: LockFile, components: readonly string[], emit: OnEvent): void {
    const old = this.#lockFile;
    const isKept = (component: string) => !components.includes(component);
    const kept =
      old?.archives.filter(
        ({ archive, component }) => isKept(component) && existsSync(join(this.directory, archive)),
      ) ?? [];
    const names = new Set([...lockFile.archives, ...kept].map(({ archive }) => archive));
    const whole: LockFile = {
      version: 1,
      archives: [...lockFile.archives, ...kept],
      missing: lockFile.missing,
      files: [
        ...lockFile.files,
        ...(old?.files.filter(({ archive }) => kept.some((other) => other.archive === archive)) ?? []),
      ],
    };
    for (const { archive } of old?.archives.filter((other) => !names.has(other.archive)) ?? []) {
      rmSync(join(this.directory, archive), { force: true });
      emit({ type: "archive.removed", archive });
    }
    writeWhole(join(this.directory, lockFileName), formatLockFile(whole));
    for (const name of readdirSync(this.directory).filter((name) => name.endsWith(`.tar${partialSuffix}`))) {
      rmSync(join(this.directory, name), { force: true });
    }
    const work = join(this.directory, workFolder);
    for (const stale of this.#staleFolders()) rmSync(stale, { recursive: true, force: true });
    rmSync(join(work, journalName), { force: true });
    syncFolder(work);
    this.#lockFile = whole;
  }

  /** Moves the unfinished files of another plan out of the way, keeping them as a store of bytes. */
  #setAside(): void {
    const work = join(this.directory, workFolder);
    const stale = join(work, `stale-${this.#staleFolders().length}`);
    try {
      mkdirSync(stale, { recursive: true });
      for (const name of readdirSync(this.directory).filter((name) => name.endsWith(partialSuffix))) {
        renameSync(join(this.directory, name), join(stale, name));
      }
      renameSync(join(work, journalName), join(stale, journalName));
    } catch (error) {
      throw localError(error, stale);
    }
  }

  #staleFolders(): readonly string[] {
    const work = join(this.directory, workFolder);
    return readdirSync(work)
      .filter((name) => /^stale-[0-9]+$/.test(name))
      .map((name) => join(work, name));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#lock[Symbol.dispose]();
  }
}

function addStale(local: LocalBlobs, folder: string): void {
  using journal = Journal.open(join(folder, journalName));
  for (const [archive, steps] of journal.archives()) {
    addExtents(
      local,
      join(folder, archive + partialSuffix),
      steps.map(({ section }) => section),
    );
  }
}

function addExtents(local: LocalBlobs, path: string, sections: readonly Section[]): void {
  const layout = new ArchiveLayout();
  for (const { content, offset, size } of sections.flatMap((section) => layout.add(section))) {
    if (content.kind === "blob") local.add(content.blob.digest, { path, offset, size });
  }
}

/** Replaces a small file whole or not at all. */
function writeWhole(path: string, text: string): void {
  try {
    const descriptor = openSync(`${path}.tmp`, "w");
    try {
      writeFileSync(descriptor, text);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(`${path}.tmp`, path);
  } catch (error) {
    throw localError(error, path);
  }
  syncFolder(join(path, ".."));
}
