import { fstatSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";
import { DirectFile } from "../disk/direct-file.ts";
import { FlushBehind } from "../disk/flush-behind.ts";
import { locally } from "../disk/local-error.ts";
import { openOwn } from "../disk/own-file.ts";
import type { OnSyncRefused } from "../disk/sync-folder.ts";
import type { ArchiveStorage } from "./archive-storage.ts";

/** The device has work to do all along, and at the end this much to wait for, in bytes. */
const flushBytes = 32 * 1024 * 1024;

/** An archive in one file. */
export class WholeFile implements ArchiveStorage {
  readonly #path: string;
  readonly #descriptor: number;
  readonly #flush: FlushBehind;
  /** Opened when it is first asked for; `null` before. */
  #direct: DirectFile | undefined | null;

  /** `onSyncRefused` is for a file that is written. @throws MirrorError `FILE_FAILED` */
  constructor(path: string, mode: "read" | "write", onSyncRefused?: OnSyncRefused) {
    this.#path = path;
    this.#descriptor = locally(path, () => (mode === "read" ? openSync(path, "r") : openOwn(path, "kept")));
    this.#direct = mode === "read" ? undefined : null;
    this.#flush = new FlushBehind(this.#descriptor, path, flushBytes, onSyncRefused);
  }

  get size(): number {
    return fstatSync(this.#descriptor).size;
  }

  get allocatedBytes(): number {
    return fstatSync(this.#descriptor).blocks * 512;
  }

  get direct(): DirectFile | undefined {
    if (this.#direct === null) this.#direct = DirectFile.of(this.#descriptor);
    return this.#direct;
  }

  readAt(into: Uint8Array, offset: number): number {
    return locally(this.#path, () => readSync(this.#descriptor, into, 0, into.byteLength, offset));
  }

  writeAt(bytes: Uint8Array, offset: number): number {
    const done = locally(this.#path, () => writeSync(this.#descriptor, bytes, 0, bytes.byteLength, offset));
    this.#flush.wrote(done);
    return done;
  }

  truncate(size: number): void {
    locally(this.#path, () => ftruncateSync(this.#descriptor, size));
  }

  sync(): Promise<void> {
    return this.#flush.finish();
  }

  [Symbol.dispose](): void {
    this.#direct?.[Symbol.dispose]();
    this.#direct = undefined;
    this.#flush[Symbol.dispose]();
  }
}
