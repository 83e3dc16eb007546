import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import { MirrorError } from "../errors.ts";
import { localError, locally } from "./local-error.ts";

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
  static async acquire(bundle: string): Promise<BundleLock> {
    const sqlite = await import("node:sqlite"); // loaded by who needs it: Node 22 calls it experimental on standard error
    const folder = join(bundle, workFolder);
    const ownerFile = join(folder, "owner");
    locally(folder, () => mkdirSync(folder, { recursive: true }));
    const lockFile = join(folder, "lock");
    const database = locally(lockFile, () => new sqlite.DatabaseSync(lockFile));
    try {
      database.exec("PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE");
    } catch (error) {
      database.close();
      if ((error as { readonly errcode?: unknown }).errcode !== 5) throw localError(error, lockFile);
      const owner = ownerIn(ownerFile);
      const message = `cannot write bundle ${bundle}: ${owner ?? "another process"} is writing it`;
      throw new MirrorError("BUNDLE_LOCKED", message, { bundle, ...(owner === undefined ? {} : { owner }) });
    }
    try {
      writeFileSync(ownerFile, `process ${process.pid} on ${hostname()}\n`);
    } catch {} // it only names the owner in messages
    return new BundleLock(database, ownerFile);
  }

  [Symbol.dispose](): void {
    try {
      rmSync(this.#ownerFile, { force: true });
    } catch {}
    this.#database.close();
  }
}

function ownerIn(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim().slice(0, 200) || undefined;
  } catch {
    return undefined;
  }
}
