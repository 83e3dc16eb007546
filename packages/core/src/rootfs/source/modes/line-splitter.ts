/** A line longer than this ends the reading, in bytes. */
export const maxLineBytes: number = 1024 * 1024;

/**
 * Cuts what a program writes into lines, at `\n` and at `\r`, with which progress is drawn over itself. After a line of more
 * than 1 MiB nothing more is given: the rest is taken and let go, so that the program is never held up.
 */
export class LineSplitter {
  readonly #parts: Buffer[] = [];
  #held = 0;
  #isOver = false;

  /** Whether a line was too long. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Takes more output; gives the lines that are complete now, without their ends and without empty ones. */
  push(chunk: Uint8Array): string[] {
    const lines: string[] = [];
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
    let start = 0;
    for (let at = 0; at < bytes.length && !this.#isOver; at++) {
      if (bytes[at] !== 0x0a && bytes[at] !== 0x0d) continue;
      if (this.#hold(bytes.subarray(start, at))) lines.push(...this.#take());
      start = at + 1;
    }
    if (!this.#isOver) this.#hold(Buffer.from(bytes.subarray(start))); // the chunk is its owner's again
    return lines;
  }

  /** The last line, where no end followed it. */
  end(): string[] {
    return this.#take();
  }

  #hold(part: Buffer): boolean {
    this.#held += part.length;
    if (this.#held > maxLineBytes) {
      this.#isOver = true;
      this.#parts.length = 0;
      return false;
    }
    if (part.length > 0) this.#parts.push(part);
    return true;
  }

  #take(): string[] {
    const line = Buffer.concat(this.#parts).toString("utf8");
    this.#parts.length = 0;
    this.#held = 0;
    return line === "" || this.#isOver ? [] : [line];
  }
}
