const [frameMagic, skippableMagic] = [0xfd2fb528, 0x184d2a50];
const checksumBytes = 4;

type Step = "magic" | "skippable" | "descriptor" | "block";

/**
 * Finds where the frames of a zstd stream end, without unpacking them. Layers made to be fetched in parts have one for each
 * file, and Node's unpacker ends with a frame that ends inside of what it is given.
 * @see RFC 8878, "Zstandard Frames", "Skippable Frames", "Blocks"
 */
export class ZstdFrames {
  #step: Step = "magic";
  /** Bytes of the number that comes next, least significant first. */
  #width = 4;
  #bytes = 0;
  #value = 0;
  /** Bytes to pass over before that. */
  #skip = 0;
  #hasChecksum = false;
  /** Whether the frame ends behind `#skip`. */
  #isLast = false;

  /** Whether the last frame ended with what was looked at last. */
  get isBetween(): boolean {
    return this.#step === "magic" && this.#bytes === 0 && this.#skip === 0;
  }

  /** Where the frame that goes on at `from` ends in `chunk`; the chunk's own end if it does not. */
  end(chunk: Uint8Array, from: number): number {
    for (let at = from; at < chunk.byteLength; ) {
      const skipped = Math.min(this.#skip, chunk.byteLength - at);
      this.#skip -= skipped;
      at += skipped;
      if (this.#isLast && this.#skip === 0) return this.#start(at);
      if (at === chunk.byteLength) break;
      this.#value += (chunk[at] as number) * 2 ** (8 * this.#bytes);
      this.#bytes += 1;
      at += 1;
      if (this.#bytes === this.#width) this.#take(this.#value);
      if (this.#isLast && this.#skip === 0) return this.#start(at);
    }
    return chunk.byteLength;
  }

  #start(at: number): number {
    this.#isLast = false;
    this.#expect("magic", 4);
    return at;
  }

  #expect(step: Step, width: number): void {
    this.#step = step;
    this.#width = width;
    this.#bytes = 0;
    this.#value = 0;
  }

  #take(value: number): void {
    if (this.#step === "magic") this.#takeMagic(value);
    else if (this.#step === "descriptor") this.#takeDescriptor(value);
    else if (this.#step === "block") this.#takeBlock(value);
    else {
      this.#skip = value;
      this.#isLast = true;
    }
  }

  #takeMagic(value: number): void {
    if (value === frameMagic) this.#expect("descriptor", 1);
    else if (value - (value % 16) === skippableMagic) this.#expect("skippable", 4);
    else this.#skip = Number.POSITIVE_INFINITY; // no frame: the unpacker says so
  }

  #takeDescriptor(value: number): void {
    const isSingleSegment = (value & 0x20) !== 0;
    const sizeBytes = [isSingleSegment ? 1 : 0, 2, 4, 8][value >> 6] as number;
    const dictionaryBytes = [0, 1, 2, 4][value & 3] as number;
    this.#hasChecksum = (value & 4) !== 0;
    this.#skip = (isSingleSegment ? 0 : 1) + dictionaryBytes + sizeBytes;
    this.#expect("block", 3);
  }

  #takeBlock(value: number): void {
    const isRunLength = ((value >> 1) & 3) === 1; // one byte, that many times
    this.#skip = isRunLength ? 1 : value >> 3;
    this.#isLast = (value & 1) !== 0;
    if (this.#isLast && this.#hasChecksum) this.#skip += checksumBytes;
    this.#expect("block", 3);
  }
}
