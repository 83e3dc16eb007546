import { setImmediate } from "node:timers/promises";
import {
  type Blob,
  type BlobLane,
  classifyFailure,
  type Digest,
  digestAlgorithm,
  formatDigest,
  hashFor,
  RegistryError,
  withRetry,
} from "@tranship/registry";

import { isDamaged } from "./asking-again.ts";

/** Where a received blob goes, and what of it is already there. */
export interface Slot {
  /** Bytes of the blob that lie in the slot already; they are hashed again by {@link Slot.prefix}. */
  readonly filledBytes: number;
  /** Those bytes, in order. */
  prefix(): Iterable<Uint8Array>;
  /** Writes borrowed bytes at a position of the blob; they may be reused when it returns, or when its promise settles. */
  write(position: number, bytes: Uint8Array): void | Promise<void>;
  /** Waits until all that was written is in the slot; asked also after a failure. @defaultValue it is as soon as it was written */
  settle?(): Promise<void>;
}

/** Options of {@link receive}. */
export interface ReceiveOptions {
  readonly signal: AbortSignal;
  /** Tries in a row that bring no byte before giving up. @defaultValue 5 */
  readonly attempts?: number | undefined;
  /** The pause before the second try, in milliseconds; it doubles from try to try. @defaultValue 500 */
  readonly delayMs?: number | undefined;
  readonly onBytes?: ((bytes: number) => void) | undefined;
  /** So many bytes were there, were not the blob's, and are fetched again. */
  readonly onRestart?: ((bytes: number) => void) | undefined;
  readonly onRetry?: ((error: unknown, attempt: number, delayMs: number) => void) | undefined;
}

/**
 * Brings a blob into its slot: goes on after what is there, goes on after a break, and ends only when size and digest
 * are right. The only place where downloads are hashed, resumed, retried and verified. Gives the bytes fetched.
 * @throws RegistryError `DIGEST_MISMATCH` when two whole tries gave other bytes; else what the lane threw last
 */
export async function receive(blob: Blob, lane: BlobLane, slot: Slot, options: ReceiveOptions): Promise<number> {
  try {
    return await receiveInto(slot, blob, lane, options);
  } catch (error) {
    await slot.settle?.().catch(() => {}); // what came is kept, if it can be
    throw error;
  }
}

async function receiveInto(slot: Slot, blob: Blob, lane: BlobLane, options: ReceiveOptions): Promise<number> {
  const { signal, attempts = 5, delayMs = 500, onBytes, onRestart, onRetry } = options;
  let hash = hashFor(blob.digest);
  let position = 0;
  let fetched = 0;
  for (const piece of slot.prefix()) {
    hash.update(piece);
    position += piece.byteLength;
    await setImmediate(); // the slot reads synchronously: let others have their turn
    signal.throwIfAborted();
  }
  const kept = position;
  for (let wholeTries = kept > 0 ? 0 : 1; ; wholeTries += 1) {
    while (position < blob.size) {
      const before = position;
      const sink = (chunk: Uint8Array) => {
        if (position + chunk.byteLength > blob.size) throw sizeMismatch(blob, position + chunk.byteLength);
        hash.update(chunk);
        const written = slot.write(position, chunk);
        position += chunk.byteLength;
        fetched += chunk.byteLength;
        onBytes?.(chunk.byteLength);
        return written;
      };
      try {
        const patience = { attempts, delayMs, signal, onRetry };
        const read = async () => {
          await lane.read(blob, position, sink, signal);
          if (position < blob.size) throw sizeMismatch(blob, position);
        };
        await withRetry(() => withRetry(read, patience), { ...patience, shouldRetry: isDamaged });
      } catch (error) {
        signal.throwIfAborted();
        if (position === before || !mayPass(error)) throw error; // a link that brings something is not given up
      }
    }
    await slot.settle?.();
    const actual = formatDigest(digestAlgorithm(blob.digest), hash);
    if (actual === blob.digest) return fetched;
    if (wholeTries >= 2) throw digestMismatch(blob.digest, actual);
    onRestart?.(position);
    hash = hashFor(blob.digest);
    position = 0;
  }
}

function mayPass(error: unknown): boolean {
  const failure = classifyFailure(error);
  return failure === "transient" || failure === "throttled" || failure === "corrupt";
}

function sizeMismatch(blob: Blob, actual: number): RegistryError {
  const message = `${blob.digest} should have ${blob.size} bytes, ${actual} came`;
  return new RegistryError("SIZE_MISMATCH", message, { reference: blob.digest, expected: blob.size, actual });
}

function digestMismatch(expected: Digest, actual: Digest): RegistryError {
  const message = `${expected} arrived as ${actual}`;
  return new RegistryError("DIGEST_MISMATCH", message, { reference: expected, expected, actual });
}
