import { createHash } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { readTarEntries, type TarEntry } from "../../bundle/tar/tar-reader.ts";
import { isMirrorError } from "../../errors.ts";
import { type ExportedFile, exportFileName, invalidArchive, maxExportFileBytes } from "./export-file.ts";

const pieceBytes = 1024 * 1024;

/** Reads an archive of a cache, file by file, wherever they are in it. */
export class ArchiveReader implements AsyncDisposable {
  readonly path: string;
  readonly #file: FileHandle;
  readonly #entries: readonly TarEntry[];

  private constructor(path: string, file: FileHandle, entries: readonly TarEntry[]) {
    this.path = path;
    this.#file = file;
    this.#entries = entries;
  }

  /** @throws DepsError `ARCHIVE_INVALID` for what is no whole and harmless tar archive */
  static async open(path: string, signal: AbortSignal): Promise<ArchiveReader> {
    const file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)); // no waiting for who writes to a pipe
    try {
      const found = await file.stat();
      if (!found.isFile()) throw invalidArchive(path, "it is no file");
      const source = {
        name: path,
        size: found.size,
        read: async (offset: number, length: number) => {
          const bytes = Buffer.alloc(length);
          return bytes.subarray(0, (await file.read(bytes, 0, length, offset)).bytesRead);
        },
      };
      const entries = await readTarEntries(source, { signal }).catch((error: unknown) => {
        if (!isMirrorError(error, "ARCHIVE_INVALID")) throw error;
        throw invalidArchive(path, error.details.reason, error.details.entry, error);
      });
      return new ArchiveReader(path, file, entries);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** The bytes of its first file, the list of the others. @throws DepsError `ARCHIVE_INVALID` */
  async readHead(): Promise<Uint8Array> {
    const [first] = this.#entries;
    if (first?.name !== exportFileName) throw invalidArchive(this.path, `it does not begin with ${exportFileName}`);
    if (first.size > maxExportFileBytes)
      throw invalidArchive(this.path, `it is over ${maxExportFileBytes} bytes long`, first.name);
    return await this.#readWhole(first);
  }

  /** Where the bytes of each listed file are. @throws DepsError `ARCHIVE_INVALID` unless exactly those are there, in their order */
  placesOf(files: readonly ExportedFile[]): readonly TarEntry[] {
    const entries = this.#entries.slice(1);
    for (const [at, { path, size }] of files.entries()) {
      const entry = entries[at];
      if (entry?.name !== path)
        throw invalidArchive(this.path, "it is listed and not there, or not in its place", path);
      if (entry.size !== size) throw invalidArchive(this.path, `it has ${entry.size} bytes, not ${size}`, path);
    }
    const more = entries[files.length];
    if (more !== undefined) throw invalidArchive(this.path, "it is there and not listed", more.name);
    return entries;
  }

  /** The bytes of a file from `from` on, unchecked. */
  async *read({ offset, size }: TarEntry, from: number, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    for (let done = from; done < size; ) {
      signal.throwIfAborted();
      const bytes = Buffer.allocUnsafeSlow(Math.min(pieceBytes, size - done));
      const { bytesRead } = await this.#file.read(bytes, 0, bytes.byteLength, offset + done);
      if (bytesRead === 0) throw invalidArchive(this.path, "it got shorter while it was read");
      done += bytesRead;
      yield bytes.subarray(0, bytesRead);
    }
  }

  /** All bytes of a small file. @throws DepsError `ARCHIVE_INVALID` for one that is over `maxBytes`, or other than listed */
  async readSmall(entry: TarEntry, { sha256, path }: ExportedFile, maxBytes: number): Promise<Uint8Array> {
    if (entry.size > maxBytes) throw invalidArchive(this.path, `it is over ${maxBytes} bytes long`, path);
    const bytes = await this.#readWhole(entry);
    if (createHash("sha256").update(bytes).digest("hex") === sha256) return bytes;
    throw invalidArchive(this.path, "its bytes are others than those that were exported", path);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
  }

  async #readWhole(entry: TarEntry): Promise<Uint8Array> {
    const pieces: Uint8Array[] = [];
    for await (const piece of this.read(entry, 0, new AbortController().signal)) pieces.push(piece);
    return Buffer.concat(pieces, entry.size);
  }
}
