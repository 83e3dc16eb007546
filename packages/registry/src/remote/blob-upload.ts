import { isRegistryError, RegistryError } from "../errors.ts";
import type { Blob } from "../oci/descriptor.ts";
import type { OpenBlob, PushOutcome } from "../repository.ts";
import { beginUpload } from "./blob-mount.ts";
import type { Endpoints } from "./endpoints.ts";
import { storedSizeOf } from "./headers.ts";
import type { ClientResponse, HttpClient } from "./http-client.ts";
import { requireStoredDigest } from "./manifest-answer.ts";
import { protocolError } from "./operation.ts";
import { beginUnlessThere, learnOwnMount } from "./own-mount.ts";
import { isStatus, reports, unknownMethod } from "./reported.ts";
import { mayPass } from "./retry.ts";
import type { UploadContext, UploadSession } from "./upload-session.ts";
import { UploadSource } from "./upload-source.ts";

/** The registry's own words for bytes that are not the ones it was promised. */
const sessionTroubles: readonly string[] = [
  "BLOB_UPLOAD_INVALID",
  "BLOB_UPLOAD_UNKNOWN",
  "DIGEST_INVALID",
  "SIZE_INVALID",
  "RANGE_INVALID",
];

/** Options of {@link uploadBlob}. */
export interface UploadBlobOptions {
  /** Whole paths on the host of repositories that hold the blob. */
  readonly mountPaths?: readonly string[] | undefined;
  /** The largest body of one request, in bytes. @defaultValue any: the blob in one piece */
  readonly chunkBytes?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Stores a blob unless it is there: mounted, or sent in one PUT, or in chunks when told to. An upload that breaks goes
 * on where the registry says it is, if there is no doubt about that, else in a new session. Tries that brought the
 * upload further are not counted.
 * @throws RegistryError `DIGEST_MISMATCH`, `SIZE_MISMATCH`, and what the last failed try threw; what the source throws
 *   comes out as it is
 * @see distribution-spec v1.1.1, "Pushing blobs"
 */
export async function uploadBlob(
  client: HttpClient,
  endpoints: Endpoints,
  blob: Blob,
  open: OpenBlob,
  options: UploadBlobOptions = {},
): Promise<PushOutcome> {
  const { signal } = options;
  const operation = endpoints.operation("push blob", blob.digest);
  const context = { client, blob, operation, scopes: endpoints.scope("pull", "push"), signal };
  const upload = new BlobUpload(context, endpoints, open, options);
  try {
    return await client.retrying(operation, () => upload.attempt(), {
      signal,
      shouldRetry: (error, n) => upload.shouldRetry(error, n),
      progress: () => upload.furthest, // a link that brings something is not given up
    });
  } finally {
    await upload.end();
  }
}

class BlobUpload {
  readonly #context: UploadContext;
  readonly #endpoints: Endpoints;
  readonly #source: UploadSource;
  readonly #mountPaths: readonly string[];
  readonly #chunkBytes: number;
  #session: UploadSession | undefined;
  /** A try was made: what it left is to be looked for. */
  #hasBegun = false;
  /** A commit went out: a blob that is there may be ours. */
  #hasCommitted = false;
  /** The registry did not keep its word about a session: from now on they are not continued. */
  #resumable = true;
  /** The last failure of a transfer that is none of its try's fault: the next may work. */
  #recoverable: { readonly error: unknown } | undefined;
  /** A chunk was taken and did not bring the session further. */
  #isStalled = false;
  /** An exchange was repeated with new credentials, and nothing came of it yet. */
  #hasRenewed = false;
  #furthest = 0;

  constructor(context: UploadContext, endpoints: Endpoints, open: OpenBlob, options: UploadBlobOptions) {
    this.#context = context;
    this.#endpoints = endpoints;
    this.#source = new UploadSource(context.blob, open, context.operation, context.signal);
    this.#mountPaths = options.mountPaths ?? [];
    this.#chunkBytes = options.chunkBytes ?? Number.POSITIVE_INFINITY;
  }

  /** How many bytes a registry was ever known to have. */
  get furthest(): number {
    return this.#furthest;
  }

