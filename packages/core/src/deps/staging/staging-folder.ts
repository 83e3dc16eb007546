import { randomUUID } from "node:crypto";
import { constants } from "node:fs";
import { copyFile, link, lstat, mkdir, rm } from "node:fs/promises";
import { join, resolve } from "node:path";
import { type Digest, digestAlgorithm, digestHex, type OpenBlob } from "@tranship/registry";
import { SpaceGuard } from "../../bundle/disk/space-guard.ts";
import { fileError, onDisk, onDiskIfAny } from "../file-error.ts";
import type { ExpectedContent, FillOptions, StagedFile, Staging } from "../jobs/item-job.ts";
import { fillPartial } from "./fill-partial.ts";
import { Flight } from "./flight.ts";
import { makeFile, PartialFile } from "./partial-file.ts";
import { prepareFolders } from "./safe-place.ts";
import { stagedFile } from "./staged-file.ts";

/** What {@link StagingFolder.open} may be told. */
export interface StagingFolderOptions {
  /**
   * The folders one of which everything is to be put below; a symbolic link that leads out of them is not followed.
   * @defaultValue anywhere
   */
  readonly roots?: readonly string[] | undefined;
}

/**
 * A folder where content is gathered until it is whole. What there is of a content is in a file named by its digest, and
 * written as it comes: whatever ends the process leaves the beginning of the content, which the next run checks and goes
 * on with. One process at a time uses the folder; within it, everybody shares one of these.
 */
export class StagingFolder implements Staging {
  readonly #folder: string;
  readonly #roots: readonly string[];
  readonly #flights = new Map<Digest, Flight>();
  readonly #space = new SpaceGuard();

  private constructor(folder: string, roots: readonly string[]) {
    this.#folder = folder;
    this.#roots = roots;
  }

  /** Uses a folder, which is made if it is missing. @throws DepsError `FILE_FAILED`, `NO_SPACE` */
  static async open(folder: string, { roots = [] }: StagingFolderOptions = {}): Promise<StagingFolder> {
    await onDisk(folder, () => mkdir(folder, { recursive: true }));
    return new StagingFolder(
      resolve(folder),
      roots.map((root) => resolve(root)),
    );
  }

  async fill(content: ExpectedContent, open: OpenBlob, options: FillOptions): Promise<StagedFile> {
    const { digest } = content;
    const { signal, onBytes } = options;
    for (;;) {
      signal.throwIfAborted();
      const flight = this.#flights.get(digest);
      if (flight === undefined) return this.#fetch(content, open, options);
      const shared = await unlessEnded(
        flight.join((path) => this.#copy(path)),
        signal,
      );
      if (shared === undefined) continue; // whoever fetched it failed: it is our turn, or somebody else's
      onBytes?.((await onDisk(shared.path, () => lstat(shared.path))).size);
      return shared;
    }
  }

  async blank(): Promise<StagedFile> {
    const path = this.#temporary();
    await makeFile(path);
    return this.#own(path, false);
  }

  async prepare(path: string): Promise<void> {
    await prepareFolders(resolve(path), this.#roots);
  }

  async #fetch(content: ExpectedContent, open: OpenBlob, options: FillOptions): Promise<StagedFile> {
    const { digest } = content;
    const flight = new Flight();
    this.#flights.set(digest, flight);
    const path = join(this.#folder, `${digestAlgorithm(digest)}-${digestHex(digest)}`);
    try {
      await this.#gather(path, content, open, options);
    } catch (error) {
      this.#flights.delete(digest);
      flight.land(undefined);
      throw error;
    }
    flight.land(path);
    return this.#own(path, true, async (away) => {
      await flight.leave();
      await away();
      this.#flights.delete(digest); // not before: whoever comes next writes to a file of that name
      flight.end();
    });
  }

  async #gather(path: string, content: ExpectedContent, open: OpenBlob, options: FillOptions): Promise<void> {
    const { digest, size } = content;
    const found = await onDiskIfAny(path, () => lstat(path));
    const had = found?.isFile() && (size === undefined || found.size <= size) ? found.size : 0;
    if (found && had === 0) await onDisk(path, () => rm(path, { recursive: true, force: true }));
    const file = new PartialFile(path, digestAlgorithm(digest));
    const need = { outstandingBytes: () => Math.max(0, (size ?? 0) - Math.max(had, file.length)) }; // also while it is read back
    const requireSpace = () => {
      try {
        this.#space.check(path);
      } catch (error) {
        throw fileError(error, path);
      }
    };
    this.#space.add(need);
    try {
      await fillPartial(file, content, open, { ...options, requireSpace });
    } catch (error) {
      if (file.length === 0) await file.remove(); // nothing to go on with
      throw error;
    } finally {
      this.#space.remove(need);
      await file.close();
    }
  }

  /** Another name of the same file, or, where a file can have only one, a copy. */
  async #copy(path: string): Promise<StagedFile> {
    const copy = this.#temporary();
    await onDisk(copy, () => link(path, copy).catch(() => copyFile(path, copy, constants.COPYFILE_FICLONE)));
    return this.#own(copy, false);
  }

  #own(path: string, isFlushed: boolean, leave = (away: () => Promise<void>) => away()): StagedFile {
    return stagedFile(path, { isFlushed, leave, prepare: (destination) => this.prepare(destination) });
  }

  #temporary(): string {
    return join(this.#folder, `${randomUUID()}.tmp`);
  }
}

/** What somebody else brings, unless `signal` ends the wait; then what comes is removed. */
async function unlessEnded(
  coming: Promise<StagedFile | undefined>,
  signal: AbortSignal,
): Promise<StagedFile | undefined> {
  const { promise: ended, reject } = Promise.withResolvers<never>();
  const onAbort = () => reject(signal.reason);
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([coming, ended]);
  } catch (error) {
    if (signal.aborted) coming.then((file) => file?.[Symbol.asyncDispose]()).catch(() => {});
    throw error;
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}
