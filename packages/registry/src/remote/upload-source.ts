import type { Blob } from "../oci/descriptor.ts";
import type { OpenBlob } from "../repository.ts";
import { HashTrail } from "./hash-trail.ts";
import type { Operation } from "./operation.ts";
import { PiecePool } from "./piece-pool.ts";
import { SourceReader } from "./source-reader.ts";
import { unlessAborted } from "./unless-aborted.ts";

/** Shared by all uploads: a blob's last buffer is the next one's first. */
const pieces = new PiecePool();

/**
 * A blob's bytes on their way to a registry, from any offset, as often as needed. The last of them are handed out only
 * once size and digest of the whole have matched, so that a registry never gets to commit bytes that are wrong. To go
 * back, the source is opened near the place and not at its start.
 */
export class UploadSource {
  readonly #blob: Blob;
  readonly #open: OpenBlob;
  readonly #operation: Operation;
  readonly #signal: AbortSignal | undefined;
  #trail: HashTrail;
  #reader: SourceReader | undefined;
  #matched = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(blob: Blob, open: OpenBlob, operation: Operation, signal?: AbortSignal) {
    this.#blob = blob;
    this.#open = open;
    this.#operation = operation;
    this.#signal = signal;
    this.#trail = new HashTrail(blob.digest);
  }

  /** Whether `error` is the source's own: no business of the registry's, and not to be tried again. */
  broke(error: unknown): boolean {
    return this.#failure?.error === error;
  }

  /**
   * Makes `offset` the place {@link take} goes on at, and has the first byte at hand: whoever waits for a slot of the
   * host after this has the source's own already. At the blob's end, the whole has matched when this returns.
   * @throws RegistryError `SIZE_MISMATCH`, `DIGEST_MISMATCH`; else what the source threw
   */
  async seek(offset: number): Promise<void> {
    if (offset === this.#blob.size && this.#matched) return; // nothing to read, nothing left to prove
    // an exchange that was answered early may still wait for the bytes after those it has sent
    const isFree = this.#reader !== undefined && !this.#reader.isAwaited;
    const reader = isFree && this.#reader?.position === offset ? this.#reader : this.#reopened(offset);
    this.#reader = reader;
    await unlessAborted(() => this.#skipTo(reader, offset), this.#signal);
    if (reader.matched) this.#matched = true;
  }

  /** The next `length` bytes. */
  async *take(length: number): AsyncGenerator<Uint8Array> {
    const reader = this.#reader;
    for (let left = length; reader && left > 0; ) {
      const piece = await reader.next(left);
      if (reader.matched) this.#matched = true;
      if (piece.byteLength === 0) return;
      left -= piece.byteLength;
      yield piece;
    }
  }

  /** How far bytes were handed out, at most, since the last {@link seek}. */
  get position(): number {
    return this.#reader?.position ?? 0;
  }

  /** Lets go of the source: an exchange that failed may still be reading it. The next {@link seek} opens it anew. */
  release(): void {
    if (!this.#reader) return;
    this.#trail = this.#reader.trail;
    this.#reader.close();
    this.#reader = undefined;
  }

  #reopened(offset: number): SourceReader {
    this.release();
    const trail = this.#trail.before(offset);
    return new SourceReader(this.#blob, this.#operation, trail, this.#opened(trail.position), (piece) =>
      pieces.giveBack(piece),
    );
  }

  async *#opened(offset: number): AsyncGenerator<Uint8Array> {
    try {
      yield* this.#open(offset, pieces.allocate);
    } catch (error) {
      this.#failure = { error };
      throw error;
    }
  }

  async #skipTo(reader: SourceReader, offset: number): Promise<void> {
    while (reader.position < offset) {
      await reader.next(offset - reader.position);
      this.#signal?.throwIfAborted();
    }
    await reader.fill();
  }
}
