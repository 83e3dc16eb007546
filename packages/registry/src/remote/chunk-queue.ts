/**
 * Hands chunks from one producer to one consumer and makes the producer wait once `maxBytes` lie between them.
 * A consumer that leaves early makes {@link push} reject.
 */
export class ChunkQueue {
  readonly #maxBytes: number;
  readonly #chunks: Uint8Array[] = [];
  #bytes = 0;
  #ended: { readonly error?: unknown } | undefined;
  #left = false;
  #wakeProducer: (() => void) | undefined;
  #wakeConsumer: (() => void) | undefined;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Adds a chunk the consumer will own. Gives a promise when it is time to wait. */
  push(chunk: Uint8Array): void | Promise<void> {
    if (this.#left) throw new Error("the reader has left");
    this.#chunks.push(chunk);
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
        const chunk = this.#chunks.shift();
        if (chunk) {
          this.#bytes -= chunk.byteLength;
          if (this.#bytes < this.#maxBytes) this.#wakeProducer?.();
          yield chunk;
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

  async #room(): Promise<void> {
    while (this.#bytes >= this.#maxBytes && !this.#left) {
      await new Promise<void>((resolve) => {
        this.#wakeProducer = resolve;
      });
    }
    if (this.#left) throw new Error("the reader has left");
  }
}
