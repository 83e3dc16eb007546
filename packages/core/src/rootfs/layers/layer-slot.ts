import { closeSync, openSync, writeSync } from "node:fs";
import type { Slot } from "../../transfer/receive.ts";
import { atFile } from "../file-error.ts";

/** A new file of this user's alone that a layer's bytes are written to. */
export class LayerSlot implements Slot, Disposable {
  readonly filledBytes = 0;
  readonly path: string;
  readonly #descriptor: number;

  /** @throws RootfsError `FILE_FAILED`, `NO_SPACE` */
  constructor(path: string) {
    this.path = path;
    this.#descriptor = atFile(path, () => openSync(path, "wx", 0o600));
  }

  prefix(): Iterable<Uint8Array> {
    return [];
  }

  /** @throws RootfsError `FILE_FAILED`, `NO_SPACE` */
  write(position: number, bytes: Uint8Array): void {
    atFile(this.path, () => {
      for (let done = 0; done < bytes.byteLength; ) {
        done += writeSync(this.#descriptor, bytes, done, bytes.byteLength - done, position + done);
      }
    });
  }

  [Symbol.dispose](): void {
    closeSync(this.#descriptor);
  }
}
