import { closeSync } from "node:fs";
import type { ByteString } from "../../layer-archive/byte-string.ts";
import {
  type ContentJob,
  ExtentField,
  extentFields,
  type FileAttributes,
  FileField,
  fileFields,
  type RefusedAttribute,
} from "./content-job.ts";
import { extendFile, finishFile, makeFile, openFile, writeAt } from "./file-writer.ts";

/**
 * Takes an unpacked layer from its first byte on and writes the bytes of a {@link ContentJob}'s files, each once. Written
 * straight from what it is given, so memory does not grow with files.
 */
export class ContentSink implements Disposable {
  /** What could not be given to files. */
  readonly refused: RefusedAttribute[] = [];
  readonly #job: ContentJob;
  #file = -1;
  #extent = -1;
  #extentsLeft = 0;
  /** Bytes that went by, in the unpacked layer. */
  #passed = 0;
  #descriptor: number | undefined;
  /** Of a file that is written in the middle: it stays open for the next one. */
  #shared: { readonly path: ByteString; readonly descriptor: number } | undefined;
  #written = 0;

  constructor(job: ContentJob) {
    this.#job = job;
    this.#nextFile();
  }

  /** Bytes of contents that are written. */
  get written(): number {
    return this.#written;
  }

  /** Whether every file has its bytes: what follows in the layer is nobody's. */
  get isDone(): boolean {
    return this.#file === this.#job.paths.length;
  }

  /** The next bytes of the layer; they are not kept. @throws LayerFault `FILE_FAILED`, `NO_SPACE` */
  write(chunk: Uint8Array): void {
    const end = this.#passed + chunk.byteLength;
    while (!this.isDone) {
      const offset = this.#ofExtent(ExtentField.offset);
      if (offset >= end) break;
      const extentEnd = offset + this.#ofExtent(ExtentField.length);
      const from = Math.max(offset, this.#passed);
      const bytes = chunk.subarray(from - this.#passed, Math.min(extentEnd, end) - this.#passed);
      this.#put(bytes, this.#ofExtent(ExtentField.at) + (from - offset));
      if (extentEnd > end) break;
      this.#extentsLeft -= 1;
      this.#extent += 1;
      if (this.#extentsLeft === 0) this.#endFile();
    }
    this.#passed = end;
  }

  #put(bytes: Uint8Array, at: number): void {
    const position = this.#ofFile(FileField.position);
    const path = this.#path();
    if (this.#descriptor === undefined) {
      this.#descriptor = Number.isNaN(position) ? makeFile(path, this.#ofFile(FileField.createMode)) : this.#open(path);
    }
    writeAt(this.#descriptor, path, bytes, at + (Number.isNaN(position) ? 0 : position));
    this.#written += bytes.byteLength;
  }

  #open(path: ByteString): number {
    if (this.#shared?.path === path) return this.#shared.descriptor;
    if (this.#shared) closeSync(this.#shared.descriptor);
    this.#shared = undefined;
    const descriptor = openFile(path);
    this.#shared = { path, descriptor };
    return descriptor;
  }

  #endFile(): void {
    const descriptor = this.#descriptor;
    this.#descriptor = undefined;
    if (descriptor !== undefined && descriptor !== this.#shared?.descriptor) this.#finish(descriptor);
    this.#nextFile();
  }

  #finish(descriptor: number): void {
    const path = this.#path();
    const last = this.#extent - 1;
    const [size, numbers] = [this.#ofFile(FileField.size), this.#job.extents];
    const end =
      (numbers[last * extentFields + ExtentField.at] ?? 0) + (numbers[last * extentFields + ExtentField.length] ?? 0);
    try {
      if (end < size) extendFile(descriptor, path, size);
    } catch (error) {
      closeSync(descriptor);
      throw error;
    }
    const target = this.#ofFile(FileField.target);
    finishFile(descriptor, path, this.#attributes(), (kind) => this.refused.push({ file: target, kind }));
  }

  #nextFile(): void {
    this.#file += 1;
    if (this.#file === 0) this.#extent = 0;
    if (!this.isDone) this.#extentsLeft = this.#ofFile(FileField.extents);
  }

  #attributes(): FileAttributes {
    const [mode, uid, gid] = [this.#ofFile(FileField.mode), this.#ofFile(FileField.uid), this.#ofFile(FileField.gid)];
    const [atime, mtime] = [this.#ofFile(FileField.atime), this.#ofFile(FileField.mtime)];
    return {
      createMode: this.#ofFile(FileField.createMode),
      mode: Number.isNaN(mode) ? undefined : mode,
      owner: Number.isNaN(uid) ? undefined : { uid, gid },
      times: Number.isNaN(mtime) ? undefined : { atime, mtime },
    };
  }

  #path(): ByteString {
    return this.#job.paths[this.#file] ?? "";
  }

  #ofFile(field: number): number {
    return this.#job.files[this.#file * fileFields + field] ?? Number.NaN;
  }

  #ofExtent(field: number): number {
    return this.#job.extents[this.#extent * extentFields + field] ?? Number.NaN;
  }

  /** Closes what an interruption left open. */
  [Symbol.dispose](): void {
    if (this.#descriptor !== undefined && this.#descriptor !== this.#shared?.descriptor) closeSync(this.#descriptor);
    if (this.#shared) closeSync(this.#shared.descriptor);
    this.#descriptor = undefined;
    this.#shared = undefined;
  }
}
