import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { type CallOptions, joinPath, type RegistryReader, type RepositoryReader } from "@tranship/registry";
import { MirrorError } from "../errors.ts";
import type { OnEvent } from "../events.ts";
import { LayoutContent, type LayoutStorage } from "../layout/layout-content.ts";
import { type LockFile, lockFileName, parseLockFile } from "../plan/lock-file.ts";
import { blobPath } from "../plan/section.ts";
import { ArchiveReader } from "./archive-reader.ts";
import { mergeArchives, type RepositoryContent } from "./bundle-content.ts";
import { workFolder } from "./bundle-lock.ts";
import { type FoundArchive, findArchives } from "./find-archives.ts";
import { graphFaults } from "./graph-faults.ts";
import { localError } from "./local-error.ts";
import { archiveInvalid, type TarEntry } from "./tar-reader.ts";
import { journalName } from "./work-folder.ts";

/** Options of {@link Bundle.open}. */
export interface OpenBundleOptions extends CallOptions {
  /** Told of tags that several images claim, and of images without one. */
  readonly onEvent?: OnEvent | undefined;
}

/** An archive of an open bundle. `bytes` is its length. */
export interface BundleArchive {
  readonly name: string;
  readonly bytes: number;
  readonly entries: readonly TarEntry[];
}

/**
 * A directory of archives as a registry: never unpacked, never written to. Whoever opens it disposes of it; reading may be
 * shared.
 */
export class Bundle implements RegistryReader, AsyncDisposable {
  readonly directory: string;
  readonly name: string;
  /** The finished plan of the pull that made the bundle; other tools leave none. */
  readonly lock: LockFile | undefined;
  readonly #archives: readonly ArchiveReader[];
  readonly #contents: ReadonlyMap<string, RepositoryContent>;

  private constructor(
    directory: string,
    lock: LockFile | undefined,
    archives: readonly ArchiveReader[],
    contents: ReadonlyMap<string, RepositoryContent>,
  ) {
    this.directory = directory;
    this.name = `bundle:${directory}`;
    this.lock = lock;
    this.#archives = archives;
    this.#contents = contents;
  }

  /**
   * Opens the bundle in a directory: scans the headers of its archives and joins their indexes.
   * @throws MirrorError `BUNDLE_NOT_FOUND`, `BUNDLE_UNFINISHED`, `ARCHIVE_INVALID`, `PLAN_INVALID`, `FILE_FAILED`
   */
  static async open(directory: string, { signal, onEvent }: OpenBundleOptions = {}): Promise<Bundle> {
    signal?.throwIfAborted();
    const lock = await readLock(directory);
    if (!lock) await requireNoPull(directory);
    const found = await findArchives(directory);
    if (!lock && found.length === 0) {
      throw new MirrorError("BUNDLE_NOT_FOUND", `there are no archives in ${directory}`, { bundle: directory });
    }
    for (const { archive } of lock?.files ?? []) {
      if (!found.some(({ name }) => name === archive))
        throw archiveInvalid(archive, `${lockFileName} lists it and it is missing`);
    }
    return Bundle.#scan(directory, lock, found, { signal, onEvent });
  }

  static async #scan(
    directory: string,
    lock: LockFile | undefined,
    found: readonly FoundArchive[],
    { signal, onEvent }: OpenBundleOptions,
  ): Promise<Bundle> {
    const archives: ArchiveReader[] = [];
    try {
      for (const archive of found) archives.push(await ArchiveReader.open(archive, signal));
      return new Bundle(directory, lock, archives, await mergeArchives(archives, onEvent));
    } catch (error) {
      await Promise.all(archives.map((archive) => archive[Symbol.asyncDispose]()));
      throw error;
    }
  }

  /** The archives by name, with their entries in order. */
  get archives(): readonly BundleArchive[] {
    return this.#archives.map(({ name, size, entries }) => ({ name, bytes: size, entries }));
  }

  repository(path: string): RepositoryReader {
    return new LayoutContent(storageOf(this.name, path, this.#contents.get(path)));
  }

  /** Paths of all image layouts, bytewise; the empty path is the archives' root. */
  async *repositories({ signal }: CallOptions = {}): AsyncGenerator<string> {
    for (const path of this.#contents.keys()) {
      signal?.throwIfAborted();
      yield path;
    }
  }

  /**
   * Makes sure that every image is whole: each manifest hashes to its digest, and everything it leads to is in its
   * repository with the right size. Layers are not read.
   * @throws MirrorError `ARCHIVE_INVALID` for the first thing that is missing or wrong
   */
  async checkGraphs({ signal }: CallOptions = {}): Promise<void> {
    for (const content of this.#contents.values()) {
      for await (const { archive, entry, message } of graphFaults(content, this.repository(content.path), signal)) {
        throw archiveInvalid(archive, message, entry);
      }
    }
  }

  /** What lies behind it, for the verification of every byte. @internal */
  get contents(): { readonly archives: readonly ArchiveReader[]; readonly repositories: Iterable<RepositoryContent> } {
    return { archives: this.#archives, repositories: this.#contents.values() };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#archives.map((archive) => archive[Symbol.asyncDispose]()));
  }
}

function storageOf(bundle: string, path: string, content: RepositoryContent | undefined): LayoutStorage {
  return {
    name: path === "" ? bundle : `${bundle}/${path}`,
    index: () => content?.index,
    stat: async (digest) => content?.blobs.get(digest)?.[0]?.entry.size,
    async *pieces(digest, offset, length, signal) {
      const copy = content?.blobs.get(digest)?.[0];
      if (copy) yield* copy.archive.pieces(copy.entry, offset, length, signal);
    },
    fileOf(digest) {
      const copy = content?.blobs.get(digest)?.[0];
      return copy ? `${copy.entry.name} in ${copy.archive.name}` : joinPath(path, blobPath(digest));
    },
  };
}

/** A pull takes the lock file away before it changes anything, and brings it back last. */
async function requireNoPull(directory: string): Promise<void> {
  const path = join(directory, workFolder, journalName);
  try {
    await stat(path);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR") return;
    throw localError(error, path);
  }
  const message = `the pull into ${directory} was interrupted: run the same pull again to finish the bundle`;
  throw new MirrorError("BUNDLE_UNFINISHED", message, { bundle: directory });
}

async function readLock(directory: string): Promise<LockFile | undefined> {
  const path = join(directory, lockFileName);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === "ENOENT" || code === "ENOTDIR") return undefined;
    throw localError(error, path);
  }
  return parseLockFile(text, path);
}
