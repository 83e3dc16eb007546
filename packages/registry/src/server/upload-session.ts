import { type FileHandle, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Blob } from "../oci/descriptor.ts";
import type { Digest } from "../oci/digest.ts";
import type { PushOutcome, RepositoryWriter } from "../repository.ts";
import { ApiError } from "./api-error.ts";

const readBytes = 256 * 1024;

/** How large uploads may be, in bytes. */
export interface UploadLimits {
  readonly maxBytes: number;
  /** Of every chunk but the last. */
  readonly minChunkBytes: number;
}

/** Where an upload's bytes wait. */
interface Spool {
  /** The folder the file has its place in. */
  readonly folder: string;
  readonly file: FileHandle;
}

/** One upload on its way in: bytes in a temporary file without a name, appended in order. One request works on it at a time. */
export class UploadSession {
  readonly id: string;
  readonly repository: string;
  /** Bytes that are in. */
  offset = 0;
  /** When a request last used it, in milliseconds of `Date.now()`. */
  usedAtMs: number = Date.now();
  /** Requests that work on it or wait to. */
  users = 0;
  readonly #spool: Spool;
  readonly #limits: UploadLimits;
  #turn: Promise<unknown> = Promise.resolve();
  /** The last chunk broke off: what comes next is its rest, however short. */
  #isBroken = false;
  /** The last chunk was so short that it has to be the last of all. */
  #isAtEnd = false;

  private constructor(id: string, repository: string, spool: Spool, limits: UploadLimits) {
    this.id = id;
    this.repository = repository;
    this.#spool = spool;
    this.#limits = limits;
  }

  /** `id` has to be unlike every other on this machine. */
  static async create(id: string, repository: string, limits: UploadLimits): Promise<UploadSession> {
    const folder = tmpdir();
    const path = join(folder, `registry-upload-${id}`);
    const file = await spooling(folder, () => open(path, "wx+", 0o600));
    try {
      await rm(path); // open and nameless: its bytes are freed when it is closed, and when the process is killed
    } catch (error) {
      await file.close();
      throw error;
    }
    return new UploadSession(id, repository, { folder, file }, limits);
  }

  /** Runs `work` after whatever else works on this upload: a client that lost its connection may be back before that is noticed. */
  async exclusively<Value>(work: () => Promise<Value>): Promise<Value> {
    this.users += 1;
    const turn = this.#turn.then(work);
    this.#turn = turn.catch(() => undefined);
    try {
      return await turn;
    } finally {
      this.users -= 1;
      this.usedAtMs = Date.now();
    }
  }

  /**
   * Appends what comes. What came before a body broke off stays in. `announcedBytes` is the body's length where known.
   * @throws ApiError `SIZE_INVALID` beyond the largest blob allowed, and after a chunk that was too short
   */
  async append(body: AsyncIterable<Uint8Array>, announcedBytes: number = 0): Promise<void> {
    const [start, isRest] = [this.offset, this.#isBroken];
    const { folder, file } = this.#spool;
    this.#expect(announcedBytes);
    this.#isBroken = true;
    for await (const chunk of body) {
      this.#expect(chunk.byteLength);
      await spooling(folder, () => writeWhole(file, chunk, this.offset));
      this.offset += chunk.byteLength;
    }
    this.#isBroken = false;
    const length = this.offset - start;
    this.#isAtEnd ||= length > 0 && length < this.#limits.minChunkBytes && !isRest;
  }

  /**
   * Hands what is in to a repository, which checks it.
   * @throws RegistryError `DIGEST_MISMATCH`
   */
  async commit(writer: RepositoryWriter, digest: Digest, signal: AbortSignal): Promise<PushOutcome> {
    const blob: Blob = { digest, size: this.offset };
    return await writer.pushBlob(blob, (offset) => this.#read(offset), { signal });
  }

  async close(): Promise<void> {
    await this.#spool.file.close();
  }

  /** Lets so many bytes in, if they may come. */
  #expect(bytes: number): void {
    const { maxBytes, minChunkBytes } = this.#limits;
    if (this.offset + bytes > maxBytes) throw new ApiError(413, "SIZE_INVALID", `more than ${maxBytes} bytes`);
    if (this.#isAtEnd && bytes > 0) {
      throw new ApiError(
        400,
        "SIZE_INVALID",
        `the chunk before had less than ${minChunkBytes} bytes, so it was the last`,
      );
    }
  }

  async *#read(from: number): AsyncGenerator<Uint8Array> {
    const { folder, file } = this.#spool;
    for (let at = from; at < this.offset; ) {
      const chunk = new Uint8Array(Math.min(readBytes, this.offset - at));
      const { bytesRead } = await spooling(folder, () => file.read(chunk, 0, chunk.byteLength, at));
      if (bytesRead === 0) throw new Error("the spooled upload is shorter than what was written");
      at += bytesRead;
      yield chunk.subarray(0, bytesRead);
    }
  }
}

/**
 * Does something with a spooled file. What fails says where: the folder may be full while that of the content is not, and the
 * system has no name for a file without one.
 */
async function spooling<Value>(folder: string, work: () => Promise<Value>): Promise<Value> {
  try {
    return await work();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`cannot spool an upload in ${folder}: ${reason}`, { cause });
  }
}

async function writeWhole(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.byteLength; ) {
    done += (await file.write(bytes, done, bytes.byteLength - done, position + done)).bytesWritten;
  }
}
