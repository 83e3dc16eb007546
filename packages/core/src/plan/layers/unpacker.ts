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

/** Unpacked at a time, in bytes. A stream that starts with little gets little: a source has layers by the thousand. */
const [smallChunk, largeChunk] = [16 * 1024, 64 * 1024];

/**
 * An unpacker for a stream that starts with `head`: gzip or zstd by its magic bytes, else plain. `sink` must not throw.
 * @see RFC 1952, "Member header and trailer"; RFC 8878, "Zstandard Frames", "Skippable Frames"
 */
export function createUnpacker(head: Uint8Array, sink: (chunk: Uint8Array) => void): Unpacker {
  const chunkSize = head.byteLength < smallChunk ? smallChunk : largeChunk;
  if (head[0] === 0x1f && head[1] === 0x8b) return new EngineUnpacker(() => createGunzip({ chunkSize }), sink, false);
  const isZstd = head[0] === 0x28 && head[1] === 0xb5 && head[2] === 0x2f && head[3] === 0xfd;
  const isSkippable = ((head[0] ?? 0) & 0xf0) === 0x50 && head[1] === 0x2a && head[2] === 0x4d && head[3] === 0x18;
  if (isZstd || isSkippable) return new EngineUnpacker(() => createZstdDecompress({ chunkSize }), sink, true);
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
  readonly #create: () => Engine;
  readonly #sink: (chunk: Uint8Array) => void;
  /** Node's zstd engine ends with the frame that ends inside a chunk, and drops the frames after it. */
  readonly #endsWithFrame: boolean;
  #engine: Engine;
  #error: Error | undefined;
  #hasEnded = false;

  constructor(create: () => Engine, sink: (chunk: Uint8Array) => void, endsWithFrame: boolean) {
    this.#create = create;
    this.#sink = sink;
    this.#endsWithFrame = endsWithFrame;
    this.#engine = this.#start();
  }

  async write(chunk: Uint8Array): Promise<void> {
    for (let rest = chunk; rest.byteLength > 0 && !this.#error && !this.#isDone(); ) {
      const engine = this.#engine;
      const before = engine.bytesWritten;
      const part = rest;
      await this.#settled((done) => engine.write(part, done));
      const taken = engine.bytesWritten - before;
      rest = rest.subarray(taken);
      if (!this.#endsWithFrame || rest.byteLength === 0 || engine.destroyed || taken === 0) break;
      this.#engine = this.#start();
    }
    this.#rethrow();
  }

  async end(): Promise<void> {
    const engine = this.#engine;
    if (!this.#isDone()) {
      await this.#settled((done) => {
        engine.once("end", done);
        engine.end();
      });
    }
    this.#rethrow();
  }

  destroy(): void {
    this.#engine.destroy();
  }

  #start(): Engine {
    const engine = this.#create();
    this.#hasEnded = false;
    engine.on("data", this.#sink);
    engine.on("error", (error) => {
      this.#error ??= error;
    });
    engine.on("end", () => {
      if (engine === this.#engine) this.#hasEnded = true; // gzip ends before padding that follows it
    });
    return engine;
  }

  #isDone(): boolean {
    return this.#hasEnded || this.#engine.destroyed;
  }

  /** An engine that fails or is destroyed closes, and does not always call back. */
  async #settled(start: (done: () => void) => void): Promise<void> {
    const engine = this.#engine;
    const { promise, resolve } = Promise.withResolvers<void>();
    const done = () => resolve();
    engine.once("close", done);
    start(done);
    await promise;
    engine.off("close", done);
  }

  #rethrow(): void {
    if (this.#error) throw this.#error;
  }
}
