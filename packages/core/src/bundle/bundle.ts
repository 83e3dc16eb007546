import { join } from "node:path";
import type { CallOptions, Digest, RegistryReader, RepositoryReader } from "@tranship/registry";
import type { OnEvent } from "../events.ts";
import { compareText } from "../layout/index-file.ts";
import { LayoutContent } from "../layout/layout-content.ts";
import { nameSome } from "../name-some.ts";
import type { LockFile } from "../plan/lock-file.ts";
import { type ArchiveFile, ArchiveReader } from "./archive/archive-reader.ts";
import type { ProveOptions } from "./archive/blob-copy.ts";
import type { FoundArchive } from "./archive/find-archives.ts";
import type { AssumedContent, BasedSource } from "./assumed.ts";
import { type ArchiveGroup, type MergedArchives, mergeArchives, type RepositoryContent } from "./bundle-content.ts";
import { BundleCopies } from "./bundle-storage.ts";
import { FilePool } from "./disk/file-pool.ts";
import { type BundleLockFile, type FoundPlace, findPlaces } from "./find-places.ts";
import { graphFaults } from "./graph-faults.ts";
import { lockFindings } from "./lock-findings.ts";
import { archiveInvalid, type TarEntry } from "./tar/tar-reader.ts";
import type { UnannouncedSource } from "./unannounced.ts";

/** Options of {@link Bundle.open}. */
export interface OpenBundleOptions extends CallOptions {
  /** Told of tags that several images claim, of images without one, of what the pull went on without, and of copies that prove damaged while they are read. */
  readonly onEvent?: OnEvent | undefined;
}

/** An archive of an open bundle. `bytes` is its length. */
export interface BundleArchive {
  /** Its file's name; `folder/file` where archives of several folders have the same. */
  readonly name: string;
  /** Its file's name, also where it is split into chunks. */
  readonly archive: string;
  /** The folder it lies in. */
  readonly directory: string;
  readonly bytes: number;
  /** What it is made of: one file, or its chunks in order. */
  readonly files: readonly ArchiveFile[];
  readonly entries: readonly TarEntry[];
}

/** A blob of the repository at `path`. */
export interface BlobOfRepository {
  readonly path: string;
  readonly digest: Digest;
}

/**
 * Bundles and archives as one registry: never unpacked, never written to. Whoever opens it disposes of it; reading may be
 * shared. At most 16 files are open at a time.
 */
export class Bundle implements RegistryReader, BasedSource, UnannouncedSource, AsyncDisposable {
  /** The first folder that was named, or the one the first archive lies in. */
  readonly directory: string;
  readonly name: string;
  readonly isUnannounced = true;
  /** The lock files of all folders that have one, in the order they were named. Other tools leave none. */
  readonly locks: readonly BundleLockFile[];
  /** The finished plan of the pull that made the bundle, where one folder and nothing else is open. */
  readonly lock: LockFile | undefined;
  readonly #archives: readonly ArchiveReader[];
  readonly #merged: MergedArchives;
  readonly #copies: BundleCopies;
  readonly #pool: FilePool;

  private constructor(
    name: string,
    places: readonly FoundPlace[],
    archives: readonly ArchiveReader[],
    merged: MergedArchives,
    pool: FilePool,
    onEvent: OnEvent | undefined,
  ) {
    this.directory = places[0]?.directory ?? "";
    this.name = name;
    this.locks = places.flatMap(({ lock }) => lock ?? []);
    this.lock = places.length === 1 ? this.locks[0]?.lock : undefined;
    this.#archives = archives;
    this.#merged = merged;
    this.#copies = new BundleCopies(merged, onEvent);
    this.#pool = pool;
  }

  /**
   * Opens bundles together: scans the headers of their archives and joins their indexes. Each place is a bundle's folder;
   * an archive, `x.tar`, by that name also where only its chunks are there; or any one chunk, which stands for the whole
   * set. Links to files are followed. An archive alone has no lock: what its folder's lock says is not looked at. What is
   * named twice is taken once.
   *
   * Which image a tag means that several claim: inside one folder the last by `ref.name`, then by archive; of several
   * places the one named last. A blob that a lock leaves to a base is read from any archive at hand.
   * @throws MirrorError `BUNDLE_NOT_FOUND`, `BUNDLE_UNFINISHED`, `ARCHIVE_INVALID`, `PLAN_INVALID`, `FILE_FAILED`
   */
  static async open(places: string | readonly string[], { signal, onEvent }: OpenBundleOptions = {}): Promise<Bundle> {
    signal?.throwIfAborted();
    const named = typeof places === "string" ? [places] : places;
    const found = await findPlaces(named);
    const pool = new FilePool();
    try {
      const nameOf = archiveNames(found);
      const groups: (ArchiveGroup & { readonly archives: ArchiveReader[] })[] = [];
      for (const { archives, lock } of found) {
        const group = { archives: [] as ArchiveReader[], lock: lock?.lock };
        groups.push(group);
        for (const archive of archives) {
          group.archives.push(await ArchiveReader.open(archive, { name: nameOf(archive), pool, signal }));
        }
      }
      const archives = groups.flatMap((group) => group.archives);
      const merged = await mergeArchives(groups, onEvent);
      for (const { directory, lock } of found) if (lock && onEvent) warnOfFailed(directory, lock.lock, onEvent);
      return new Bundle(`bundle:${named.join("+")}`, found, archives, merged, pool, onEvent);
    } catch (error) {
      await pool[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The archives: those of each place by name, with their entries in order. */
  get archives(): readonly BundleArchive[] {
    return this.#archives.map(({ name, archive, directory, size, files, entries }) => ({
      name,
      archive,
      directory,
      bytes: size,
      files,
      entries,
    }));
  }

