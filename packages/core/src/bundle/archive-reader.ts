import { type FileHandle, open } from "node:fs/promises";
import type { FoundArchive } from "./find-archives.ts";
import { localError } from "./local-error.ts";
import { archiveInvalid, readTarEntries, type TarEntry, type TarSource } from "./tar-reader.ts";

interface Segment {
  readonly path: string;
  readonly file: FileHandle;
  /** Where in the archive the file starts. */
  readonly start: number;
  readonly size: number;
}

const pieceBytes = 512 * 1024;

/** An open archive, whole or in chunks, read at any place of it. Its files stay open until it is disposed of. */
export class ArchiveReader implements TarSource, AsyncDisposable {
  readonly name: string;
  readonly #segments: readonly Segment[];
  #entries: readonly TarEntry[] = [];

  private constructor(name: string, segments: readonly Segment[]) {
    this.name = name;
    this.#segments = segments;
  }

  /** Opens and scans an archive. @throws MirrorError `ARCHIVE_INVALID`, `FILE_FAILED` */
  static async open({ name, paths }: FoundArchive, signal?: AbortSignal): Promise<ArchiveReader> {
    const segments: Segment[] = [];
    const archive = new ArchiveReader(name, segments);
    try {
      for (const path of paths) segments.push(await openSegment(path, archive.size));
      archive.#entries = await readTarEntries(archive, { signal });
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

  /** @throws MirrorError `FILE_FAILED` */
  async read(offset: number, length: number): Promise<Uint8Array> {
    const bytes = Buffer.allocUnsafeSlow(length);
    let done = 0;
    for (const { path, file, start, size } of this.#segments) {
      while (done < length && offset + done >= start && offset + done < start + size) {
        const at = offset + done - start;
        const got = await readFrom(file, path, bytes.subarray(done, done + Math.min(length - done, size - at)), at);
        if (got === 0) return bytes.subarray(0, done); // it got shorter while it was open
        done += got;
      }
    }
    return bytes.subarray(0, done);
  }

  /** Exactly the bytes of an entry from `offset` on, in pieces the caller owns. @throws MirrorError `ARCHIVE_INVALID`, `FILE_FAILED` */
  async *pieces(entry: TarEntry, offset: number, length: number, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    const readAt = (done: number) => this.read(entry.offset + offset + done, Math.min(pieceBytes, length - done));
    let ahead: Promise<Uint8Array> | undefined;
    for (let done = 0; done < length; ) {
      signal?.throwIfAborted();
      const piece = await (ahead ?? readAt(done));
      const wanted = Math.min(pieceBytes, length - done);
      if (piece.byteLength < wanted) throw archiveInvalid(this.name, "it got shorter while it was read", entry.name);
      done += wanted;
      ahead = done < length ? readAt(done) : undefined; // the disk works while the caller does
      ahead?.catch(() => {}); // it is looked at only if the caller goes on
      yield piece;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#segments.map(({ file }) => file.close()));
  }
}

async function openSegment(path: string, start: number): Promise<Segment> {
  try {
    const file = await open(path, "r");
    return { path, file, start, size: (await file.stat()).size };
  } catch (error) {
    throw localError(error, path);
  }
}

async function readFrom(file: FileHandle, path: string, into: Uint8Array, at: number): Promise<number> {
  try {
    return (await file.read(into, 0, into.byteLength, at)).bytesRead;
  } catch (error) {
    throw localError(error, path);
  }
}
