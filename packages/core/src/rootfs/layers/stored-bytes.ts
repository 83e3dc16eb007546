import { createHash, type Hash } from "node:crypto";
import { closeSync, openSync, readSync } from "node:fs";
import { LayerFault, layerInvalid, layerMismatch } from "./layer-fault.ts";
import type { LayerFile } from "./layer-file.ts";

/** Read at a time, in bytes. */
const readBytes = 1024 * 1024;

/** A layer as it is stored, read once from its first byte to its last and hashed on the way. Blocks: for threads only. */
export class StoredBytes implements Disposable {
  readonly #file: LayerFile;
  readonly #reference: string;
  readonly #algorithm: "sha256" | "sha512";
  readonly #hash: Hash;
  readonly #buffer: Uint8Array;
  #piece = 0;
  /** Read of the piece that is open. */
  #pieceBytes = 0;
  #descriptor: number | undefined;
  /** Read so far, of the whole layer. */
  bytes = 0;

  /** @throws LayerFault `LAYER_INVALID` when the pieces are not as long as the layer */
  constructor(file: LayerFile, reference: string) {
    const length = file.pieces.reduce((sum, piece) => sum + piece.length, 0);
    if (length !== file.size) {
      throw layerInvalid(reference, file, `its pieces hold ${length} bytes, expected ${file.size}`);
    }
    this.#file = file;
    this.#reference = reference;
    this.#algorithm = file.digest.startsWith("sha512:") ? "sha512" : "sha256";
    this.#hash = createHash(this.#algorithm);
    this.#buffer = new Uint8Array(Math.min(readBytes, Math.max(file.size, 1)));
  }

  /**
   * The bytes that come next, up to a MiB; `undefined` behind the last. The next call overwrites them.
   * @throws LayerFault `LAYER_INVALID` where a file is too short, `FILE_FAILED`
   */
  next(): Uint8Array | undefined {
    const buffer = this.#buffer;
    let filled = 0;
    while (filled < buffer.byteLength) {
      const bytes = this.#readPiece(buffer, filled);
      if (bytes === undefined) break;
      filled += bytes;
    }
    if (filled === 0) return undefined;
    const chunk = buffer.subarray(0, filled);
    this.#hash.update(chunk);
    this.bytes += filled;
    return chunk;
  }

  /**
   * Reads what is left, and compares.
   * @throws LayerFault `LAYER_MISMATCH`, and what {@link next} throws
   */
  verify(): void {
    while (this.next()) {} // all of it counts
    const actual = `${this.#algorithm}:${this.#hash.digest("hex")}`;
    if (actual === this.#file.digest) return;
    throw layerMismatch(this.#reference, this.#file.layer, this.#file.digest, actual, false);
  }

  [Symbol.dispose](): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  #readPiece(buffer: Uint8Array, at: number): number | undefined {
    const piece = this.#file.pieces[this.#piece];
    if (!piece) return undefined;
    const wanted = Math.min(piece.length - this.#pieceBytes, buffer.byteLength - at);
    const bytes =
      wanted === 0
        ? 0
        : this.#locally(piece.path, () => {
            this.#descriptor ??= openSync(piece.path, "r");
            return readSync(this.#descriptor, buffer, at, wanted, piece.offset + this.#pieceBytes);
          });
    if (wanted > 0 && bytes === 0) {
      const reason = `its file ${piece.path} ends ${piece.length - this.#pieceBytes} bytes too early`;
      throw layerInvalid(this.#reference, this.#file, reason);
    }
    this.#pieceBytes += bytes;
    if (this.#pieceBytes === piece.length) {
      this[Symbol.dispose]();
      this.#piece += 1;
      this.#pieceBytes = 0;
    }
    return bytes;
  }

  #locally<T>(path: string, action: () => T): T {
    try {
      return action();
    } catch (error) {
      const reason = (error as NodeJS.ErrnoException).code ?? String(error);
      const { layer } = this.#file;
      throw new LayerFault("FILE_FAILED", `cannot read layer ${layer} of ${this.#reference} from ${path}: ${reason}`, {
        path,
        reason,
      });
    }
  }
}
