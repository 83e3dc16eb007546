import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import type { Blob } from "../oci/descriptor.ts";
import type { Digest } from "../oci/digest.ts";
import type { PushOutcome, RepositoryWriter } from "../repository.ts";
import { ApiError } from "./api-error.ts";

const readBytes = 256 * 1024;

/** One upload on its way in: bytes in a file, appended in order. One request works on it at a time. */
export class UploadSession {
  readonly id: string;
  readonly repository: string;
  /** Bytes that are in. */
  offset = 0;
  /** When a request last used it, in milliseconds of `Date.now()`. */
  usedAtMs: number = Date.now();
  /** Requests that work on it or wait to. */
  users = 0;
  readonly #file: FileHandle;
  readonly #maxBytes: number;
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(id: string, repository: string, file: FileHandle, maxBytes: number) {
    this.id = id;
    this.repository = repository;
    this.#file = file;
    this.#maxBytes = maxBytes;
  }

  static async create(folder: string, id: string, repository: string, maxBytes: number): Promise<UploadSession> {
    return new UploadSession(id, repository, await open(join(folder, id), "wx+", 0o600), maxBytes);
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
   * Appends what comes. What came before a body broke off stays in.
   * @throws ApiError `SIZE_INVALID` beyond the largest blob allowed
   */
  async append(body: AsyncIterable<Uint8Array>): Promise<void> {
    for await (const chunk of body) {
      if (this.offset + chunk.byteLength > this.#maxBytes) {
        throw new ApiError(413, "SIZE_INVALID", `more than ${this.#maxBytes} bytes`);
      }
      await writeWhole(this.#file, chunk, this.offset);
      this.offset += chunk.byteLength;
    }
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
    await this.#file.close();
  }

  async *#read(from: number): AsyncGenerator<Uint8Array> {
    for (let at = from; at < this.offset; ) {
      const chunk = new Uint8Array(Math.min(readBytes, this.offset - at));
      const { bytesRead } = await this.#file.read(chunk, 0, chunk.byteLength, at);
      if (bytesRead === 0) throw new Error("the spooled upload is shorter than what was written");
      at += bytesRead;
      yield chunk.subarray(0, bytesRead);
    }
  }
}

async function writeWhole(file: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.byteLength; ) {
    done += (await file.write(bytes, done, bytes.byteLength - done, position + done)).bytesWritten;
  }
}
