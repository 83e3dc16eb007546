import {
  closeSync,
  fstatSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { locally } from "../disk/local-error.ts";
import { openOwn } from "../disk/own-file.ts";
import { type OnSyncRefused, syncData } from "../disk/sync-folder.ts";
import { chunkName, parseArchiveFileName, partialSuffix } from "./archive-names.ts";
import { type ArchivePlace, filePathOf, type Located } from "./archive-place.ts";
import type { ArchiveStorage } from "./archive-storage.ts";

/** Chunks of one archive open at a time: an archive may have thousands. */
const maxOpen = 16;

/**
 * An archive in chunks of one size, seen as one row of bytes. Chunks are opened when they are needed. A chunk that is
 * missing before the end, or too short, is a hole in an archive that is written; in one that is read, the bytes end there.
 */
export class ChunkFiles implements ArchiveStorage {
  readonly #located: Located;
  readonly #chunkBytes: number;
  readonly #isWritten: boolean;
  readonly #onSyncRefused: OnSyncRefused | undefined;
  /** By number; the one used longest ago first. */
  readonly #open = new Map<number, number>();
  /** The chunks of an archive that is written. */
  readonly #present = new Set<number>();
  #end = 0;

  /** @throws MirrorError `FILE_FAILED` */
  constructor(located: Located, chunkBytes: number, mode: "read" | "write", onSyncRefused?: OnSyncRefused) {
    this.#onSyncRefused = onSyncRefused;
    this.#located = located;
    this.#chunkBytes = chunkBytes;
    this.#isWritten = mode === "write";
    if (!this.#isWritten || !located.place) return;
    for (const { index, path } of listChunks(located.place)) {
      const size = locally(path, () => statSync(path).size);
      this.#present.add(index);
      this.#end = Math.max(this.#end, index * chunkBytes + Math.min(size, chunkBytes));
    }
  }

  get size(): number {
    return this.#end;
  }

  get allocatedBytes(): number {
    let sum = 0;
    for (const index of this.#present) {
      const [path, descriptor] = [this.#pathOf(index), this.#open.get(index)];
      const { blocks } = locally(path, () => (descriptor === undefined ? statSync(path) : fstatSync(descriptor)));
      sum += Math.min(blocks * 512, this.#chunkBytes);
    }
    return sum;
  }

  readAt(into: Uint8Array, offset: number): number {
    const { index, at, length } = this.#part(offset, into.byteLength);
    const wanted = into.subarray(0, length);
    const descriptor = this.#openToRead(index);
    const path = this.#pathOf(index);
    const got = descriptor === undefined ? 0 : locally(path, () => readSync(descriptor, wanted, 0, length, at));
    if (got > 0) return got;
    const hole = Math.max(0, Math.min(length, this.#end - offset));
    wanted.fill(0, 0, hole);
    return hole;
  }

  writeAt(bytes: Uint8Array, offset: number): number {
    const { index, at, length } = this.#part(offset, bytes.byteLength);
    const descriptor = this.#openToWrite(index);
    const done = locally(this.#pathOf(index), () => writeSync(descriptor, bytes, 0, length, at));
    this.#end = Math.max(this.#end, offset + done);
    return done;
  }

  truncate(size: number): void {
    const count = Math.max(1, Math.ceil(size / this.#chunkBytes));
    for (let index = 0; index < count; index += 1) {
      const descriptor = this.#openToWrite(index);
      const bytes = Math.min(this.#chunkBytes, size - index * this.#chunkBytes);
      locally(this.#pathOf(index), () => ftruncateSync(descriptor, bytes));
    }
    for (const index of [...this.#present].filter((other) => other >= count)) {
      this.#close(index);
      locally(this.#pathOf(index), () => rmSync(this.#pathOf(index), { force: true }));
      this.#present.delete(index);
    }
    this.#end = size;
  }

  async sync(): Promise<void> {
    for (const index of [...this.#present].sort((a, b) => a - b)) {
      await syncData(this.#openToWrite(index), this.#pathOf(index), this.#onSyncRefused);
    }
  }

  [Symbol.dispose](): void {
    for (const index of [...this.#open.keys()]) this.#close(index);
  }

  /** Which chunk `offset` is in, where in it, and how many of `length` bytes from there it has room for. */
  #part(offset: number, length: number): { readonly index: number; readonly at: number; readonly length: number } {
    const at = offset % this.#chunkBytes;
    return { index: (offset - at) / this.#chunkBytes, at, length: Math.min(length, this.#chunkBytes - at) };
  }

  #openToRead(index: number): number | undefined {
    const known = this.#used(index);
    if (known !== undefined) return known;
    const { place } = this.#located;
    if (!place || (this.#isWritten && !this.#present.has(index))) return undefined;
    const path = filePathOf(place, index);
    return locally(path, () => {
      try {
        return this.#keep(index, this.#isWritten ? openOwn(path, "existing") : openSync(path, "r"));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
        return undefined;
      }
    });
  }

  #openToWrite(index: number): number {
    const known = this.#used(index);
    if (known !== undefined) return known;
    const path = this.#pathOf(index);
    const descriptor = locally(path, () => openOwn(path, "kept"));
    this.#present.add(index);
    return this.#keep(index, descriptor);
  }

  #used(index: number): number | undefined {
    const descriptor = this.#open.get(index);
    if (descriptor === undefined) return undefined;
    this.#open.delete(index);
    this.#open.set(index, descriptor); // now the one used last
    return descriptor;
  }

  #keep(index: number, descriptor: number): number {
    this.#open.set(index, descriptor);
    const [oldest] = this.#open.keys();
    if (this.#open.size > maxOpen && oldest !== undefined) this.#close(oldest);
    return descriptor;
  }

  #close(index: number): void {
    const descriptor = this.#open.get(index);
    if (descriptor !== undefined) closeSync(descriptor);
    this.#open.delete(index);
  }

  #pathOf(index: number): string {
    const { place } = this.#located;
    return place ? filePathOf(place, index) : "";
  }
}

/** The chunks of an archive that are there, in no order. */
function listChunks({ path, isPartial }: ArchivePlace): readonly { readonly index: number; readonly path: string }[] {
  const [folder, archive] = [dirname(path), basename(path)];
  return locally(folder, () => readdirSync(folder)).flatMap((name) => {
    if (name.endsWith(partialSuffix) !== isPartial) return [];
    const finished = isPartial ? name.slice(0, -partialSuffix.length) : name;
    const { chunk } = parseArchiveFileName(finished) ?? {};
    if (chunk === undefined || chunkName(archive, chunk) !== finished) return [];
    return [{ index: chunk, path: join(folder, name) }];
  });
}