  async attempt(): Promise<PushOutcome> {
    const begun = await this.#begin();
    if (typeof begun === "string") return begun;
    this.#session = begun;
    await this.#transfer(begun);
    await learnOwnMount(this.#context, this.#endpoints);
    return "written";
  }

  shouldRetry(error: unknown, n: number): boolean {
    if (this.#source.broke(error)) return false;
    return mayPass(error, n) || this.#recoverable?.error === error;
  }

  /** Lets go of source and session, whichever way it went. */
  async end(): Promise<void> {
    this.#source.release();
    await this.#session?.cancel();
  }

  /** A session to send the blob in, or what became of it where none is needed. */
  async #begin(): Promise<UploadSession | PushOutcome> {
    const isFirst = !this.#hasBegun;
    this.#hasBegun = true;
    if (isFirst && this.#mountPaths.length === 0) {
      const begun = await beginUnlessThere(this.#context, this.#endpoints);
      if (begun) return begun;
    }
    // after a failure, look again: the answer may have been lost, not the blob
    if (await this.#isThere()) return this.#hasCommitted ? "written" : "present";
    await this.#resume();
    return this.#session ?? (await beginUpload(this.#context, this.#endpoints, this.#mountPaths));
  }

  async #isThere(): Promise<boolean> {
    const { client, blob, operation, scopes, signal } = this.#context;
    const url = this.#endpoints.blob(blob.digest);
    const expect = [200, 404, ...unknownMethod]; // who cannot be asked is sent it
    const look = { method: "HEAD", url, operation, lane: "meta", scopes, expect, signal } as const;
    const { status, headers } = await client.send(look);
    // what is there in another size is not this blob: a crash of the registry may have cut it
    return status === 200 && (storedSizeOf(headers) ?? blob.size) === blob.size;
  }

  /** Finds out where the session of the try before stands, or leaves it. */
  async #resume(): Promise<void> {
    if (!this.#session) return;
    if (this.#resumable && (await this.#session.resume())) {
      this.#note(this.#session);
      return;
    }
    const left = this.#session;
    this.#session = undefined;
    await left.cancel();
  }

  async #transfer(session: UploadSession): Promise<void> {
    const { blob, operation } = this.#context;
    try {
      const answer = await this.#send(session);
      requireStoredDigest(blob.digest, answer, operation);
      this.#session = undefined; // it ended well: nothing to cancel
    } catch (thrown) {
      const error = this.#told(thrown, session);
      if (this.#canRecover(error)) this.#recoverable = { error };
      this.#source.release();
      throw error;
    }
  }

  async #send(session: UploadSession): Promise<ClientResponse> {
    const { blob, operation } = this.#context;
    const chunkBytes = this.#chunkBytesOf(session);
    if (session.offset === 0 && blob.size <= chunkBytes) {
      this.#hasCommitted = true;
      return await session.putWhole(this.#source);
    }
    while (session.offset < blob.size) {
      const start = session.offset;
      await session.append(this.#source, Math.min(blob.size, start + chunkBytes));
      this.#note(session);
      this.#isStalled = session.offset === start;
      if (this.#isStalled)
        throw protocolError(operation, `the registry took bytes from ${start} on and has none of them`);
    }
    this.#hasCommitted = true;
    return await session.commit(this.#source);
  }

  #chunkBytesOf({ minChunkBytes }: UploadSession): number {
    return Math.max(this.#chunkBytes, minChunkBytes);
  }

  #note({ offset }: UploadSession): void {
    if (offset <= this.#furthest) return;
    this.#furthest = offset;
    this.#hasRenewed = false;
  }

  /** Whether another try makes sense of what the registry would not have a second time. */
  #canRecover(error: unknown): boolean {
    if (isRegistryError(error, "UNAUTHORIZED")) {
      // the token had run out: the client has a new one by now and cannot send a stream twice, but we can
      const isFirst = !this.#hasRenewed;
      this.#hasRenewed = true;
      return isFirst;
    }
    if (isRegistryError(error, "NOT_FOUND") || isStatus(error, 404)) return true; // the session is gone: the next try opens another
    if (isStatus(error, 416)) return true; // the next try asks where to go on
    if (!this.#isStalled && !(isStatus(error, 400) && reports(error, ...sessionTroubles))) return false;
    // what the registry has is not what was sent: once more, from the first byte
    const isFirst = this.#resumable;
    this.#resumable = false;
    return isFirst;
  }

  /** Some answers mean more in an upload than elsewhere, or something else. */
  #told(error: unknown, session: UploadSession): unknown {
    if (isStatus(error, 413)) return this.#tooLarge(error, session);
    const isForgotten = isRegistryError(error, "NOT_FOUND") && reports(error, "BLOB_UPLOAD_UNKNOWN");
    return isForgotten ? this.#forgotten(error) : error;
  }

  /** Nothing that anybody asked for is missing. */
  #forgotten(error: RegistryError<"NOT_FOUND">): RegistryError {
    const { operation } = this.#context;
    const message = `cannot ${operation.what}: the registry forgot the upload before it was over (404)`;
    return new RegistryError("UNEXPECTED_STATUS", message, { ...error.details, status: 404 }, { cause: error });
  }

  #tooLarge(error: RegistryError<"UNEXPECTED_STATUS">, session: UploadSession): RegistryError {
    const { operation, blob } = this.#context;
    const bytes = Math.min(blob.size - session.offset, this.#chunkBytesOf(session));
    const message = `cannot ${operation.what}: the registry, or a proxy before it, takes no request of ${bytes} bytes (413)`;
    return new RegistryError("UNEXPECTED_STATUS", message, error.details, { cause: error });
  }
}
