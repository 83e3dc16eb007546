import type { BigIntStats } from "node:fs";
import { lstat, realpath, stat, utimes } from "node:fs/promises";
import { isAbsolute, relative, resolve, sep } from "node:path";
import { type Digest, type DigestAlgorithm, digestAlgorithm, parseDigest } from "@tranship/registry";
import { fileError } from "../file-error.ts";
import type { CheckOptions, ContentCheck, ExpectedContent } from "../jobs/item-job.ts";
import type { Presence } from "../plan.ts";
import { isWithin } from "../staging/safe-place.ts";
import { type CacheFolder, pathBelow } from "./cache-folder.ts";
import { type FileMark, markOf } from "./hash-file.ts";
import { HashPool } from "./hash-pool.ts";
import { isMissing } from "./is-missing.ts";
import type { StampTable } from "./stamp-table.ts";

/** A file changed this shortly ago may change again without a newer time stamp, in milliseconds. */
const coarseClockMs = 100;

/** The same on file systems that keep whole seconds, or every other. */
const coarsestClockMs = 2100;

/** How far a time is put back, in milliseconds: enough for any clock. */
const setBackMs = 3000;

/** What {@link Stamps} takes. */
export interface StampsOptions {
  readonly folder: CacheFolder;
  /** Other folders with content of the cache, without symbolic links. */
  readonly stores: readonly string[];
  readonly table: StampTable;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/**
 * What files of a cache held when they were read or written last, so that they are read again only when they are others:
 * the size, the time of the last change, the inode or the device is another. Files changed within the last tick of the
 * clock are read each time. A change that leaves all of that as it was is found by a deep check only.
 *
 * Content is in regular files. A symbolic link in its place is followed if it leads to a file of the cache or of its
 * stores; one that leads elsewhere is not the content, whatever is there.
 */
export class Stamps implements ContentCheck, AsyncDisposable {
  readonly #folder: CacheFolder;
  readonly #roots: readonly string[];
  readonly #now: () => number;
  readonly #pool = new HashPool();
  readonly #reading = new Map<string, Promise<unknown>>();
  /** @internal */
  readonly table: StampTable;

  /** @internal */
  constructor({ folder, stores, table, now }: StampsOptions) {
    this.#folder = folder;
    this.#roots = [folder.path, ...stores];
    this.table = table;
    this.#now = now;
  }

  /** @throws DepsError `FILE_FAILED` when it may not be read; `signal.reason` */
  async check(
    path: string,
    { digest, size }: ExpectedContent,
    { isDeep = false, signal }: CheckOptions = {},
  ): Promise<Presence> {
    signal?.throwIfAborted();
    const found = await this.#look(path);
    if (typeof found === "string") return found;
    if (size !== undefined && found.size !== BigInt(size)) return "differs";
    const algorithm = digestAlgorithm(digest);
    const name = this.#nameOf(path);
    for (let reading = this.#reading.get(name); reading && !isDeep; reading = this.#reading.get(name))
      await unlessAborted(reading, signal); // then it is known, most likely
    const known = isDeep ? undefined : this.table.digestOf(name, found, algorithm);
    const actual =
      known ?? (await this.#readAlone(name, () => this.#read(path, Number(found.size), algorithm, signal)));
    if (actual === undefined) return "absent";
    return actual === digest ? "present" : "differs";
  }

  /**
   * A file written within the last tick of the clock gets the time of a moment ago: so a later change shows, and it need
   * not be read once more.
   * @throws DepsError `FILE_FAILED`
   */
  async note(path: string, digest: Digest): Promise<void> {
    let found = await this.#look(path);
    if (typeof found !== "string" && !this.#isSettled(found)) found = await this.#settle(path);
    const name = this.#nameOf(path);
    if (typeof found === "string" || !this.#isSettled(found)) this.table.forget(name);
    else this.table.note(name, found, digest, this.#now());
  }

  /** @throws DepsError `FILE_FAILED` */
  async known(path: string): Promise<Digest | undefined> {
    const found = await this.#look(path);
    return typeof found === "string" ? undefined : this.table.digestOf(this.#nameOf(path), found, undefined);
  }

  /** Ends the threads that read. @internal */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool[Symbol.asyncDispose]();
  }

  /** The file at `path`, or what to say of it. */
  async #look(path: string): Promise<FileMark | "absent" | "differs"> {
    try {
      const found: BigIntStats = await lstat(path, { bigint: true });
      if (found.isFile()) return markOf(found);
      if (!found.isSymbolicLink() || !this.#isOurs(await realpath(path))) return "differs";
      const target = await stat(path, { bigint: true });
      return target.isFile() ? markOf(target) : "differs";
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ELOOP") return "differs";
      if (!isMissing(error)) throw fileError(error, path);
      this.table.forget(this.#nameOf(path));
      return "absent";
    }
  }

  async #readAlone<Value>(name: string, read: () => Promise<Value>): Promise<Value> {
    const reading = read();
    const settled = reading.catch(() => {});
    this.#reading.set(name, settled);
    try {
      return await reading;
    } finally {
      if (this.#reading.get(name) === settled) this.#reading.delete(name);
    }
  }

  async #read(
    path: string,
    size: number,
    algorithm: DigestAlgorithm,
    signal: AbortSignal | undefined,
  ): Promise<Digest | "unreadable" | undefined> {
    const name = this.#nameOf(path);
    try {
      const { hex, mark } = await this.#pool.hash(path, size, algorithm, signal);
      const digest = parseDigest(`${algorithm}:${hex}`);
      if (mark && this.#isSettled(mark)) this.table.note(name, mark, digest, this.#now());
      else this.table.forget(name);
      return digest;
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      this.table.forget(name);
      const { code } = error as NodeJS.ErrnoException;
      if (isMissing(error)) return undefined;
      if (code === "EIO" || code === "EISDIR") return "unreadable"; // bytes nobody can have are to be brought anew
      throw fileError(error, path);
    }
  }

  /** Puts the time of a file that we wrote back by a moment. */
  async #settle(path: string): Promise<FileMark | "absent" | "differs"> {
    const seconds = (Date.now() - setBackMs) / 1000;
    await utimes(path, seconds, seconds).catch(() => {}); // then it is not ours, and read again later
    return await this.#look(path);
  }

  /** Whether any later change gives the file another time. */
  #isSettled({ mtimeNs }: FileMark): boolean {
    const isWholeSecond = mtimeNs % 1_000_000_000n === 0n;
    return Date.now() - Number(mtimeNs / 1_000_000n) > (isWholeSecond ? coarsestClockMs : coarseClockMs);
  }

  #isOurs(path: string): boolean {
    return this.#roots.some((root) => isWithin(path, root));
  }

  #nameOf(path: string): string {
    const full = resolve(path);
    const name = pathBelow(this.#folder, full) ?? relative(this.#folder.path, full);
    return isAbsolute(name) ? name : name.split(sep).join("/");
  }
}

/** Waits for something that never fails. @throws `signal.reason` */
async function unlessAborted(work: Promise<unknown>, signal: AbortSignal | undefined): Promise<void> {
  if (!signal) return void (await work);
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    signal.throwIfAborted();
    await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
