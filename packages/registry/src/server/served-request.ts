/** A request as a server saw it. Live: the counts grow while it is served. */
export interface ServedRequest {
  readonly method: string;
  /** The raw path, without the query: that may hold secrets. */
  readonly path: string;
  /** The `Range` header, as sent. */
  readonly range?: string | undefined;
  /** Whether an `Authorization` header came with it. */
  readonly authorization: boolean;
  /** 0 until it is answered. */
  readonly status: number;
  /** Bytes of the answer's body handed to the connection so far. */
  readonly bytesSent: number;
  /** Bytes of the request's body read so far. */
  readonly bytesReceived: number;
  /** Why it was answered with a 500, or broken off. */
  readonly failure?: string | undefined;
}

/** Bytes on their way; `signal` aborts when the connection is gone. */
export type BodyTransform = (body: AsyncIterable<Uint8Array>, signal: AbortSignal) => AsyncIterable<Uint8Array>;

/** An answer given in place of the registry's own. */
export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: string | undefined;
}

/** Thrown by a {@link BodyTransform} to break the connection off, after what it gave has gone out. */
export class ConnectionCut extends Error {
  override readonly name = "ConnectionCut";
}

/** How a request is treated differently: what a test's faults are made of. */
export interface Interception {
  /** Waited for before anything is done. */
  readonly before?: ((signal: AbortSignal) => Promise<void>) | undefined;
  /** Given at once; the registry is not asked. */
  readonly answer?: Answer | undefined;
  /** Stands between the registry and the answer's body. */
  readonly sent?: BodyTransform | undefined;
  /** Stands between the request's body and the registry. */
  readonly received?: BodyTransform | undefined;
}
