import { stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { workFolder } from "../../bundle/bundle-lock.ts";
import { removeStaleFiles } from "../../layout/atomic-file.ts";
import { Turns } from "../../layout/turns.ts";
import { DepsError } from "../errors.ts";
import type { OnDepsEvent } from "../events.ts";
import { onDisk } from "../file-error.ts";
import type { Staging } from "../jobs/item-job.ts";
import { StagingFolder } from "../staging/staging-folder.ts";
import { type CacheFolder, findCacheFolder, realPathOf } from "./cache-folder.ts";
import { CacheLocks } from "./cache-locks.ts";
import { CacheState } from "./cache-state.ts";
import { commitFiles, finishCommit, isMidCommit } from "./commit-files.ts";
import { pathInCache } from "./commit-paths.ts";
import { readOwnFile, writeOwnFile } from "./own-file.ts";
import { StampTable } from "./stamp-table.ts";
import { Stamps } from "./stamps.ts";

/** The shortest time between two savings while something changes, in milliseconds. */
const saveEveryMs = 3000;

/** Options of {@link DepsCache.open}. */
export interface OpenCacheOptions {
  /** Takes no lock and writes nothing at all, not even what is found out about files. @defaultValue `false` */
  readonly readOnly?: boolean | undefined;
  /** What to do while somebody else is changing the cache: wait, or fail with `CACHE_LOCKED`. @defaultValue `wait` */
  readonly lock?: "wait" | "fail" | undefined;
  /** The longest wait, in milliseconds; then it fails with `CACHE_LOCKED`. @defaultValue without end */
  readonly lockTimeoutMs?: number | undefined;
  /** Folders elsewhere that content of this cache is put into, such as an image store beside it: locked with it. */
  readonly also?: readonly string[] | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told of the warnings `WAITING_FOR_LOCK`, `STATE_DAMAGED` and `COMMIT_UNFINISHED`. */
  readonly onEvent?: OnDepsEvent | undefined;
  /** The time, for notes. @defaultValue the system's */
  readonly now?: (() => Date) | undefined;
}

/**
 * The folder of a cache, in the hands of one owner at a time. The right to change it is held by the kernel and free the
 * moment its owner ends, however it ends; the cache is whole then, and the next owner finishes what was begun.
 *
 * Its notes are in the folder `.tranship` in it; nothing else may open the file `lock` there, since a process that closes
 * it gives back the lock. Users may share a cache when all of them may write in it (a group of their own and the set-group-id bit; files
 * get the permissions that the process's mask lets them have); reading one takes no more than reading its files. On a network file
 * system the lock is as good as its locks of files are: NFS from version 4 on keeps them for all machines, older ones and
 * those mounted with `nolock` for one machine, so that there one machine at a time may change the cache. Content is never
 * wrong for it, since all of it is hashed; one might undo the other's notes and indexes.
 */
export class DepsCache implements AsyncDisposable {
  /** The folder, without symbolic links. */
  readonly path: string;
  /** The folder in it with notes, and with what is unfinished. */
  readonly workFolder: string;
  /** Which files hold what. */
  readonly contents: Stamps;
  /**
   * Where content is gathered until it is whole; it goes to places in the cache and in the stores locked with it alone.
   * Refuses in a cache that is only read.
   */
  readonly staging: Staging;
  /** What is known of the content. In a cache that is only read, changes are forgotten. */
  readonly state: CacheState;

  readonly #folder: CacheFolder;
  #locks: CacheLocks | undefined;
  readonly #turns = new Turns<"disk">();
  #timer: NodeJS.Timeout | undefined;

  private constructor(
    folder: CacheFolder,
    locks: CacheLocks | undefined,
    parts: Pick<DepsCache, "contents" | "staging" | "state">,
  ) {
    this.#folder = folder;
    this.#locks = locks;
    this.path = folder.path;
    this.workFolder = join(folder.path, workFolder);
    this.contents = parts.contents;
    this.staging = parts.staging;
    this.state = parts.state;
    if (locks) this.#saveLater(saveEveryMs);
  }

  /**
   * Opens a cache, and makes it unless it is only read. A link to a folder is followed once, now. Finishes a commit that was under way
   * when its owner was killed; where nothing may be written, that is told as `COMMIT_UNFINISHED`.
   * @throws DepsError `CACHE_LOCKED`, `CACHE_VERSION`, `NOT_CACHED` (only read, and not there), `FILE_FAILED`, `NO_SPACE`; `signal.reason`
   */
  static async open(directory: string, options: OpenCacheOptions = {}): Promise<DepsCache> {
    const {
      readOnly = false,
      lock = "wait",
      lockTimeoutMs,
      also = [],
      signal,
      onEvent,
      now = () => new Date(),
    } = options;
    signal?.throwIfAborted();
    const folder = await findCacheFolder(directory, readOnly);
    const stores = await Promise.all(also.map((store) => realPathOf(resolve(store))));
    const locks = readOnly
      ? undefined
      : await CacheLocks.acquire(folder.path, stores, {
          mode: lock,
          timeoutMs: lockTimeoutMs,
          signal,
          onWait: (path, owner) => onEvent?.(waiting(path, owner)),
        });
    try {
      await (locks ? tidy(folder, onEvent) : tellOfCommit(folder, onEvent));
      const work = join(folder.path, workFolder);
      const { dev } = await onDisk(folder.path, () => stat(folder.path, { bigint: true }));
      const [statePath, stampsPath] = [join(work, stateName), join(work, stampsName)];
      const reading = { isReadOnly: readOnly, onEvent };
      const state = await readOwnFile(statePath, (text) => CacheState.parse(text, statePath), {
        what: "what is known of the cache",
        ...reading,
      });
      const table = await readOwnFile(stampsPath, (text) => StampTable.parse(text, stampsPath, dev), {
        what: "what is known of its files",
        ...reading,
      });
      const contents = new Stamps({
        folder,
        stores,
        table: table ?? new StampTable(dev),
        now: () => now().getTime(),
      });
      return new DepsCache(folder, locks, {
        contents,
        state: state ?? new CacheState(),
        staging: locks
          ? await StagingFolder.open(join(work, partialName), { roots: [folder.path, ...stores] })
          : readOnlyStaging(folder),
      });
    } catch (error) {
      locks?.[Symbol.dispose]();
      throw error;
    }
  }

  /**
   * Puts several files in place, and saves the state with them: all or nothing, also if the process is killed at any
   * moment. Their folders are made; what was there is replaced, a symbolic link itself and not what it leads to.
   * @param files `path` is complete, or relative to the cache; it stays in it
   * @throws DepsError `NAME_UNSAFE`, `PATH_CONFLICT`, `FILE_FAILED`, `NO_SPACE`
   */
  async commit(files: readonly { readonly path: string; readonly bytes: Uint8Array | string }[]): Promise<void> {
    this.#requireOwner();
    const own = files.map(({ path, bytes }) => ({
      path: pathInCache(this.#folder, path),
      bytes: typeof bytes === "string" ? Buffer.from(bytes) : bytes,
    }));
    await this.#turns.run("disk", async () => {
      const { text, onSaved } = this.state.snapshot();
      const state = { path: `${workFolder}/${stateName}`, bytes: Buffer.from(text) };
      await commitFiles(this.#folder, [...own, state]);
      onSaved();
    });
  }

  /**
   * Saves what is known of the content and of the files, if that changed. It happens by itself every few seconds, and at the end.
   * @throws DepsError `FILE_FAILED`, `NO_SPACE`
   */
  async save(): Promise<void> {
    this.#requireOwner();
    await this.#turns.run("disk", async () => {
      await saveIfChanged(this.state, join(this.workFolder, stateName));
      await saveIfChanged(this.contents.table, join(this.workFolder, stampsName));
    });
  }

  /** Saves, and gives the cache to whoever comes next. @throws DepsError `FILE_FAILED`, `NO_SPACE` */
  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    try {
      await this.contents[Symbol.asyncDispose]();
      if (this.#locks) await this.save();
    } finally {
      const locks = this.#locks;
      this.#locks = undefined;
      locks?.[Symbol.dispose]();
    }
  }

  #saveLater(afterMs: number): void {
    const save = async () => {
      const startMs = performance.now();
      await this.save().catch(() => {}); // the last time tells
      if (this.#timer !== undefined) this.#saveLater(Math.max(saveEveryMs, 20 * (performance.now() - startMs)));
    };
    this.#timer = setTimeout(() => void save(), afterMs).unref();
  }

  #requireOwner(): void {
    if (!this.#locks) throw readOnlyFault(this.#folder);
  }
}

