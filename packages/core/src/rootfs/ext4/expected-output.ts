import type { ByteString } from "../../layer-archive/byte-string.ts";

/** Holds what a program writes, as it comes, against what it is to write, byte for byte. */
export class ExpectedOutput {
  readonly #texts: Iterator<ByteString>;
  #current: Buffer = Buffer.alloc(0);
  #isOver = false;

  constructor(texts: Iterable<ByteString>) {
    this.#texts = texts[Symbol.iterator]();
  }

  /** Whether these bytes are the ones that come next. */
  matches(chunk: Uint8Array): boolean {
    for (let rest = chunk; rest.byteLength > 0; ) {
      if (this.#current.byteLength === 0 && !this.#refill()) return false;
      const length = Math.min(rest.byteLength, this.#current.byteLength);
      if (this.#current.compare(rest, 0, length, 0, length) !== 0) return false;
      this.#current = this.#current.subarray(length);
      rest = rest.subarray(length);
    }
    return true;
  }

  /** Whether nothing is to come. */
  isComplete(): boolean {
    return this.#current.byteLength === 0 && !this.#refill();
  }

  #refill(): boolean {
    let text = "";
    while (text.length < 65_536 && !this.#isOver) {
      const next = this.#texts.next();
      if (next.done) this.#isOver = true;
      else text += next.value;
    }
    this.#current = Buffer.from(text, "latin1");
    return text !== "";
  }
}
