import { RegistryError } from "../errors.ts";
import type { BlobLane, Sink } from "../lane.ts";
import type { Blob } from "../oci/descriptor.ts";
import type { Endpoints } from "./endpoints.ts";
import type { BodySink, ResponseHead } from "./exchange.ts";
import { contentLengthOf, contentRangeOf, mediaTypeOf } from "./headers.ts";
import type { ClientRequest, HttpClient } from "./http-client.ts";
import { type Operation, protocolError } from "./operation.ts";
import { requireNotEncoded } from "./require-not-encoded.ts";

/** Which of a blob's bytes are wanted: from `start`, up to but not with `end`. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** The lane of a repository: one ranged GET, straight from the socket into the sink. */
export function blobLane(client: HttpClient, endpoints: Endpoints): BlobLane {
  return {
    read: (blob, offset, sink, signal) =>
      readRange(client, endpoints, blob, { start: offset, end: blob.size }, sink, { signal }),
  };
}

/**
 * Reads a range of a blob in one exchange, without judging the bytes.
 * @throws RegistryError `NETWORK` when the answer ends early, `SIZE_MISMATCH` when the registry's blob is of another
 *   size, `PROTOCOL` when it answers with a range nobody asked for, and what the exchange throws
 * @see distribution-spec v1.1.1, "Pulling blobs"
 */
export async function readRange(
  client: HttpClient,
  endpoints: Endpoints,
  blob: Blob,
  range: ByteRange,
  sink: Sink,
  { signal, slot }: Pick<ClientRequest, "signal" | "slot"> = {},
): Promise<void> {
  if (range.start >= range.end) return;
  const operation = endpoints.operation("read blob", blob.digest);
  const window = new RangeWindow(blob, range, operation, sink);
  await client.send({
    method: "GET",
    url: endpoints.blob(blob.digest),
    // with its end, though it be that of the blob: go-containerregistry's registry answers 416 to a range without one
    ...(range.start > 0 || range.end < blob.size
      ? { headers: { range: `bytes=${range.start}-${range.end - 1}` } }
      : {}),
    operation,
    lane: "down",
    slot,
    scopes: endpoints.scope("pull"),
    expect: [200, 206, 416],
    onHead: (head) => window.open(head),
    signal,
  });
  window.close();
}

/** Lets through exactly the bytes of the range, whichever way the registry answers. */
class RangeWindow {
  readonly #blob: Blob;
  readonly #range: ByteRange;
  readonly #operation: Operation;
  readonly #sink: Sink;
  /** Where the next byte of the answer lies in the blob. */
  #position = 0;

  constructor(blob: Blob, range: ByteRange, operation: Operation, sink: Sink) {
    this.#blob = blob;
    this.#range = range;
    this.#operation = operation;
    this.#sink = sink;
  }

  open({ status, headers }: ResponseHead): BodySink {
    const { size } = this.#blob;
    const { start, end } = this.#range;
    const length = contentLengthOf(headers);
    const told = contentRangeOf(headers);
    if (status === 416) {
      if (told?.total !== undefined && told.total !== size) throw this.#wrongSize(size, told.total);
      throw this.#refused(`416 to a range inside the blob (${start}-${end - 1} of ${size} bytes)`);
    }
    requireNotEncoded({ headers }, this.#operation);
    if (status === 200) {
      if (length !== undefined && length !== size) throw this.#wrongSize(size, length);
      return (chunk) => this.#pass(chunk, size);
    }
    if (mediaTypeOf(headers) === "multipart/byteranges") throw this.#refused("206 with several parts");
    if (told?.start !== start || told.total !== size || told.end === undefined) {
      throw this.#refused(`206 with another range than ${start}-${end - 1}/${size}`);
    }
    if (told.end <= start || told.end > end)
      throw this.#refused(`206 that ends at ${told.end}, not in ${start}-${end}`);
    if (length !== undefined && length !== told.end - start) throw this.#wrongSize(told.end - start, length);
    this.#position = start;
    const until = told.end;
    return (chunk) => this.#pass(chunk, until);
  }

  /** The answer has ended. */
  close(): void {
    if (this.#position >= this.#range.end) return;
    const { registry, reference, what } = this.#operation;
    const message = `cannot ${what}: the answer ended at byte ${this.#position} of ${this.#blob.size}`;
    throw new RegistryError("NETWORK", message, { registry, reference, reason: "UNEXPECTED_EOF" });
  }

  #pass(chunk: Uint8Array, answerEnd: number): ReturnType<BodySink> {
    const { start, end } = this.#range;
    const from = this.#position;
    const to = from + chunk.byteLength;
    if (to > answerEnd) throw this.#wrongSize(answerEnd, to); // throwing drops the connection
    this.#position = to;
    if (to <= start) return undefined; // a registry that ignores ranges sends what is already known
    if (from >= end) return false;
    const wanted = from < start || to > end ? chunk.subarray(Math.max(0, start - from), end - from) : chunk;
    const taken = this.#sink(wanted);
    if (to < end || answerEnd === end) return taken;
    return taken instanceof Promise ? taken.then(() => false as const) : false; // the rest of the blob is not wanted
  }

  #refused(reason: string): RegistryError {
    return protocolError(this.#operation, reason);
  }

  #wrongSize(expected: number, actual: number): RegistryError {
    const { reference, what } = this.#operation;
    const message = `cannot ${what}: expected ${expected} bytes, the registry has ${actual}`;
    return new RegistryError("SIZE_MISMATCH", message, { reference, expected, actual });
  }
}
