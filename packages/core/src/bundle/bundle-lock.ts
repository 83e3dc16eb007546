import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { MirrorError } from "../errors.ts";
import { localError } from "./local-error.ts";

/** The folder of a bundle that holds what a running or interrupted pull needs. */
export const workFolder = ".tranship";

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
  static acquire(bundle: string): BundleLock {
    const folder = join(bundle, workFolder);
    const ownerFile = join(folder, "owner");
    try {
      mkdirSync(folder, { recursive: true });
    } catch (error) {
      throw localError(error, folder);
    }
    const database = open(join(folder, "lock"));
    try {
      database.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
    } catch (error) {
      database.close();
      if ((error as { readonly errcode?: unknown }).errcode !== 5) throw localError(error, join(folder, "lock"));
      const owner = existsSync(ownerFile) ? readFileSync(ownerFile, "utf8").trim().slice(0, 200) : undefined;
      const message = `cannot write bundle ${bundle}: ${owner ?? "another process"} is writing it`;
      throw new MirrorError("BUNDLE_LOCKED", message, { bundle, ...(owner === undefined ? {} : { owner }) });
    }
    writeFileSync(ownerFile, `process ${process.pid} on ${hostname()}\n`);
    return new BundleLock(database, ownerFile);
  }

  [Symbol.dispose](): void {
    rmSync(this.#ownerFile, { force: true });
    this.#database.close();
  }
}

function open(path: string): DatabaseSync {
  try {
    return new DatabaseSync(path);
  } catch (error) {
    throw localError(error, path);
  }
}
