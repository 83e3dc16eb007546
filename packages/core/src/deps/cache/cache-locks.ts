import { setTimeout as sleep } from "node:timers/promises";
import { BundleLock } from "../../bundle/bundle-lock.ts";
import { isMirrorError } from "../../errors.ts";
import { DepsError } from "../errors.ts";
import { fileError } from "../file-error.ts";
import { compareBytes } from "../json.ts";

/** The first and the longest pause before a lock is tried again, in milliseconds: each is twice the one before it. */
const firstPauseMs = 5;
const longestPauseMs = 160;

/** Options of {@link CacheLocks.acquire}. */
export interface LockOptions {
  /** Whether to wait until a folder is free, or to fail at once. */
  readonly mode: "wait" | "fail";
  /** The longest wait in all, in milliseconds. @defaultValue without end */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Told once, when it has to wait: for which folder and whom. */
  readonly onWait?: ((folder: string, owner: string | undefined) => void) | undefined;
}

/**
 * The right to change several folders. Each is held by the kernel: free the moment its owner ends, however it ends. They
 * are taken in one order by everybody, so that no two wait for each other.
 */
export class CacheLocks implements Disposable {
  readonly #cache: string;
  readonly #held = new Map<string, BundleLock>();

  private constructor(cache: string) {
    this.#cache = cache;
  }

  /**
   * @param cache the folder of the cache
   * @param stores other folders that are changed with it; nothing of their locks is left behind
   * @throws DepsError `CACHE_LOCKED`, `FILE_FAILED`, `NO_SPACE`; `signal.reason`
   */
  static async acquire(cache: string, stores: readonly string[], options: LockOptions): Promise<CacheLocks> {
    const locks = new CacheLocks(cache);
    const endMs = performance.now() + (options.timeoutMs ?? Number.POSITIVE_INFINITY);
    let isTold = false;
    const onWait = (folder: string, owner: string | undefined) => {
      if (!isTold) options.onWait?.(folder, owner);
      isTold = true;
    };
    try {
      for (const folder of [...new Set([cache, ...stores])].sort(compareBytes))
        locks.#held.set(folder, await lockOf(folder, endMs, { ...options, onWait }));
      return locks;
    } catch (error) {
      locks[Symbol.dispose]();
      throw error;
    }
  }

  /** Gives all of them back. */
  [Symbol.dispose](): void {
    for (const [folder, lock] of [...this.#held].reverse()) {
      try {
        if (folder !== this.#cache) BundleLock.removeFiles(folder);
      } catch {} // an empty lock does no harm
      lock[Symbol.dispose]();
    }
    this.#held.clear();
  }
}

async function lockOf(folder: string, endMs: number, { mode, signal, onWait }: LockOptions): Promise<BundleLock> {
  for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(2 * pauseMs, longestPauseMs)) {
    signal?.throwIfAborted();
    try {
      return await BundleLock.acquire(folder);
    } catch (error) {
      if (!isMirrorError(error, "BUNDLE_LOCKED")) throw fileError(error, folder);
      const { owner } = error.details;
      if (mode === "fail") throw locked(folder, owner, error);
      onWait?.(folder, owner);
      if (performance.now() >= endMs) throw locked(folder, owner, error);
    }
    await sleep(pauseMs, undefined, { signal }).catch(() => signal?.throwIfAborted());
  }
}

function locked(path: string, owner: string | undefined, cause: unknown): DepsError<"CACHE_LOCKED"> {
  const message = `cannot change ${path}: ${owner ?? "another process"} is changing it`;
  return new DepsError("CACHE_LOCKED", message, { path, ...(owner === undefined ? {} : { owner }) }, { cause });
}
