import { RegistryError } from "../errors.ts";
import type { Sink } from "../lane.ts";
import type { Blob } from "../oci/descriptor.ts";
import { digestAlgorithm, formatDigest, hashFor } from "../oci/digest.ts";
import type { FetchBlobOptions } from "../repository.ts";
import { type ByteRange, readRange } from "./blob-download.ts";
import { ChunkQueue } from "./chunk-queue.ts";
import type { Endpoints } from "./endpoints.ts";
import type { HttpClient } from "./http-client.ts";

/** How much may lie between the socket and a slow reader, in bytes. */
const queueBytes = 512 * 1024;

/** Reads are gathered in memory of this size, where the reader gives it, in bytes. */
const pieceBytes = 128 * 1024;

/**
 * Streams a blob or a part of it: goes on where a connection broke, and verifies a whole read unless told not to.
 * @throws RegistryError `NOT_FOUND`, `DIGEST_MISMATCH`, `SIZE_MISMATCH`, and what the last failed try threw
 */
export async function* fetchBlob(
  client: HttpClient,
  endpoints: Endpoints,
  blob: Blob,
  { offset = 0, length, verify = true, allocate, signal }: FetchBlobOptions = {},
): AsyncGenerator<Uint8Array> {
  signal?.throwIfAborted();
  const range = rangeOf(blob, offset, length);
  const leave = new AbortController();
  let left = range.end - range.start;
  const gathered = allocate && (() => allocate(Math.min(pieceBytes, left)));
  const queue = new ChunkQueue(queueBytes, gathered);
  const sink: Sink = (chunk) => {
    const pushed = queue.push(chunk);
    left -= chunk.byteLength;
    return pushed;
  };
  const together = signal ? AbortSignal.any([signal, leave.signal]) : leave.signal;
  const producing = produce(client, endpoints, blob, range, sink, together).then(
    () => queue.end(),
    (error: unknown) => queue.end({ error }),
  );
  const isWhole = range.start === 0 && range.end === blob.size;
  const hash = verify && isWhole ? hashFor(blob.digest) : undefined;
  try {
    for await (const chunk of queue.chunks()) {
      signal?.throwIfAborted();
      hash?.update(chunk);
      yield chunk;
    }
  } finally {
    leave.abort(); // gives the connection and the permit back when the reader leaves early
    await producing;
  }
  if (!hash) return;
  const actual = formatDigest(digestAlgorithm(blob.digest), hash);
  if (actual === blob.digest) return;
  const { reference, what } = endpoints.operation("read blob", blob.digest);
  const details = { reference, expected: blob.digest, actual };
  throw new RegistryError("DIGEST_MISMATCH", `cannot ${what}: it arrived as ${actual}`, details);
}

async function produce(
  client: HttpClient,
  endpoints: Endpoints,
  blob: Blob,
  range: ByteRange,
  take: Sink,
  signal: AbortSignal,
): Promise<void> {
  if (range.start >= range.end) return;
  const operation = endpoints.operation("read blob", blob.digest);
  // kept over breaks and pauses: where this feeds an upload, the upload's slot must not wait for another of ours
  using slot = await client.reserve("down", operation, signal);
  let position = range.start;
  const sink: Sink = (chunk) => {
    position += chunk.byteLength;
    return take(chunk);
  };
  const attempt = () => readRange(client, endpoints, blob, { start: position, end: range.end }, sink, { signal, slot });
  await client.retrying(operation, attempt, { signal, progress: () => position }); // a link that brings something is not given up
}

function rangeOf({ size }: Blob, offset: number, length: number | undefined): ByteRange {
  if (!Number.isInteger(offset) || offset < 0) throw new RangeError(`offset ${offset}`);
  if (length !== undefined && (!Number.isInteger(length) || length < 0)) throw new RangeError(`length ${length}`);
  return { start: offset, end: Math.min(size, offset + (length ?? size)) };
}
