import { RegistryError } from "../errors.ts";
import type { Blob } from "../oci/descriptor.ts";
import type { HashTrail } from "./hash-trail.ts";
import type { Operation } from "./operation.ts";

/** One opening of a blob's source: hashes what it reads, and keeps the blob's end back until all of it has matched. */
export class SourceReader {
  readonly #blob: Blob;
  readonly #operation: Operation;
  /** Ahead of {@link position} by what was read and not handed out. */
  readonly trail: HashTrail;
  readonly #chunks: AsyncIterator<Uint8Array>;
  /** Read, and not handed out. */
  readonly #ahead: Uint8Array[] = [];
  #position: number;
  readonly #onUsed: (chunk: Uint8Array) => void;
  /** Handed out to its end, and in use until the next bytes are asked for. */
  #used: Uint8Array | undefined;
  #matched = false;
  #isAwaited = false;

  /** `source` has to begin where `trail` stands. `onUsed` takes each of its chunks when nobody needs it any more. */
  constructor(
    blob: Blob,
    operation: Operation,
    trail: HashTrail,
    source: AsyncIterable<Uint8Array>,
    onUsed: (chunk: Uint8Array) => void,
  ) {
    this.#blob = blob;
    this.#operation = operation;
    this.trail = trail;
    this.#position = trail.position;
    this.#chunks = source[Symbol.asyncIterator]();
    this.#onUsed = onUsed;
  }

  /** Where the next byte to hand out lies in the blob. */
  get position(): number {
    return this.#position;
  }

  /** Somebody waits for {@link next}, and will get what comes. */
  get isAwaited(): boolean {
    return this.#isAwaited;
  }

  /** All bytes were read, and size and digest are right. */
  get matched(): boolean {
    return this.#matched;
  }

  /**
   * Has the next bytes at hand, unless the blob is at its end; and looks one chunk further, as a source that ends too
   * early had better be found out before anything is sent.
   * @throws RegistryError `SIZE_MISMATCH`, `DIGEST_MISMATCH`; else what the source threw
   */
  async fill(): Promise<void> {
    while (this.#ahead.length < 2 && !this.#matched) await this.#advance();
  }

  /** Up to `length` of the next bytes; none at the end. What was given before is not to be used any more. */
  async next(length: number): Promise<Uint8Array> {
    if (this.#used) this.#onUsed(this.#used);
    this.#used = undefined;
    this.#isAwaited = true;
    await this.fill();
    this.#isAwaited = false;
    const chunk = this.#ahead.shift();
    if (!chunk) return new Uint8Array();
    if (chunk.byteLength > length) this.#ahead.unshift(chunk.subarray(length));
    else this.#used = chunk;
    const piece = chunk.subarray(0, length);
    this.#position += piece.byteLength;
    return piece;
  }

  /** The source may be in the middle of something: its end is not waited for. */
  close(): void {
    void this.#chunks.return?.().then(undefined, () => {});
  }

  async #advance(): Promise<void> {
    let chunk: Uint8Array | undefined;
    if (this.trail.position < this.#blob.size) {
      chunk = await this.#read();
      const end = this.trail.position + (chunk?.byteLength ?? 0);
      if (!chunk || end > this.#blob.size) throw this.#wrongSize(end);
      this.trail.update(chunk);
    }
    if (this.trail.position === this.#blob.size) await this.#match();
    if (chunk) this.#ahead.push(chunk);
  }

  async #match(): Promise<void> {
    const beyond = await this.#read();
    if (beyond) throw this.#wrongSize(this.trail.position + beyond.byteLength);
    const { digest: expected } = this.#blob;
    const actual = this.trail.digest();
    if (actual !== expected) {
      const { reference, what } = this.#operation;
      const details = { reference, expected, actual };
      throw new RegistryError("DIGEST_MISMATCH", `cannot ${what}: the bytes given hash to ${actual}`, details);
    }
    this.#matched = true;
  }

  /** The next chunk that has bytes. */
  async #read(): Promise<Uint8Array | undefined> {
    for (;;) {
      const { done, value } = await this.#chunks.next();
      if (done) return undefined;
      if (value.byteLength > 0) return value;
    }
  }

  #wrongSize(actual: number): RegistryError {
    const { reference, what } = this.#operation;
    const expected = this.#blob.size;
    const message = `cannot ${what}: expected ${expected} bytes, got ${actual}`;
    return new RegistryError("SIZE_MISMATCH", message, { reference, expected, actual });
  }
}
