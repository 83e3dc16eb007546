/** The most that is kept of what a program writes, in bytes. */
export const maxTailBytes: number = 256 * 1024;

/** Keeps the end of what a program writes, however much that is. */
export class OutputTail {
  readonly #maxBytes: number;
  readonly #chunks: Uint8Array[] = [];
  #kept = 0;

  constructor(maxBytes: number = maxTailBytes) {
    this.#maxBytes = maxBytes;
  }

  /** Takes more output; chunks that no byte is needed of are let go. */
  add(chunk: Uint8Array): void {
    // a view would keep all of a large chunk alive
    const end = chunk.byteLength > this.#maxBytes ? chunk.slice(-this.#maxBytes) : chunk;
    this.#chunks.push(end);
    this.#kept += end.byteLength;
    for (
      let first = this.#chunks[0];
      first && this.#kept - first.byteLength >= this.#maxBytes;
      first = this.#chunks[0]
    ) {
      this.#chunks.shift();
      this.#kept -= first.byteLength;
    }
  }

  /** The last bytes as text; a character that was cut in two reads as U+FFFD. */
  toString(): string {
    return Buffer.concat(this.#chunks).subarray(-this.#maxBytes).toString("utf8");
  }
}
