import { setTimeout as delay } from "node:timers/promises";
import { type BodyTransform, ConnectionCut, type Interception } from "../server/served-request.ts";
import { type Fault, faultOf, hasAnswerBody, isUploadOfBytes } from "./fault.ts";
import { cut, flip, pace, shorten, stall } from "./fault-bodies.ts";
import { endless, gzip, type PadOptions, pad, unsized } from "./fault-lengths.ts";
import { type RateLimitOptions, rateLimit, unauthorizedAfter } from "./fault-limits.ts";
import { type LyingRangeOptions, lyingRange } from "./fault-ranges.ts";

/** Options of `faults.status`. */
export interface StatusOptions {
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: string | undefined;
}

/** Options of `faults.slow`. */
export interface SlowOptions {
  /** Bodies go no faster, both ways. @defaultValue unlimited */
  readonly bytesPerSecond?: number | undefined;
  /** Waited for before each answer. @defaultValue 0 */
  readonly delayMs?: number | undefined;
  /** Up to so much more, at random. @defaultValue 0 */
  readonly jitterMs?: number | undefined;
}

/** Options of `faults.corrupt`. */
export interface CorruptOptions {
  /** Which byte of the body is hit. @defaultValue 0 */
  readonly at?: number | undefined;
}

/** Options of `faults.stall`. */
export interface StallOptions {
  /** So many bytes of the body still come through. @defaultValue 0, the headers alone */
  readonly afterBytes?: number | undefined;
}

/** What can go wrong, by name. What happens to bodies passes over `HEAD` requests. */
export const faults: {
  /** Breaks the connection off after so many bytes of the body: the answer's, or an upload's. */
  readonly cutAfter: (bytes: number) => Fault;
  /** Answers with this status in place of the registry's answer. */
  readonly status: (code: number, options?: StatusOptions) => Fault;
  /** Answers late, or slowly. */
  readonly slow: (options: SlowOptions) => Fault;
  /** Flips one bit of the body: the answer's, or an upload's. */
  readonly corrupt: (options?: CorruptOptions) => Fault;
  /** Answers a range with another one than was asked for, or with no range at all; passes over requests without one. */
  readonly lyingRange: (options?: LyingRangeOptions) => Fault;
  /**
   * Breaks the connection off in an upload, after so many bytes of it; what arrived stays in the session. Passes over
   * requests that bring no bytes of a blob.
   */
  readonly dropUpload: (afterBytes: number) => Fault;
  /**
   * Serves so many requests, then refuses with a 401 and the registry's own challenge every request without
   * credentials, and with any that came so far; requests with other ones (a fresh token) are served.
   */
  readonly unauthorizedAfter: (requests: number) => Fault;
  /** Serves so many requests in a window of time, and answers the others with a 429 and `Retry-After`. */
  readonly rateLimit: (options: RateLimitOptions) => Fault;
  /** Sends the headers, some bytes if told, and then nothing more; of an upload takes no more. */
  readonly stall: (options?: StallOptions) => Fault;
  /** Breaks the connection off in place of an answer. */
  readonly reset: () => Fault;
  /** Answers as a proxy in front of the registry does: an HTML page, without any header of the registry's. */
  readonly htmlError: (status: number) => Fault;
  /** Ends the answer's body cleanly after so many bytes, with a `Content-Length` to match. */
  readonly truncate: (bytes: number) => Fault;
  /** Adds so many zero bytes to the answer's body, with a `Content-Length` to match if not told otherwise. */
  readonly pad: (bytes: number, options?: PadOptions) => Fault;
  /** Never ends the answer's body, and says nothing of its length. */
  readonly endless: () => Fault;
  /** Says nothing of the length of the answer's body. */
  readonly unsized: () => Fault;
  /** Sends the answer's body in gzip's coding, asked for or not. */
  readonly gzip: () => Fault;
  /** Adds a `Warning` header with this text to the registry's answer. @see distribution-spec v1.1.1, "Warnings" */
  readonly warning: (text: string) => Fault;
} = {
  cutAfter: (bytes) => bodyFault((body) => cut(body, bytes)),
  status: (code, options = {}) => {
    const body = options.body ?? JSON.stringify({ errors: [{ code: "UNKNOWN", message: "injected by a test" }] });
    const headers = { "content-type": "application/json", ...options.headers };
    return faultOf(() => ({ answer: { status: code, headers, body } }));
  },
  slow: (options) => faultOf(() => slowInterception(options)),
  corrupt: ({ at = 0 } = {}) => faultOf(() => corruption(at), hasAnswerBody),
  lyingRange,
  dropUpload: (afterBytes) => faultOf(() => ({ received: (body) => cut(body, afterBytes) }), isUploadOfBytes),
  unauthorizedAfter,
  rateLimit,
  stall: ({ afterBytes = 0 } = {}) => bodyFault((body, signal) => stall(body, afterBytes, signal)),
  reset: () => faultOf(() => ({ before: () => Promise.reject(new ConnectionCut("reset before an answer")) })),
  htmlError: (status) => {
    const title = `${status} injected by a test`;
    const body = `<!doctype html>\n<html><head><title>${title}</title></head><body><h1>${title}</h1></body></html>\n`;
    const headers = { "content-type": "text/html; charset=utf-8" };
    return faultOf(() => ({ answer: { status, headers, body }, head: withoutApiVersion }));
  },
  truncate: (bytes) => faultOf(() => truncation(bytes), hasAnswerBody),
  pad: (bytes, options = {}) => pad(bytes, options),
  endless,
  unsized,
  gzip,
  warning: (text) => faultOf(() => ({ head: withHeader("warning", `299 - "${quotable(text)}"`) })),
};

function bodyFault(transform: BodyTransform): Fault {
  return faultOf(() => ({ sent: transform, received: transform }), hasAnswerBody);
}

/** One bit of one body: what is said of a damaged upload arrives as it was said. */
function corruption(at: number): Interception {
  let isUpload = false;
  const received: BodyTransform = (body) =>
    flip(body, at, () => {
      isUpload = true;
    });
  return { received, sent: (body) => (isUpload ? body : flip(body, at)) };
}

function slowInterception({ bytesPerSecond, delayMs = 0, jitterMs = 0 }: SlowOptions): Interception {
  const before = async (signal: AbortSignal) => {
    await delay(delayMs + Math.random() * jitterMs, undefined, { signal });
  };
  if (bytesPerSecond === undefined) return { before };
  const paced: BodyTransform = (body, signal) => pace(body, bytesPerSecond, signal);
  return { before, sent: paced, received: paced };
}

function truncation(bytes: number): Interception {
  return {
    head: ({ status, headers }) => {
      const length = headers["content-length"];
      const shorter = length === undefined ? undefined : Math.min(Number(length), bytes);
      return { status, headers: { ...headers, "content-length": shorter } };
    },
    sent: (body) => shorten(body, bytes),
  };
}

function withHeader(name: string, value: string): NonNullable<Interception["head"]> {
  return ({ status, headers }) => ({ status, headers: { ...headers, [name]: value } });
}

const withoutApiVersion: NonNullable<Interception["head"]> = ({ status, headers }) => ({
  status,
  headers: { ...headers, "docker-distribution-api-version": undefined },
});

/** Text as it may stand between quotes in a header. */
function quotable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, " ").replace(/["\\]/g, "\\$&");
}
