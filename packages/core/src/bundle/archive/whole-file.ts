import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";
import { locally } from "../disk/local-error.ts";
import { openOwn } from "../disk/own-file.ts";
import { type OnSyncRefused, syncData } from "../disk/sync-folder.ts";
import type { ArchiveStorage } from "./archive-storage.ts";

/** An archive in one file. */
export class WholeFile implements ArchiveStorage {
  readonly #path: string;
  readonly #descriptor: number;
  #isOpen = true;

  /** @throws MirrorError `FILE_FAILED` */
  constructor(path: string, mode: "read" | "write") {
    this.#path = path;
    this.#descriptor = locally(path, () => (mode === "read" ? openSync(path, "r") : openOwn(path, "kept")));
  }

  get size(): number {
    return fstatSync(this.#descriptor).size;
  }

  get allocatedBytes(): number {
    return fstatSync(this.#descriptor).blocks * 512;
  }

  readAt(into: Uint8Array, offset: number): number {
    return locally(this.#path, () => readSync(this.#descriptor, into, 0, into.byteLength, offset));
  }

  writeAt(bytes: Uint8Array, offset: number): number {
    return locally(this.#path, () => writeSync(this.#descriptor, bytes, 0, bytes.byteLength, offset));
  }

  truncate(size: number): void {
    locally(this.#path, () => ftruncateSync(this.#descriptor, size));
  }

  sync(onRefused?: OnSyncRefused): Promise<void> {
    return syncData(this.#descriptor, this.#path, onRefused);
  }

  [Symbol.dispose](): void {
    if (this.#isOpen) closeSync(this.#descriptor);
    this.#isOpen = false;
  }
}
