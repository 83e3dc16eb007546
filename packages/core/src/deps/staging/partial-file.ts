import { createHash, type Hash } from "node:crypto";
import { constants } from "node:fs";
import { type FileHandle, lstat, open, rm } from "node:fs/promises";
import { type Digest, type DigestAlgorithm, formatDigest, type OpenBlob } from "@tranship/registry";
import { syncData } from "../../bundle/disk/sync-folder.ts";
import { DepsError } from "../errors.ts";
import { fileError, onDisk, onDiskIfAny } from "../file-error.ts";
import { StartOver } from "../jobs/item-job.ts";

/** How much is read at a time, in bytes. */
const readBytes = 1024 * 1024;

/** Windows flushes what may be written alone; elsewhere a file somebody else wrote need not be ours to write. */
const flushFlags = process.platform === "win32" ? "r+" : "r";

/** A file is readable by all and run by nobody, as far as the process's mask lets it be. */
const fileMode = 0o644;

/** How {@link PartialFile.append} tells and ends. */
export interface AppendOptions {
  /** What it throws when `length` is more than is taken. */
  readonly refuse: (length: number) => Error | undefined;
  readonly signal: AbortSignal;
  readonly onBytes?: ((bytes: number) => void) | undefined;
}

/**
 * A file that grows at its end, and what its bytes so far hash to. For one writer. It is open while bytes come: who waits
 * for them holds nothing that a process can have few of only.
 */
export class PartialFile {
  readonly #path: string;
  readonly #algorithm: DigestAlgorithm;
  #file: FileHandle | undefined;
  #hash: Hash;
  #length = 0;
  #reached = 0;

  /** A file at its beginning, made with its first bytes if it is missing. */
  constructor(path: string, algorithm: DigestAlgorithm) {
    this.#path = path;
    this.#algorithm = algorithm;
    this.#hash = createHash(algorithm);
  }

  /** How many bytes were read back or written, without a gap. */
  get length(): number {
    return this.#length;
  }

  /** The most {@link length} ever was. */
  get reached(): number {
    return this.#reached;
  }

  /** What the bytes so far hash to. */
  get digest(): Digest {
    return formatDigest(this.#algorithm, this.#hash.copy());
  }

  /** Reads what is in the file; more is written behind it. @throws DepsError `FILE_FAILED`; `signal.reason` */
  async readBack(signal: AbortSignal): Promise<void> {
    if ((await onDiskIfAny(this.#path, () => lstat(this.#path))) === undefined) return;
    const file = await this.#opened();
    const buffer = Buffer.allocUnsafe(readBytes);
    for (;;) {
      signal.throwIfAborted();
      const { bytesRead } = await onDisk(this.#path, () => file.read(buffer, 0, readBytes, this.#length));
      if (bytesRead === 0) break;
      this.#hash.update(buffer.subarray(0, bytesRead));
      this.#advance(bytesRead);
    }
    const now = new Date();
    if (this.#length > 0) await file.utimes(now, now).catch(() => {}); // it is wanted still
    await this.close();
  }

  /**
   * Writes what `open` gives, from where the file ends.
   * @throws DepsError `FILE_FAILED`, `NO_SPACE`; what `open` throws; `signal.reason`
   */
  async append(open: OpenBlob, { refuse, signal, onBytes }: AppendOptions): Promise<void> {
    for (;;) {
      try {
        for await (const chunk of open(this.#length)) {
          signal.throwIfAborted();
          const refusal = refuse(this.#length + chunk.byteLength);
          if (refusal !== undefined) throw refusal;
          await this.#write(chunk);
          onBytes?.(chunk.byteLength);
        }
        return;
      } catch (error) {
        signal.throwIfAborted();
        if (!(error instanceof StartOver) || this.#length === 0) throw error;
        onBytes?.(-this.#length);
        await this.restart();
      }
    }
  }

  /** Begins with a new file. What has the old one under another name keeps it. @throws DepsError `FILE_FAILED` */
  async restart(): Promise<void> {
    await this.close();
    await this.remove();
    this.#hash = createHash(this.#algorithm);
    this.#length = 0;
  }

  /** Takes the file's name away. @throws DepsError `FILE_FAILED` */
  async remove(): Promise<void> {
    await onDisk(this.#path, () => rm(this.#path, { force: true }));
  }

  /** Waits until all bytes are on the device. @throws DepsError `FILE_FAILED`, `NO_SPACE` */
  async flush(): Promise<void> {
    const { fd } = await this.#opened();
    await onDisk(this.#path, () => syncData(fd, this.#path));
  }

  async close(): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    await file?.close();
  }

  async #opened(): Promise<FileHandle> {
    this.#file ??= await openRegular(this.#path);
    return this.#file;
  }

  async #write(chunk: Uint8Array): Promise<void> {
    const writing = writeAll(await this.#opened(), chunk, this.#length);
    this.#hash.update(chunk); // while the system writes
    try {
      await writing;
    } catch (error) {
      throw fileError(error, this.#path);
    }
    this.#advance(chunk.byteLength);
  }

  #advance(bytes: number): void {
    this.#length += bytes;
    this.#reached = Math.max(this.#reached, this.#length);
  }
}

/** Waits until the bytes of the file at `path` are on the device. @throws DepsError `FILE_FAILED`, `NO_SPACE` */
export async function flushFile(path: string): Promise<void> {
  await onDisk(path, async () => {
    const file = await open(path, flushFlags);
    try {
      await syncData(file.fd, path);
    } finally {
      await file.close();
    }
  });
}

/** Makes an empty file of its own. @throws DepsError `FILE_FAILED`, `NO_SPACE` */
export async function makeFile(path: string): Promise<void> {
  await onDisk(path, async () => (await open(path, "wx", fileMode)).close());
}

async function openRegular(path: string): Promise<FileHandle> {
  const flags = constants.O_RDWR | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);
  const file = await onDisk(path, () => open(path, flags, fileMode));
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw new DepsError("FILE_FAILED", `cannot write ${path}: it is no file`, { path, reason: "ENOTREG" });
}

async function writeAll(file: FileHandle, chunk: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < chunk.byteLength; ) {
    const { bytesWritten } = await file.write(chunk, done, chunk.byteLength - done, position + done);
    done += bytesWritten;
  }
}
