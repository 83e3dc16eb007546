import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { ApiError } from "./api-error.ts";
import type { Grant } from "./auth/access.ts";
import { parseTarget, type Recorder, type RequestRecord } from "./request-record.ts";
import type { AnswerHeaders, Interception } from "./served-request.ts";

/** What clients of Docker's registry look for in every answer. */
const apiVersion = { "docker-distribution-api-version": "registry/2.0" };

/** So much of a body nobody wants is taken, so that its sender reads the answer. */
const maxDrainBytes = 64 * 1024 * 1024;

/** One request and its answer: the only code that touches the connection. Handlers share nothing else. */
export class Exchange {
  readonly record: RequestRecord;
  readonly query: URLSearchParams;
  /** Aborts when the answer is finished or the connection is gone. */
  readonly signal: AbortSignal;
  /** Resolves when the answer is out to its last byte, or the connection gone. */
  readonly over: Promise<void>;
  /** What else who asks may do; set once the request was let in. */
  grant: Grant = () => false;
  /** How this request is treated differently, if at all; set before anything is read or sent. */
  interception: Interception = {};
  readonly #request: IncomingMessage;
  readonly #response: ServerResponse;

  constructor(request: IncomingMessage, response: ServerResponse, recorder: Recorder) {
    this.#request = request;
    this.#response = response;
    const target = parseTarget(request.url ?? "");
    this.query = target.query;
    this.record = recorder.record(request, target);
    const gone = new AbortController();
    this.signal = gone.signal;
    this.over = new Promise((resolve) => {
      response.once("close", () => {
        gone.abort(new Error("the connection is gone"));
        resolve();
      });
    });
    response.on("error", () => gone.abort(new Error("the connection is broken")));
  }

  get method(): string {
    return this.record.method;
  }

  get isAnswered(): boolean {
    return this.#response.headersSent;
  }

  /** A request header by its lower-case name; of a repeated one the first. */
  header(name: string): string | undefined {
    const { requestHeaders } = this.interception;
    if (requestHeaders && name in requestHeaders) return requestHeaders[name];
    const value = this.#request.headers[name];
    return Array.isArray(value) ? value[0] : value;
  }

  /** The `Content-Length`; `undefined` for a body of unknown length. */
  get contentLength(): number | undefined {
    const text = this.header("content-length");
    return text === undefined ? undefined : Number(text);
  }

  /** The request's body as it comes. */
  body(): AsyncIterable<Uint8Array> {
    const { received } = this.interception;
    return received ? received(this.#chunks(), this.signal) : this.#chunks();
  }

  /**
   * The whole of a small body.
   * @throws ApiError `SIZE_INVALID` beyond `maxBytes`
   */
  async readBody(maxBytes: number): Promise<Uint8Array> {
    const tooLarge = new ApiError(413, "SIZE_INVALID", `more than ${maxBytes} bytes`);
    if ((this.contentLength ?? 0) > maxBytes) throw tooLarge;
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of this.body()) {
      size += chunk.byteLength;
      if (size > maxBytes) throw tooLarge;
      chunks.push(chunk);
    }
    return new Uint8Array(Buffer.concat(chunks, size));
  }

  /** Answers with a small body, or none. */
  async send(status: number, headers: AnswerHeaders, body: Uint8Array = new Uint8Array()): Promise<void> {
    const size = status === 204 ? undefined : body.byteLength;
    await this.stream(status, { ...headers, "content-length": size }, () => oneChunk(body));
  }

  /** Answers with headers alone, which may tell of a body that is not sent: to a HEAD, or that nothing was modified. */
  async sendHead(status: number, headers: AnswerHeaders): Promise<void> {
    await this.stream(status, headers, nothing);
  }

  /** Answers with the protocol's error body, in place of an answer that was prepared and not begun. */
  async sendError(error: ApiError): Promise<void> {
    for (const name of this.#response.getHeaderNames()) this.#response.removeHeader(name);
    const errors = [{ code: error.code, message: error.message }];
    await this.sendJson(error.status, error.headers, { errors });
  }

  /** Answers with JSON. */
  async sendJson(status: number, headers: AnswerHeaders, value: unknown): Promise<void> {
    const body = new TextEncoder().encode(JSON.stringify(value));
    await this.send(status, { "content-type": "application/json", ...headers }, body);
  }

  /** Answers with a body as it comes, no faster than the other side takes it. To a HEAD only the headers go out. */
  async stream(status: number, headers: AnswerHeaders, open: () => AsyncIterable<Uint8Array>): Promise<void> {
    const response = this.#response;
    this.#setHead(status, headers);
    if (this.method !== "HEAD" && status !== 204) {
      const { sent } = this.interception;
      for await (const chunk of sent ? sent(open(), this.signal) : open()) {
        this.signal.throwIfAborted();
        this.record.bytesSent += chunk.byteLength;
        if (!response.write(chunk)) await once(response, "drain", { signal: this.signal });
      }
    }
    response.end();
  }

  #setHead(status: number, headers: AnswerHeaders): void {
    const response = this.#response;
    const given = { status, headers: { ...apiVersion, ...headers } };
    const head = this.interception.head?.(given) ?? given;
    this.record.status = head.status;
    response.statusCode = head.status;
    for (const [name, value] of Object.entries(head.headers)) if (value !== undefined) response.setHeader(name, value);
  }

  /** Lets the connection end with this answer, if its headers are not out yet. */
  endConnection(): void {
    this.#response.shouldKeepAlive = false;
  }

  /** Breaks the connection off, once what was written to it is out. */
  destroy(): void {
    if (this.record.status > 0 && !this.isAnswered) this.#response.flushHeaders();
    const { socket } = this.#response;
    if (socket) socket.destroySoon();
    else this.#request.destroy();
  }

  /** Keeps the connection while the registry works on what came, however quiet it is meanwhile. */
  holdOpen(): void {
    this.#request.socket.setTimeout(0); // the server's own limit is back with the next request
  }

  /**
   * Lets go of what is left of a request's body: the answer did not need it, and the next request comes after it.
   * Whoever goes on sending for too long is cut off.
   */
  drain(): void {
    const request = this.#request;
    let left = maxDrainBytes;
    request.on("data", (chunk: Uint8Array) => {
      left -= chunk.byteLength;
      if (left < 0) request.destroy();
    });
    request.resume();
  }

  async *#chunks(): AsyncGenerator<Uint8Array> {
    // the connection outlives this loop: a refused body still gets its answer
    for await (const chunk of this.#request.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>) {
      this.record.bytesReceived += chunk.byteLength;
      yield chunk;
    }
  }
}

async function* oneChunk(body: Uint8Array): AsyncGenerator<Uint8Array> {
  if (body.byteLength > 0) yield body;
}

async function* nothing(): AsyncGenerator<Uint8Array> {}
