import type { AllocatePiece, Blob, RepositoryReader } from "@tranship/registry";
import type { OnEvent } from "../events.ts";

/** Progress is told once per so many bytes of a blob. */
const progressBytes = 1024 * 1024;

/** One blob on its way to a target: opens its bytes as often as the target asks, and knows whether reading them failed. */
export class Upload {
  readonly #from: Pick<RepositoryReader, "fetchBlob">;
  readonly #blob: Blob;
  readonly #emit: OnEvent;
  readonly #signal: AbortSignal;
  readonly #told: { readonly side: "target"; readonly repository: string; readonly digest: Blob["digest"] };
  #failure: { readonly error: unknown } | undefined;
  #startedMs: number | undefined;
  #sentBytes = 0;
  #untoldBytes = 0;

  constructor(from: Pick<RepositoryReader, "fetchBlob">, path: string, blob: Blob, emit: OnEvent, signal: AbortSignal) {
    this.#from = from;
    this.#blob = blob;
    this.#emit = emit;
    this.#signal = signal;
    this.#told = { side: "target", repository: path, digest: blob.digest };
  }

  /** What the source failed with, if the last reading of it failed. */
  get failure(): { readonly error: unknown } | undefined {
    return this.#failure;
  }

  /** The blob's bytes from `offset` on; the target hashes them. A target that has enough, or breaks, ends the reading without an error. */
  async *open(offset: number, allocate?: AllocatePiece): AsyncGenerator<Uint8Array> {
    this.#failure = undefined;
    if (this.#startedMs === undefined) {
      this.#startedMs = performance.now();
      this.#emit({ type: "blob.started", ...this.#told, size: this.#blob.size, offset });
    }
    try {
      const options = { offset, verify: false, allocate, signal: this.#signal };
      for await (const chunk of this.#from.fetchBlob(this.#blob, options)) {
        this.#count(chunk.byteLength);
        yield chunk;
      }
    } catch (error) {
      this.#failure = { error };
      throw error;
    }
  }

  /** Tells that the target has the whole blob. */
  finish(): void {
    if (this.#untoldBytes > 0) this.#emit({ type: "blob.progress", ...this.#told, bytes: this.#untoldBytes });
    const elapsedMs = Math.round(performance.now() - (this.#startedMs ?? performance.now()));
    const { size } = this.#blob;
    this.#emit({ type: "blob.finished", ...this.#told, size, fetchedBytes: this.#sentBytes, elapsedMs });
  }

  /** Tells that the blob is given up, if it was begun. */
  fail(): void {
    if (this.#startedMs !== undefined) this.#emit({ type: "blob.failed", ...this.#told, size: this.#blob.size });
  }

  #count(bytes: number): void {
    this.#sentBytes += bytes;
    this.#untoldBytes += bytes;
    if (this.#untoldBytes < progressBytes) return;
    this.#emit({ type: "blob.progress", ...this.#told, bytes: this.#untoldBytes });
    this.#untoldBytes = 0;
  }
}
