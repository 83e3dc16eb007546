import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { ConnectionCut } from "../server/served-request.ts";

/** The first `bytes`, then the end of the connection. */
export async function* cut(body: AsyncIterable<Uint8Array>, bytes: number): AsyncGenerator<Uint8Array> {
  let left = bytes;
  for await (const chunk of body) {
    if (left > 0) yield chunk.subarray(0, left);
    left -= chunk.byteLength;
    if (left <= 0) throw new ConnectionCut(`cut after ${bytes} bytes`);
  }
}

/** The first `bytes`, then a clean end. */
export async function* shorten(body: AsyncIterable<Uint8Array>, bytes: number): AsyncGenerator<Uint8Array> {
  let left = bytes;
  if (left <= 0) return;
  for await (const chunk of body) {
    yield chunk.subarray(0, left);
    left -= chunk.byteLength;
    if (left <= 0) return;
  }
}

/** The same bytes with one bit of byte `at` changed. */
export async function* flip(
  body: AsyncIterable<Uint8Array>,
  at: number,
  onFlipped: () => void = () => {},
): AsyncGenerator<Uint8Array> {
  let left = at;
  for await (const chunk of body) {
    const copy = new Uint8Array(chunk); // the chunk may be what the registry keeps
    const byte = left >= 0 ? copy[left] : undefined;
    if (byte !== undefined) {
      copy[left] = byte ^ 1;
      onFlipped();
    }
    left -= chunk.byteLength;
    yield copy;
  }
}

/** The first `bytes`, then silence until the connection is gone. */
export async function* stall(
  body: AsyncIterable<Uint8Array>,
  bytes: number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  yield new Uint8Array(); // takes the headers out
  yield* shorten(body, bytes);
  if (!signal.aborted) await once(signal, "abort");
  throw new ConnectionCut(`stalled after ${bytes} bytes`);
}

/** The same bytes, no faster than so many in a second. */
export async function* pace(
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
