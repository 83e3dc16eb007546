/** What is used of it here; its own types come with those of browsers. */
declare const WebAssembly: {
  readonly Memory: new (size: {
    readonly initial: number;
    readonly maximum: number;
  }) => {
    readonly buffer: ArrayBuffer;
  };
};

/**
 * Written at a time, and at a multiple of it, in bytes. The kernel's cache holds a file in parts that begin at a multiple of
 * their size: of one page, or of many, but hardly of as many. Less costs more turns of the thread pool; more is lost when
 * the process is killed.
 */
export const directPieceBytes: number = 1024 * 1024;

const maxPieces = 8;

/** After so many bytes the device is judged. */
const judgedBytes = 64 * 1024 * 1024;

/** A slower device gains more from the order the kernel writes in than the processor from one copy less. */
const leastBytesPerMs = 256 * 1024;

/**
 * What all direct writes of a run share: memory that begins at a page, which a `Buffer` need not, and the judgement of
 * whether they are worth while.
 */
export class DirectWrites {
  #free: Uint8Array[] | undefined;
  #isWorthwhile = true;
  #inFlight = 0;
  #busySinceMs = 0;
  #busyMs = 0;
  #bytes = 0;

  /** Whether the device is fast enough, as far as is known. */
  get isWorthwhile(): boolean {
    return this.#isWorthwhile;
  }

  /** A piece of {@link directPieceBytes}, until it is given back; `undefined` when there is none. */
  take(): Uint8Array | undefined {
    this.#free ??= aligned();
    return this.#free.pop();
  }

  /** Takes a piece back that was taken from here. */
  giveBack(piece: Uint8Array): void {
    this.#free?.push(piece);
  }

  /** Writes, and counts how long the device takes. */
  async measured(write: () => Promise<number>): Promise<number> {
    if (this.#inFlight === 0) this.#busySinceMs = performance.now();
    this.#inFlight += 1;
    try {
      const bytes = await write();
      this.#bytes += bytes;
      return bytes;
    } finally {
      this.#inFlight -= 1;
      if (this.#inFlight === 0) this.#busyMs += performance.now() - this.#busySinceMs;
      this.#judge();
    }
  }

  #judge(): void {
    if (this.#bytes < judgedBytes) return;
    const busyMs = this.#busyMs + (this.#inFlight === 0 ? 0 : performance.now() - this.#busySinceMs);
    if (this.#bytes < busyMs * leastBytesPerMs) this.#isWorthwhile = false;
    this.#busySinceMs = performance.now();
    this.#busyMs = 0;
    this.#bytes = 0;
  }
}

/** The memory of WebAssembly begins at a page, wherever it runs. */
function aligned(): Uint8Array[] {
  const bytes = maxPieces * directPieceBytes;
  const wasmPages = bytes / (64 * 1024);
  try {
    const { buffer } = new WebAssembly.Memory({ initial: wasmPages, maximum: wasmPages });
    return Array.from({ length: maxPieces }, (_, n) => new Uint8Array(buffer, n * directPieceBytes, directPieceBytes));
  } catch {
    return []; // it sets much address space aside, of which a process may have but little
  }
}
