/**
 * A request as a server saw it. Live: the counts grow while it is served. It holds no secret: of the query the names
 * only, of the credentials nothing that gives them away.
 */
export interface ServedRequest {
  readonly method: string;
  /** The raw path, without the query: that may hold secrets. */
  readonly path: string;
  /** Names of the query's parameters in their order, each as often as it was sent; no values. */
  readonly queryNames: readonly string[];
  /** The `Range` header, as sent. */
  readonly range?: string | undefined;
  /** The `Content-Range` header of an upload's chunk, as sent. */
  readonly contentRange?: string | undefined;
  /** The `Content-Type` header, as sent. */
  readonly contentType?: string | undefined;
  /** The `Content-Length` header in bytes; absent for a body of unknown length, and for none. */
  readonly contentLength?: number | undefined;
  /** The `User-Agent` header, as sent. */
  readonly userAgent?: string | undefined;
  /** Whether an `Authorization` header came with it. */
  readonly authorization: boolean;
  /** Tells one `Authorization` header of this server's from another; says nothing about what was in it. */
  readonly authorizationId?: string | undefined;
  /** 0 until it is answered. */
  readonly status: number;
  /** Bytes of the answer's body handed to the connection so far. */
  readonly bytesSent: number;
  /** Bytes of the request's body read so far. */
  readonly bytesReceived: number;
  /** Why it was answered with a 500, or broken off. */
  readonly failure?: string | undefined;
}

/** Headers of an answer by lower-case name; without a value one is left out. */
export type AnswerHeaders = Readonly<Record<string, string | number | undefined>>;

/** Bytes on their way; `signal` aborts when the connection is gone. */
export type BodyTransform = (body: AsyncIterable<Uint8Array>, signal: AbortSignal) => AsyncIterable<Uint8Array>;

/** What goes out ahead of an answer's body. */
export interface AnswerHead {
  readonly status: number;
  readonly headers: AnswerHeaders;
}

/** An answer given in place of the registry's own. */
export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: string | undefined;
}

/** Thrown while a request is served, breaks the connection off, after what was given has gone out. */
export class ConnectionCut extends Error {
  override readonly name = "ConnectionCut";
}

/** How a request is treated differently: what a test's faults are made of. */
export interface Interception {
  /** Waited for before anything is done. */
  readonly before?: ((signal: AbortSignal) => Promise<void>) | undefined;
  /** Given at once; the registry is not asked. */
  readonly answer?: Answer | undefined;
  /** Refuses the request as the server refuses who has no leave: 401 and its own challenge. */
  readonly unauthorized?: boolean | undefined;
  /** Seen by the registry in place of the request's headers of these lower-case names; without a value, as not sent. */
  readonly requestHeaders?: Readonly<Record<string, string | undefined>> | undefined;
  /** Stands between the registry and the answer's status and headers. */
  readonly head?: ((head: AnswerHead) => AnswerHead) | undefined;
  /** Stands between the registry and the answer's body. */
  readonly sent?: BodyTransform | undefined;
  /** Stands between the request's body and the registry. */
  readonly received?: BodyTransform | undefined;
}