const stateName = "state.json";
const stampsName = "stamps";
const partialName = "partial";

async function tidy(folder: CacheFolder, onEvent: OnDepsEvent | undefined): Promise<void> {
  await finishCommit(folder, { onEvent });
  const work = join(folder.path, workFolder);
  await onDisk(work, () => removeStaleFiles(work, Number.POSITIVE_INFINITY)); // all are: nobody else writes here
}

async function tellOfCommit(folder: CacheFolder, onEvent: OnDepsEvent | undefined): Promise<void> {
  if (!(await isMidCommit(folder))) return;
  const message = `a change of ${folder.path} was begun and not finished: some files are older than others; whoever opens it for writing finishes it`;
  onEvent?.({ type: "warning", warning: { code: "COMMIT_UNFINISHED", message } });
}

async function saveIfChanged(part: CacheState | StampTable, path: string): Promise<void> {
  if (!part.isChanged) return;
  const { text, onSaved } = part.snapshot();
  await writeOwnFile(path, text);
  onSaved();
}

function waiting(path: string, owner: string | undefined) {
  const message = `waiting until ${owner ?? "another process"} is done with ${path}`;
  return { type: "warning", warning: { code: "WAITING_FOR_LOCK", message } } as const;
}

function readOnlyStaging(folder: CacheFolder): Staging {
  const refuse = async () => {
    throw readOnlyFault(folder);
  };
  return { fill: refuse, blank: refuse, prepare: refuse };
}

function readOnlyFault({ path }: CacheFolder): DepsError<"FILE_FAILED"> {
  const message = `cannot change ${path}: it is not open for writing`;
  return new DepsError("FILE_FAILED", message, { path, reason: "READ_ONLY" });
}
