import { createHmac, randomBytes } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { ServedRequest } from "./served-request.ts";

/** A {@link ServedRequest} under way. */
export type RequestRecord = { -readonly [Key in keyof ServedRequest]: ServedRequest[Key] };

/** A path and its query, parsed apart. */
export interface RequestTarget {
  readonly path: string;
  readonly query: URLSearchParams;
}

/** Writes down what a server may remember of its requests. */
export class Recorder {
  /** Of this server alone: ids of the same header differ from server to server, and cannot be guessed back. */
  readonly #key: Uint8Array = randomBytes(32);

  record({ method = "", headers }: IncomingMessage, { path, query }: RequestTarget): RequestRecord {
    const { authorization } = headers;
    const contentLength = headers["content-length"];
    return {
      method,
      path,
      queryNames: [...query.keys()],
      range: headers.range,
      contentRange: headers["content-range"],
      contentType: headers["content-type"],
      contentLength: contentLength === undefined ? undefined : Number(contentLength),
      userAgent: headers["user-agent"],
      authorization: authorization !== undefined,
      authorizationId: authorization === undefined ? undefined : this.#idOf(authorization),
      status: 0,
      bytesSent: 0,
      bytesReceived: 0,
    };
  }

  #idOf(authorization: string): string {
    return createHmac("sha256", this.#key).update(authorization).digest("hex").slice(0, 16);
  }
}

/** Splits what stands in a request's first line, without user info: that would be remembered. */
export function parseTarget(target: string): RequestTarget {
  const url = target.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?]*@/i, "$1");
  const at = url.indexOf("?");
  return at < 0
    ? { path: url, query: new URLSearchParams() }
    : { path: url.slice(0, at), query: new URLSearchParams(url.slice(at + 1)) };
}
