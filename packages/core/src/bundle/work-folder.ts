import { copyFileSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { lockFileName } from "../plan/lock-file.ts";
import { parseArchiveFileName, partialSuffix } from "./archive/archive-names.ts";
import { workFolder } from "./bundle-lock.ts";
import { locally } from "./disk/local-error.ts";
import { type OnSyncRefused, syncFolder } from "./disk/sync-folder.ts";
import { isUnfinishedName } from "./unfinished-name.ts";

/** The journal's name in a bundle's work folder. */
export const journalName = "plan.ndjson";

/** Where the lock file of a bundle waits while its archives are being replaced. */
export const previousLockName: string = `previous-${lockFileName}`;

/** The folder beside a bundle's archives with what an unfinished pull needs. */
export class WorkFolder {
  readonly #bundle: string;
  readonly #path: string;
  readonly #onSyncRefused: OnSyncRefused | undefined;

  constructor(bundle: string, onSyncRefused?: OnSyncRefused) {
    this.#bundle = bundle;
    this.#onSyncRefused = onSyncRefused;
    this.#path = join(bundle, workFolder);
  }

  /** Where the journal of the pull under way is. */
  get journalPath(): string {
    return join(this.#path, journalName);
  }

  /** Where the lock file is: in its place, or aside. `undefined` when the bundle never had one. */
  get lockPath(): string | undefined {
    return [join(this.#bundle, lockFileName), this.#previousLockPath].find((path) => existsSync(path));
  }

  /** Whether the lock file is in its place. */
  get isCommitted(): boolean {
    return existsSync(join(this.#bundle, lockFileName));
  }

  get #previousLockPath(): string {
    return join(this.#path, previousLockName);
  }

  /** The bundle stops being what its lock file says: from now on it counts as unfinished. */
  uncommit(): void {
    const committed = join(this.#bundle, lockFileName);
    if (!existsSync(committed)) return;
    locally(committed, () => renameSync(committed, this.#previousLockPath));
    this.sync();
  }

  /**
   * Moves the unfinished archives of another plan out of the way, with a copy of its journal, keeping them as a store of
   * bytes. The journal itself stays until another is begun: without one, nothing would tell that the bundle is unfinished.
   */
  setAside(): void {
    const numbers = this.staleFolders().map((path) => Number(/[0-9]+$/.exec(path)?.[0]));
    const stale = join(this.#path, `stale-${Math.max(-1, ...numbers) + 1}`);
    locally(stale, () => {
      mkdirSync(stale, { recursive: true });
      copyFileSync(this.journalPath, join(stale, journalName));
      for (const name of this.partials()) renameSync(join(this.#bundle, name), join(stale, name));
    });
    this.sync();
  }

  /** What {@link setAside} has put away, in this run or an earlier one. */
  staleFolders(): readonly string[] {
    return locally(this.#path, () => readdirSync(this.#path))
      .filter((name) => /^stale-[0-9]+$/.test(name))
      .map((name) => join(this.#path, name));
  }

  /** Names of the files of unfinished archives. */
  partials(): readonly string[] {
    return locally(this.#bundle, () => readdirSync(this.#bundle)).filter(
      (name) =>
        name.endsWith(partialSuffix) && parseArchiveFileName(name.slice(0, -partialSuffix.length)) !== undefined,
    );
  }

  /**
   * Removes everything that only an unfinished pull needs, also small files that were never finished; but for what is left
   * of these archives and the journal, which knows of it.
   */
  clear(left: ReadonlySet<string> = new Set()): void {
    locally(this.#path, () => {
      for (const entry of readdirSync(this.#bundle, { withFileTypes: true })) {
        if (!entry.isFile() || !isUnfinishedName(entry.name)) continue;
        const archive = parseArchiveFileName(entry.name.slice(0, -partialSuffix.length))?.archive ?? "";
        if (!left.has(archive)) rmSync(join(this.#bundle, entry.name), { force: true });
      }
      for (const stale of this.staleFolders()) rmSync(stale, { recursive: true, force: true });
      rmSync(this.#previousLockPath, { force: true });
      if (left.size === 0) rmSync(this.journalPath, { force: true });
    });
    this.sync();
  }

  /** Makes what happened in both folders last. */
  sync(): void {
    syncFolder(this.#path, this.#onSyncRefused);
    syncFolder(this.#bundle, this.#onSyncRefused);
  }
}
