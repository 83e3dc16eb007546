import { isRegistryError } from "../errors.ts";
import type { Blob } from "../oci/descriptor.ts";
import { headerOf, type ResponseHeaders } from "./headers.ts";
import type { ClientRequest, ClientResponse, HttpClient } from "./http-client.ts";
import { resolveLocation } from "./location.ts";
import { type Operation, protocolError } from "./operation.ts";
import { mayPass } from "./retry.ts";
import { isForbiddenRedirect } from "./transport/private-address.ts";
import type { UploadSource } from "./upload-source.ts";

/** How long the end of a failed upload's session may take, in milliseconds. */
const cancelTimeoutMs = 2000;

/** A session that is silent so often is left. */
const maxSilences = 2;

const octets = { "content-type": "application/octet-stream" };

/** What the requests of one upload have in common. */
export interface UploadContext {
  readonly client: HttpClient;
  readonly blob: Blob;
  readonly operation: Operation;
  /** For writing to the repository. */
  readonly scopes: readonly string[];
  readonly signal: AbortSignal | undefined;
}

/**
 * One upload session: where it is now, and how far the registry has said it is. A registry may move it with every
 * answer; its URL is kept byte for byte, as some carry their state in it.
 * @see distribution-spec v1.1.1, "Pushing blobs"
 */
export class UploadSession {
  readonly #context: UploadContext;
  /** Chunks but the last have to be this large at least, in bytes. */
  readonly minChunkBytes: number;
  #location: URL;
  #offset = 0;
  #sent = 0;
  /** How often in a row the registry did not say where it is. */
  #silences = 0;

  /** Of the 202 that opened it. @throws RegistryError `PROTOCOL` */
  constructor(context: UploadContext, opened: ClientResponse) {
    this.#context = context;
    const location = locationOf(opened);
    if (typeof location === "string") throw protocolError(context.operation, location);
    this.#location = location;
    this.minChunkBytes = minChunkBytesOf(opened.headers);
  }

  /** Bytes the registry has. */
  get offset(): number {
    return this.#offset;
  }

  /** Sends the whole blob and ends the session, in one request. */
  async putWhole(source: UploadSource): Promise<ClientResponse> {
    return await this.#put(source, this.#context.blob.size);
  }

  /** Ends the session, which has all bytes. Goes out only once they have matched. */
  async commit(source: UploadSource): Promise<ClientResponse> {
    return await this.#put(source, 0);
  }

  /**
   * Sends the next chunk, up to but not with byte `end`. The registry may take less of it, or nothing.
   * @see distribution-spec v1.1.1, "Pushing a blob in chunks"
   */
  async append(source: UploadSource, end: number): Promise<void> {
    const start = this.#offset;
    const range = { "content-range": `${start}-${end - 1}` };
    const answer = await this.#stream(source, "PATCH", this.#location, end - start, range, [202, 201, 204]);
    this.#move(answer);
    const told = heldBytesOf(answer.headers);
    // it may have taken a part; more than was sent is a bad habit of counting, and means that the chunk was taken
    this.#offset = told === undefined || told > end ? end : Math.max(start, told);
  }

  /**
   * Asks how far the session is and goes on there. `false`: it is gone, or there is doubt, and only a new one is safe.
   * @throws RegistryError when the question failed in a way that may pass
   */
  async resume(): Promise<boolean> {
    const { signal } = this.#context;
    let answer: ClientResponse;
    try {
      answer = await this.#request({ method: "GET", url: this.#location, lane: "meta", expect: [204, 200], signal });
    } catch (error) {
      signal?.throwIfAborted();
      // some registries hold a session for a request that is long gone, though they answer everything else
      if (isRegistryError(error, "TIMEOUT") && ++this.#silences >= maxSilences) return false;
      if (mayPass(error, 1)) throw error;
      if (isRegistryError(error)) return false;
      throw error;
    }
    this.#silences = 0;
    this.#move(answer);
    const told = heldBytesOf(answer.headers);
    // `0-0` is one byte, or none, as there are no words for none: of use only where no byte was sent
    if (told === undefined || told <= 1) return this.#sent === 0;
    if (told < this.#offset || told > this.#sent) return false;
    this.#offset = told;
    return true;
  }

  /** Tells the registry that nothing more will come; a session it forgets by itself is no harm. */
  async cancel(): Promise<void> {
    const signal = AbortSignal.timeout(cancelTimeoutMs);
    const expect = [200, 202, 204, 404];
    try {
      await this.#request({ method: "DELETE", url: this.#location, lane: "meta", expect, signal });
    } catch {
      // best effort: what failed before matters more
    }
  }

  async #put(source: UploadSource, length: number): Promise<ClientResponse> {
    const { blob } = this.#context;
    const url = withDigest(this.#location, blob);
    return await this.#stream(source, "PUT", url, length, {}, [201, 204, 200]);
  }

  async #stream(
    source: UploadSource,
    method: "PUT" | "PATCH",
    url: URL,
    length: number,
    headers: Readonly<Record<string, string>>,
    expect: readonly number[],
  ): Promise<ClientResponse> {
    // The source is read before an `up` slot is asked for: a source on the same host takes its `down` slot first.
    await source.seek(this.#offset);
    try {
      return await this.#request({
        method,
        url,
        headers: { ...octets, ...headers, "content-length": String(length) },
        body: source.take(length), // as a stream even when it is empty: a registry has time to store what it was given
        lane: "up",
        expect,
        signal: this.#context.signal,
      });
    } finally {
      this.#sent = Math.max(this.#sent, source.position);
    }
  }

  #request(request: Omit<ClientRequest, "operation" | "scopes">): Promise<ClientResponse> {
    const { client, operation, scopes } = this.#context;
    return client.send({ ...request, operation, scopes });
  }

  #move(answer: ClientResponse): void {
    const location = headerOf(answer.headers, "location") === undefined ? this.#location : locationOf(answer);
    if (typeof location === "string") throw protocolError(this.#context.operation, location);
    this.#location = location;
  }
}

function locationOf({ headers, url }: ClientResponse): URL | string {
  const location = headerOf(headers, "location");
  if (location === undefined) return "an upload without a Location";
  const to = resolveLocation(location, url);
  return typeof to === "string" ? to : (isForbiddenRedirect(url, to) ?? to);
}

/** How many bytes a `Range: 0-N` speaks of. `0--1` is what counting down from nothing gives. */
function heldBytesOf(headers: ResponseHeaders): number | undefined {
  const match = /^(?:bytes[= ])?0-(-1|[0-9]{1,15})$/.exec(headerOf(headers, "range")?.trim() ?? "");
  return match ? Number(match[1]) + 1 : undefined;
}

function minChunkBytesOf(headers: ResponseHeaders): number {
  const text = headerOf(headers, "oci-chunk-min-length")?.trim() ?? "";
  return /^[0-9]{1,15}$/.test(text) ? Number(text) : 0;
}

/** The session's URL with the digest added; its own query stays as it is, byte for byte. */
function withDigest(session: URL, { digest }: Blob): URL {
  const url = new URL(session);
  url.search = `${session.search === "" ? "?" : `${session.search}&`}digest=${encodeURIComponent(digest)}`;
  return url;
}
