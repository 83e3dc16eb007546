/** Memory, and how much of it holds bytes. */
interface Piece {
  readonly memory: Uint8Array;
  filled: number;
}

/** Gives memory for some bytes, of any size; what comes next fills up the rest. */
export type PieceMemory = (bytes: number) => Uint8Array;

/**
 * Hands borrowed chunks, copied, from one producer to one consumer, and makes the producer wait once `maxBytes` lie between
 * them. What has room is filled up until the consumer takes it. A consumer that leaves early makes {@link push} reject.
 */
export class ChunkQueue {
  readonly #maxBytes: number;
  readonly #memory: PieceMemory;
  readonly #pieces: Piece[] = [];
  #bytes = 0;
  #ended: { readonly error?: unknown } | undefined;
  #left = false;
  #wakeProducer: (() => void) | undefined;
  #wakeConsumer: (() => void) | undefined;

  /** Without `memory`, each chunk gets some of its own. */
  constructor(maxBytes: number, memory: PieceMemory = Buffer.allocUnsafeSlow) {
    this.#maxBytes = maxBytes;
    this.#memory = memory;
  }

  /** Adds the bytes of a chunk. Gives a promise when it is time to wait. */
  push(chunk: Uint8Array): void | Promise<void> {
    if (this.#left) throw new Error("the reader has left");
    for (let at = 0; at < chunk.byteLength; ) at += this.#fill(chunk.subarray(at));
    this.#bytes += chunk.byteLength;
    this.#wakeConsumer?.();
    if (this.#bytes >= this.#maxBytes) return this.#room();
  }

  /** No more will come; with `error`, the consumer gets it after all chunks. */
  end(outcome: { readonly error?: unknown } = {}): void {
    this.#ended ??= outcome;
    this.#wakeConsumer?.();
  }

  /** The chunks in order. */
  async *chunks(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) {
        const piece = this.#pieces.shift();
        if (piece) {
          this.#bytes -= piece.filled;
          if (this.#bytes < this.#maxBytes) this.#wakeProducer?.();
          yield piece.memory.subarray(0, piece.filled);
        } else if (this.#ended) {
          if ("error" in this.#ended) throw this.#ended.error;
          return;
        } else {
          await new Promise<void>((resolve) => {
            this.#wakeConsumer = resolve;
          });
        }
      }
    } finally {
      this.#left = true;
      this.#wakeProducer?.();
    }
  }

  /** Puts the first of these bytes where there is room, and says how many. */
  #fill(bytes: Uint8Array): number {
    const last = this.#pieces.at(-1);
    const hasRoom = last !== undefined && last.filled < last.memory.byteLength;
    const piece = hasRoom ? last : { memory: this.#memory(bytes.byteLength), filled: 0 };
    if (piece.memory.byteLength === 0) throw new RangeError("memory of no bytes was given");
    if (!hasRoom) this.#pieces.push(piece);
    const some = bytes.subarray(0, piece.memory.byteLength - piece.filled);
    piece.memory.set(some, piece.filled);
    piece.filled += some.byteLength;
    return some.byteLength;
  }

  async #room(): Promise<void> {
    while (this.#bytes >= this.#maxBytes && !this.#left) {
      await new Promise<void>((resolve) => {
        this.#wakeProducer = resolve;
      });
    }
    if (this.#left) throw new Error("the reader has left");
  }
}
