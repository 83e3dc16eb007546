import { resolve } from "node:path";
import { FileChanged, FilePool, type PooledFile } from "../../../bundle/disk/file-pool.ts";
import { TarFault } from "../../../bundle/tar/tar-block.ts";
import type { TarEntry } from "../../../bundle/tar/tar-reader.ts";
import { isMirrorError } from "../../../errors.ts";
import type { BlobPiece } from "../../../layout/layout-content.ts";
import { RootfsError } from "../../errors.ts";
import { imageInvalid } from "../extract-config.ts";
import { type ArchiveIndex, indexArchive } from "./archive-index.ts";

const pieceBytes = 512 * 1024;

/** The files in one archive, read where they lie. The archive must not change while it is open. */
export class ArchiveFiles implements AsyncDisposable {
  /** As an absolute path. */
  readonly path: string;
  readonly #pool: FilePool = new FilePool(1);
  readonly #file: PooledFile;
  #index: ArchiveIndex | undefined;

  private constructor(path: string, file: PooledFile) {
    this.path = path;
    this.#file = file;
  }

  /** @throws RootfsError `IMAGE_INVALID`, `FILE_FAILED` */
  static async open(path: string, signal?: AbortSignal): Promise<ArchiveFiles> {
    const absolute = resolve(path);
    const file = await telling(absolute, () => FilePool.find(absolute));
    const files = new ArchiveFiles(absolute, file);
    try {
      await telling(absolute, () => files.#scan(signal));
      return files;
    } catch (error) {
      await files[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** The file of a name, links followed; `undefined` when the archive has none. */
  find(name: string): TarEntry | undefined {
    return this.#index?.file(name);
  }

  /** A whole file. @throws RootfsError `IMAGE_INVALID` also when it is missing or too large, `FILE_FAILED` */
  async read(name: string, maxBytes: number): Promise<Uint8Array> {
    const entry = this.find(name);
    if (!entry) throw imageInvalid(this.path, `there is no ${JSON.stringify(name)} in it`);
    if (entry.size > maxBytes)
      throw imageInvalid(this.path, `${JSON.stringify(name)} in it has ${entry.size} bytes, allowed are ${maxBytes}`);
    return await this.readAt(entry, 0, entry.size);
  }

  /** Part of a file. @throws RootfsError `IMAGE_INVALID`, `FILE_FAILED` */
  async readAt(entry: TarEntry, offset: number, length: number): Promise<Uint8Array> {
    const bytes = await telling(this.path, () => this.#read(entry.offset + offset, length));
    if (bytes.byteLength < length) throw imageInvalid(this.path, "it got shorter while it was read");
    return bytes;
  }

  /** Part of a file, in pieces the caller owns. @throws RootfsError `IMAGE_INVALID`, `FILE_FAILED` */
  async *pieces(entry: TarEntry, offset: number, length: number, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    await this.#requireSame();
    for (let done = 0; done < length; done += pieceBytes) {
      signal?.throwIfAborted();
      yield await this.readAt(entry, offset + done, Math.min(pieceBytes, length - done));
    }
  }

  /** Where a file's bytes lie. @throws RootfsError `IMAGE_INVALID`, `FILE_FAILED` */
  async places({ offset, size }: TarEntry): Promise<readonly BlobPiece[]> {
    await this.#requireSame();
    return [{ path: this.path, offset, length: size }];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool[Symbol.asyncDispose]();
  }

  async #scan(signal: AbortSignal | undefined): Promise<void> {
    const magic = await this.#read(0, 4);
    const packing = packingOf(magic);
    if (packing) throw new TarFault(`it is packed with ${packing}, and would have to be unpacked before each reading`);
    this.#index = await indexArchive((offset, length) => this.#read(offset, length), this.#file.size, signal);
  }

  async #requireSame(): Promise<void> {
    await telling(this.path, () => FilePool.requireSame(this.#file));
  }

  async #read(offset: number, length: number): Promise<Uint8Array> {
    const bytes = Buffer.allocUnsafeSlow(length);
    let done = 0;
    while (done < length) {
      const got = await this.#pool.read(this.#file, bytes.subarray(done), offset + done);
      if (got === 0) break;
      done += got;
    }
    return bytes.subarray(0, done);
  }
}

/** How bytes are packed, by how they begin; `undefined` where they are not. */
export function packingOf(bytes: Uint8Array): "gzip" | "zstd" | undefined {
  const start = Buffer.from(bytes.subarray(0, 4)).toString("hex");
  if (start.startsWith("1f8b")) return "gzip";
  return start === "28b52ffd" ? "zstd" : undefined;
}

/** Turns the words of what reads files into errors of this package. */
async function telling<Answer>(path: string, read: () => Promise<Answer>): Promise<Answer> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof TarFault) throw imageInvalid(path, error.message, error);
    if (error instanceof FileChanged) throw imageInvalid(path, "it was replaced or changed while it was open", error);
    if (!isMirrorError(error, "FILE_FAILED")) throw error;
    throw new RootfsError("FILE_FAILED", error.message, error.details, { cause: error });
  }
}
