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
import { type ReadOwnFileOptions, readOwnFile, writeOwnFile } from "./own-file.ts";
import { requireOwnFolder } from "./own-folder.ts";
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
  /** Told of the warnings `WAITING_FOR_LOCK`, `STATE_DAMAGED`, `COMMIT_UNFINISHED` and `STATE_UNSAVED`. */
  readonly onEvent?: OnDepsEvent | undefined;
  /** The time, for notes. @defaultValue the system's */
  readonly now?: (() => Date) | undefined;
}

/**
 * The folder of a cache, in the hands of one owner at a time. The right to change it is held by the kernel and free the
 * moment its owner ends, however it ends; the cache is whole then, and the next owner finishes what was begun.
 *
 * Its notes are in the folder `.tranship` in it. Nothing else may open the file `lock` there: on most systems a process that
 * closes a file gives back all its locks of it.
 *
 * **Shared by users**: all who change it need to be able to write in it, such as by a group of their own, the set-group-id
 * bit on its folders and a mask (umask) of 002; files and folders are made with what the mask lets them have. Whoever can
 * write in it can put other content and other notes there, which a check that is not deep believes: share it only with whom
 * you trust as yourself. Reading it takes no right to write, and no lock: a reader may see it while it changes, each file
 * whole.
 *
 * **On a network file system** the lock is as good as the locks of files there. NFS 4 keeps them for all machines; NFS 3
 * needs its lock service; mounted with `nolock` (or `local_lock`) each machine is alone with its locks, so that only one
 * machine may change the cache. Two that do so at once still put no wrong content in place, for all of it is hashed, but one
 * may undo the notes, manifests and indexes that the other wrote. An owner whose machine died is let go by the server, after
 * its grace time.
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
  readonly #onEvent: OnDepsEvent | undefined;
  readonly #turns = new Turns<"disk">();
  #timer: NodeJS.Timeout | undefined;

  private constructor(
    folder: CacheFolder,
    locks: CacheLocks | undefined,
    parts: Pick<DepsCache, "contents" | "staging" | "state">,
    onEvent: OnDepsEvent | undefined,
  ) {
    this.#folder = folder;
    this.#locks = locks;
    this.#onEvent = onEvent;
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
   * @throws DepsError `CACHE_LOCKED`, `CACHE_VERSION`, `NOT_CACHED` (only read, and not there), `FILE_FAILED`, `NO_SPACE`,
   * `NAME_UNSAFE` for symbolic links among its notes; `signal.reason`
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
    if (!readOnly) for (const one of [folder.path, ...stores]) await requireOwnFolder(one);
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
      const { state, table } = await readNotes(folder, { isReadOnly: readOnly, onEvent });
      const contents = new Stamps({ folder, stores, table, now: () => now().getTime() });
      const staging = locks
        ? await StagingFolder.open(join(work, partialName), { roots: [folder.path, ...stores] })
        : readOnlyStaging(folder);
      return new DepsCache(folder, locks, { contents, state, staging }, onEvent);
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

  /**
   * Saves, and gives the cache to whoever comes next. What cannot be saved is told as `STATE_UNSAVED`: it is found out again,
   * and an error would hide what went wrong before.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    try {
      await this.contents[Symbol.asyncDispose]();
      if (this.#locks) await this.save().catch((error: unknown) => this.#onEvent?.(unsaved(this.path, error)));
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

async function readNotes(
  folder: CacheFolder,
  options: Omit<ReadOwnFileOptions, "what">,
): Promise<{ readonly state: CacheState; readonly table: StampTable }> {
  const { dev } = await onDisk(folder.path, () => stat(folder.path, { bigint: true }));
  const work = join(folder.path, workFolder);
  const [statePath, stampsPath] = [join(work, stateName), join(work, stampsName)];
  const state = await readOwnFile(statePath, (text) => CacheState.parse(text, statePath), {
    what: "what is known of the cache",
    ...options,
  });
  const table = await readOwnFile(stampsPath, (text) => StampTable.parse(text, stampsPath, dev), {
    what: "what is known of its files",
    ...options,
  });
  return { state: state ?? new CacheState(), table: table ?? new StampTable(dev) };
}

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

function unsaved(path: string, error: unknown) {
  const reason = error instanceof Error ? error.message : String(error);
  const message = `what is known of the content of ${path} was not saved: ${reason}`;
  return { type: "warning", warning: { code: "STATE_UNSAVED", message } } as const;
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