  repository(path: string): RepositoryReader {
    const name = path === "" ? this.name : `${this.name}/${path}`;
    return new LayoutContent(this.#copies.storage(name, path));
  }

  /** Paths of all image layouts, bytewise; the empty path is the archives' root. */
  async *repositories({ signal }: CallOptions = {}): AsyncGenerator<string> {
    for (const path of this.#merged.repositories.keys()) {
      signal?.throwIfAborted();
      yield path;
    }
  }

  /**
   * What a lock leaves to a base and no archive at hand holds, in any repository; by path and digest. An archive that was
   * opened without its lock assumes nothing.
   */
  assumed(): readonly AssumedContent[] {
    return [...this.#merged.repositories.values()].flatMap(({ path, assumed }) =>
      [...assumed.values()].map((blob) => ({ path, ...blob })).sort((a, b) => compareText(a.digest, b.digest)),
    );
  }

  /**
   * Makes sure that every image is whole: each manifest hashes to its digest, and everything it leads to is in its
   * repository with the right size, or is a config or layer that a lock leaves to a base. Layers are not read.
   * @throws MirrorError `ARCHIVE_INVALID` for the first thing that is missing or wrong
   */
  async checkGraphs({ signal }: CallOptions = {}): Promise<void> {
    for (const content of this.#merged.repositories.values()) {
      for await (const { archive, entry, files, message } of graphFaults(
        content,
        this.repository(content.path),
        signal,
      )) {
        throw archiveInvalid(archive, message, entry, { file: files?.[0] });
      }
    }
  }

  /**
   * Makes sure that the bundle is what its locks say, as far as that can be told without reading blobs, and that these
   * blobs are what their digests say: hashes one copy of each, or as many as it takes to find a right one, which is read
   * from then on. For those who do something with them that cannot be taken back.
   * @throws MirrorError `ARCHIVE_INVALID` naming the archive and the entry; of a blob, when no copy of it is right
   */
  async proveBlobs(blobs: Iterable<BlobOfRepository>, { signal, onBytes }: ProveOptions = {}): Promise<void> {
    for (const { directory, lock } of this.locks) {
      const own = this.#archives.filter((archive) => archive.directory === directory);
      for await (const { archive, message, entry } of lockFindings(lock, own, { signal, unlisted: "allowed" })) {
        throw archiveInvalid(archive ?? directory, message, entry);
      }
    }
    for (const { path, digest } of blobs) {
      signal?.throwIfAborted();
      await this.#copies.prove(path, digest, { signal, onBytes });
    }
  }

  /** What lies behind it, for the verification of every byte. @internal */
  get contents(): { readonly archives: readonly ArchiveReader[]; readonly repositories: Iterable<RepositoryContent> } {
    return { archives: this.#archives, repositories: this.#merged.repositories.values() };
  }

  /** Closes its files: nothing can be read from it any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool[Symbol.asyncDispose]();
  }
}

/** A pull may have gone on without something that was asked for: whoever uses the bundle should know. */
function warnOfFailed(directory: string, { failed = [] }: LockFile, onEvent: OnEvent): void {
  if (failed.length === 0) return;
  const names = nameSome(failed.map(({ component, item }) => `${component}: ${item}`));
  const message = `the pull that made ${directory} went on without ${names}; run again, it brings the rest`;
  onEvent({ type: "warning.raised", code: "ITEMS_FAILED", message });
}

/** How messages name archives: by their files, with the folder where a name is there twice. */
function archiveNames(places: readonly FoundPlace[]): (archive: FoundArchive) => string {
  const times = new Map<string, number>();
  for (const { archive } of places.flatMap(({ archives }) => archives)) {
    times.set(archive, (times.get(archive) ?? 0) + 1);
  }
  return ({ archive, directory }) => ((times.get(archive) ?? 0) > 1 ? join(directory, archive) : archive);
}
