import { basename, resolve } from "node:path";
import type { AllocatePiece } from "@tranship/registry";
import type { BlobPiece, PiecesOptions } from "../../layout/layout-content.ts";
import { FileChanged, FilePool, type PooledFile } from "../disk/file-pool.ts";
import { archiveInvalid, readTarEntries, type TarEntry, type TarSource } from "../tar/tar-reader.ts";
import type { FoundArchive } from "./find-archives.ts";

interface Segment extends PooledFile {
  /** Where in the archive the file starts. */
  readonly start: number;
}

/** A file an archive is made of: the archive's own, or a chunk. `bytes` is its size. */
export interface ArchiveFile {
  readonly file: string;
  readonly bytes: number;
}

/** Options of {@link ArchiveReader.open}. */
export interface OpenArchiveOptions {
  /** How messages name it. @defaultValue its file's name */
  readonly name?: string | undefined;
  /** What opens its files; the caller closes it. @defaultValue one of its own */
  readonly pool?: FilePool | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** As much as {@link AllocatePiece} has memory for that is used again. */
const pieceBytes = 128 * 1024;

/** An archive, whole or in chunks, read at any place of it. Its files are opened when they are read. */
export class ArchiveReader implements TarSource, AsyncDisposable {
  /** How messages name it: its file's name, with its folder where archives of several folders have the same. */
  readonly name: string;
  /** Its file's name, also where it is split into chunks. */
  readonly archive: string;
  /** The folder it lies in. */
  readonly directory: string;
  readonly #segments: readonly Segment[];
  readonly #pool: FilePool;
  readonly #ownPool: FilePool | undefined;
  #entries: readonly TarEntry[] = [];

  private constructor(found: FoundArchive, segments: readonly Segment[], { name, pool }: OpenArchiveOptions) {
    this.name = name ?? found.archive;
    this.archive = found.archive;
    this.directory = found.directory;
    this.#segments = segments;
    this.#ownPool = pool ? undefined : new FilePool();
    this.#pool = pool ?? this.#ownPool ?? new FilePool();
  }

  /** Scans an archive's headers. @throws MirrorError `ARCHIVE_INVALID`, `FILE_FAILED` */
  static async open(found: FoundArchive, options: OpenArchiveOptions = {}): Promise<ArchiveReader> {
    const segments: Segment[] = [];
    let start = 0;
    for (const path of found.paths) {
      const file = await FilePool.find(path);
      segments.push({ ...file, start });
      start += file.size;
    }
    const archive = new ArchiveReader(found, segments, options);
    try {
      archive.#entries = await readTarEntries(archive, { signal: options.signal });
      return archive;
    } catch (error) {
      await archive[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Its length in bytes. */
  get size(): number {
    const last = this.#segments.at(-1);
    return last ? last.start + last.size : 0;
  }

  /** Its files, in its order. */
  get entries(): readonly TarEntry[] {
    return this.#entries;
  }

  /** What it is made of: one file, or its chunks in order. */
  get files(): readonly ArchiveFile[] {
    return this.#segments.map(({ path, size }) => ({ file: basename(path), bytes: size }));
  }

  /** The chunks that hold a part of it, by their file names; none where it is whole. */
  chunksOf(range: Pick<TarEntry, "offset" | "size">): readonly string[] {
    return this.#isWhole ? [] : this.#segmentsOf(range).map(({ path }) => basename(path));
  }

  /** The chunk that holds the byte at `offset`, or the last one; `undefined` where the archive is whole. */
  fileAt(offset: number): string | undefined {
    if (this.#isWhole) return undefined;
    return this.chunksOf({ offset, size: 1 })[0] ?? basename(this.#segments.at(-1)?.path ?? this.archive);
  }

  /** @throws MirrorError `ARCHIVE_INVALID` when a file is not the one that was scanned, `FILE_FAILED` */
  async read(offset: number, length: number, allocate: AllocatePiece = Buffer.allocUnsafeSlow): Promise<Uint8Array> {
    const bytes = allocate(length);
    let done = 0;
    for (const segment of this.#segments) {
      const { start, size } = segment;
      while (done < length && offset + done >= start && offset + done < start + size) {
        const at = offset + done - start;
        const got = await this.#readFrom(segment, bytes.subarray(done, done + Math.min(length - done, size - at)), at);
        if (got === 0) return bytes.subarray(0, done); // it got shorter while it was open
        done += got;
      }
    }
    return bytes.subarray(0, done);
  }

  /** Exactly the bytes of an entry from `offset` on, in pieces the caller owns. @throws MirrorError `ARCHIVE_INVALID`, `FILE_FAILED` */
  async *pieces(
    entry: TarEntry,
    offset: number,
    length: number,
    { allocate, signal }: PiecesOptions = {},
  ): AsyncGenerator<Uint8Array> {
    const readAt = (done: number) =>
      this.read(entry.offset + offset + done, Math.min(pieceBytes, length - done), allocate);
    let ahead: Promise<Uint8Array> | undefined;
    await this.#requireSame({ offset: entry.offset + offset, size: length });
    for (let done = 0; done < length; ) {
      signal?.throwIfAborted();
      const piece = await (ahead ?? readAt(done));
      const wanted = Math.min(pieceBytes, length - done);
      if (piece.byteLength < wanted) {
        const file = this.fileAt(entry.offset + offset + done + piece.byteLength);
        throw archiveInvalid(this.name, "it got shorter while it was read", entry.name, { file });
      }
      done += wanted;
      ahead = done < length ? readAt(done) : undefined; // the disk works while the caller does
      ahead?.catch(() => {}); // it is looked at only if the caller goes on
      yield piece;
    }
  }

  /**
   * Where the bytes of an entry lie: in one file, or in chunks, in their order.
   * @throws MirrorError `ARCHIVE_INVALID` when a file is not the one that was scanned, `FILE_FAILED`
   */
  async places(entry: TarEntry): Promise<readonly BlobPiece[]> {
    await this.#requireSame(entry);
    return this.#segmentsOf(entry).map(({ path, start, size }) => {
      const at = Math.max(start, entry.offset);
      return {
        path: resolve(path),
        offset: at - start,
        length: Math.min(start + size, entry.offset + entry.size) - at,
      };
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#ownPool?.[Symbol.asyncDispose]();
  }

  get #isWhole(): boolean {
    const [only, ...others] = this.#segments;
    return others.length === 0 && (only === undefined || basename(only.path) === this.archive);
  }

  #segmentsOf({ offset, size }: Pick<TarEntry, "offset" | "size">): readonly Segment[] {
    const end = offset + Math.max(1, size);
    return this.#segments.filter((segment) => segment.start < end && segment.start + segment.size > offset);
  }

  async #requireSame(range: Pick<TarEntry, "offset" | "size">): Promise<void> {
    for (const segment of this.#segmentsOf(range)) {
      await this.#naming(segment, () => FilePool.requireSame(segment));
    }
  }

  async #readFrom(segment: Segment, into: Uint8Array, at: number): Promise<number> {
    return await this.#naming(segment, () => this.#pool.read(segment, into, at));
  }

  /** Turns the pool's word for a file that was changed into an error that names it. */
  async #naming<T>({ start }: Segment, use: () => Promise<T>): Promise<T> {
    try {
      return await use();
    } catch (error) {
      if (!(error instanceof FileChanged)) throw error;
      const reason = "it was replaced or changed while it was open";
      throw archiveInvalid(this.name, reason, undefined, { cause: error, file: this.fileAt(start) });
    }
  }
}
