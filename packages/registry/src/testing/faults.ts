import { setTimeout as delay } from "node:timers/promises";
import { ConnectionCut, type Interception } from "../server/served-request.ts";

/** Something that goes wrong with one request. Made by {@link faults}, injected into a test registry. */
export interface Fault {
  /** Whether it needs a body to show: then it passes over `HEAD` requests. */
  readonly needsBody: boolean;
  readonly interception: () => Interception;
}

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

/** What can go wrong, by name. */
export const faults: {
  /** Breaks the connection off after so many bytes of the body: the answer's, or an upload's. */
  readonly cutAfter: (bytes: number) => Fault;
  /** Answers with this status in place of the registry's answer. */
  readonly status: (code: number, options?: StatusOptions) => Fault;
  /** Answers late, or slowly. */
  readonly slow: (options: SlowOptions) => Fault;
  /** Flips one bit of the body: the answer's, or an upload's. */
  readonly corrupt: (options?: CorruptOptions) => Fault;
} = {
  cutAfter: (bytes) => bodyFault((body) => cut(body, bytes)),
  status: (code, options = {}) => {
    const body = options.body ?? JSON.stringify({ errors: [{ code: "UNKNOWN", message: "injected by a test" }] });
    const headers = { "content-type": "application/json", ...options.headers };
    return { needsBody: false, interception: () => ({ answer: { status: code, headers, body } }) };
  },
  slow: (options) => ({ needsBody: false, interception: () => slowInterception(options) }),
  corrupt: ({ at = 0 } = {}) => bodyFault((body) => flip(body, at)),
};

function bodyFault(transform: (body: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>): Fault {
  return { needsBody: true, interception: () => ({ sent: transform, received: transform }) };
}

async function* cut(body: AsyncIterable<Uint8Array>, bytes: number): AsyncGenerator<Uint8Array> {
  let left = bytes;
  for await (const chunk of body) {
    if (left > 0) yield chunk.subarray(0, left);
    left -= chunk.byteLength;
    if (left <= 0) throw new ConnectionCut(`cut after ${bytes} bytes`);
  }
}

async function* flip(body: AsyncIterable<Uint8Array>, at: number): AsyncGenerator<Uint8Array> {
  let left = at;
  for await (const chunk of body) {
    const copy = new Uint8Array(chunk); // the chunk may be what the registry keeps
    const byte = left >= 0 ? copy[left] : undefined;
    if (byte !== undefined) copy[left] = byte ^ 1;
    left -= chunk.byteLength;
    yield copy;
  }
}

function slowInterception({ bytesPerSecond, delayMs = 0, jitterMs = 0 }: SlowOptions): Interception {
  const before = async (signal: AbortSignal) => {
    await delay(delayMs + Math.random() * jitterMs, undefined, { signal });
  };
  if (bytesPerSecond === undefined) return { before };
  const paced = (body: AsyncIterable<Uint8Array>, signal: AbortSignal) => pace(body, bytesPerSecond, signal);
  return { before, sent: paced, received: paced };
}

async function* pace(
  body: AsyncIterable<Uint8Array>,
  bytesPerSecond: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  const step = Math.max(1, Math.ceil(bytesPerSecond / 50)); // a fiftieth of a second at a time
  for await (const chunk of body) {
    for (let at = 0; at < chunk.byteLength; at += step) {
      const piece = chunk.subarray(at, at + step);
      await delay((piece.byteLength * 1000) / bytesPerSecond, undefined, { signal });
      yield piece;
    }
  }
}
