import {
  accessSync,
  closeSync,
  constants,
  mkdirSync,
  openSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { MirrorError } from "../errors.ts";
import { localError, locally } from "./disk/local-error.ts";
import { requireNoLink } from "./disk/own-file.ts";

/** The folder of a bundle that holds what a running or interrupted pull needs. */
export const workFolder = ".tranship";

/** The files of the lock, in the work folder. */
export const lockName = "lock";
export const ownerName = "owner";

/**
 * The right to write a bundle, held by the kernel: an exclusive SQLite transaction is a file lock that is free the
 * moment its owner dies, however it dies.
 */
export class BundleLock implements Disposable {
  readonly #database: DatabaseSync;
  readonly #ownerFile: string;

  private constructor(database: DatabaseSync, ownerFile: string) {
    this.#database = database;
    this.#ownerFile = ownerFile;
  }

  /** @throws MirrorError `BUNDLE_LOCKED` naming the owner; `FILE_FAILED` */
  static async acquire(bundle: string): Promise<BundleLock> {
    const sqlite = await import("node:sqlite"); // loaded by who needs it: Node 22 calls it experimental on standard error
    const folder = join(bundle, workFolder);
    const ownerFile = join(folder, ownerName);
    const lockFile = join(folder, lockName);
    for (let tries = 0; ; tries += 1) {
      for (const path of [folder, lockFile]) requireNoLink(path);
      locally(folder, () => mkdirSync(folder, { recursive: true }));
      const file = locally(lockFile, () => identityOrMade(lockFile));
      const database = openedLock(() => new sqlite.DatabaseSync(lockFile), lockFile);
      try {
        database.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
      } catch (error) {
        database.close();
        throw isBusy(error) ? bundleLocked(bundle) : lockFailed(error, lockFile);
      }
      if (identity(lockFile) !== file) {
        database.close(); // its last owner took it away, to leave nothing behind: what was locked is no one's
        if (tries < 100) continue;
        throw bundleLocked(bundle);
      }
      requireWritable(lockFile, database);
      try {
        rmSync(ownerFile, { force: true }); // not to be written through, should it be a link
        writeFileSync(ownerFile, `process ${process.pid} on ${hostname()}\n`, { flag: "wx" });
      } catch {} // it only names the owner in messages
      return new BundleLock(database, ownerFile);
    }
  }

  /**
   * Makes sure that nobody is writing the bundle now. Changes nothing, so the answer may be out of date at once.
   * @throws MirrorError `BUNDLE_LOCKED` naming the owner
   */
  static async requireFree(bundle: string): Promise<void> {
    const lockFile = join(bundle, workFolder, lockName);
    if (identity(lockFile) === undefined) return;
    const sqlite = await import("node:sqlite");
    try {
      const database = new sqlite.DatabaseSync(lockFile, { readOnly: true });
      try {
        database.exec("SELECT * FROM sqlite_schema");
      } finally {
        database.close();
      }
    } catch (error) {
      if (isBusy(error)) throw bundleLocked(bundle); // else it cannot be read by us, and is not known to be held
    }
  }

  /**
   * Takes the lock's files away, and the work folder when nothing else is in it. Only for the lock's owner, as the last
   * thing it does: whoever waits for the lock makes a new one.
   */
  static removeFiles(bundle: string): void {
    const folder = join(bundle, workFolder);
    locally(folder, () => {
      rmSync(join(folder, ownerName), { force: true });
      try {
        rmSync(join(folder, lockName), { force: true });
        rmdirSync(folder);
      } catch (error) {
        const { code = "" } = error as NodeJS.ErrnoException;
        // Somebody has come already, or the system takes no open file away: an empty lock does no harm.
        if (!["ENOTEMPTY", "EEXIST", "EBUSY"].includes(code)) throw error;
      }
    });
  }

  [Symbol.dispose](): void {
    try {
      rmSync(this.#ownerFile, { force: true });
    } catch {}
    this.#database.close();
  }
}

/** Which file has that name; `undefined` when none has. */
function identity(path: string): string | undefined {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false });
  return found && `${found.dev}:${found.ino}`;
}

function identityOrMade(path: string): string | undefined {
  if (identity(path) === undefined) closeSync(openSync(path, "a"));
  return identity(path);
}

/** Of a file that may only be read, SQLite takes a lock that excludes nobody. */
function requireWritable(path: string, database: DatabaseSync): void {
  try {
    locally(path, () => accessSync(path, constants.W_OK));
  } catch (error) {
    database.close();
    throw error;
  }
}

function isBusy(error: unknown): boolean {
  return (error as { readonly errcode?: unknown }).errcode === 5;
}

function openedLock(open: () => DatabaseSync, path: string): DatabaseSync {
  try {
    return open();
  } catch (error) {
    throw lockFailed(error, path);
  }
}

/** SQLite's errors have one code for all: what they are about is in their text. */
function lockFailed(error: unknown, path: string): MirrorError {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code !== "ERR_SQLITE_ERROR") return localError(error, path);
  const why = `cannot use ${path}: ${message}; when nobody writes there, it may be removed`;
  return new MirrorError("FILE_FAILED", why, { path, reason: code }, { cause: error });
}

function bundleLocked(bundle: string): MirrorError<"BUNDLE_LOCKED"> {
  const owner = ownerIn(join(bundle, workFolder, ownerName));
  const message = `cannot write bundle ${bundle}: ${owner ?? "another process"} is writing it`;
  return new MirrorError("BUNDLE_LOCKED", message, { bundle, ...(owner === undefined ? {} : { owner }) });
}

function ownerIn(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim().slice(0, 200) || undefined;
  } catch {
    return undefined;
  }
}
