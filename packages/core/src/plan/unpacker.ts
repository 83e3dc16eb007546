import { createGunzip, createZstdDecompress } from "node:zlib";

/** Unpacks a stream pushed into it; what comes out goes to the function it was made with. */
export interface Unpacker {
  /** Settles when all that `chunk` unpacks to has been handed on; rejects when it cannot be unpacked. */
  write(chunk: Uint8Array): Promise<void>;
  /** Settles when the packed stream proved whole. */
  end(): Promise<void>;
  /** Leaves early; nothing is handed on any more. */
  destroy(): void;
}

/** Bytes needed to tell how a stream is packed. */
export const packedMagicBytes: number = 4;

const chunkSize = 256 * 1024;

/**
 * An unpacker for a stream that starts with `head`: gzip or zstd by its magic bytes, else plain. `sink` must not throw.
 * @see RFC 1952, "Member header and trailer"; RFC 8878, "Zstandard Frames", "Skippable Frames"
 */
export function createUnpacker(head: Uint8Array, sink: (chunk: Uint8Array) => void): Unpacker {
  if (head[0] === 0x1f && head[1] === 0x8b) return new EngineUnpacker(createGunzip({ chunkSize }), sink);
  const isZstd = head[0] === 0x28 && head[1] === 0xb5 && head[2] === 0x2f && head[3] === 0xfd;
  const isSkippable = ((head[0] ?? 0) & 0xf0) === 0x50 && head[1] === 0x2a && head[2] === 0x4d && head[3] === 0x18;
  if (isZstd || isSkippable) return new EngineUnpacker(createZstdDecompress({ chunkSize }), sink);
  return {
    async write(chunk) {
      sink(chunk);
    },
    async end() {},
    destroy() {},
  };
}

type Engine = ReturnType<typeof createGunzip> | ReturnType<typeof createZstdDecompress>;

class EngineUnpacker implements Unpacker {
  readonly #engine: Engine;
  #error: Error | undefined;
  #hasEnded = false;

  constructor(engine: Engine, sink: (chunk: Uint8Array) => void) {
    this.#engine = engine;
    engine.on("data", sink);
    engine.on("error", (error) => {
      this.#error = error;
    });
    engine.on("end", () => {
      this.#hasEnded = true;
    });
  }

  async write(chunk: Uint8Array): Promise<void> {
    if (this.#hasEnded || this.#engine.destroyed) return this.#rethrow(); // bytes after the packed stream mean nothing
    await this.#settled((done) => this.#engine.write(chunk, done));
    this.#rethrow();
  }

  async end(): Promise<void> {
    if (!this.#hasEnded && !this.#engine.destroyed) {
      await this.#settled((done) => {
        this.#engine.once("end", done);
        this.#engine.end();
      });
    }
    this.#rethrow();
  }

  destroy(): void {
    this.#engine.destroy();
  }

  /** An engine that fails or is destroyed closes, and does not always call back. */
  async #settled(start: (done: () => void) => void): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const done = () => resolve();
    this.#engine.once("close", done);
    start(done);
    await promise;
    this.#engine.off("close", done);
  }

  #rethrow(): void {
    if (this.#error) throw this.#error;
  }
}
