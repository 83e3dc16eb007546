import { ArchiveFault } from "../../layer-archive/archive-fault.ts";
import { textOfByteString } from "../../layer-archive/byte-string.ts";
import type { DataExtent, LayerEntry } from "../../layer-archive/layer-entry.ts";
import { LayerParser } from "../../layer-archive/layer-parser.ts";
import { type FileSearch, type LayerEntryKind, parseLayerPath } from "./file-search.ts";
import { createUnpacker, packedMagicBytes, type Unpacker } from "./unpacker.ts";

/** Bounds of reading one image's layers, in bytes. */
export interface LayerLimits {
  readonly maxFileBytes: number;
  /** Shared by all layers of an image: what may still be unpacked. */
  unpackedBytesLeft: number;
}

/** Why a layer, or a file in it, cannot be used; `file` is the path looked for, where it is about one. */
export class LayerFault extends Error {
  override readonly name = "LayerFault";
  readonly file: string | undefined;

  constructor(reason: string, file?: string, options?: ErrorOptions) {
    super(reason, options);
    this.file = file;
  }
}

/**
 * Feeds one layer to `search`, whose chunks are only used until the next is asked for; leaves `blob` early once nothing is left to look for, if `mayLeave`. A layer that cannot be
 * unpacked is still read to its end first: a transfer that went wrong then shows as such, by the blob's digest.
 * @throws LayerFault, and what reading `blob` throws
 */
export async function scanLayer(
  blob: AsyncIterable<Uint8Array>,
  search: FileSearch,
  limits: LayerLimits,
  mayLeave: boolean,
): Promise<void> {
  const scan = new LayerScan(search, limits);
  let head: Uint8Array = new Uint8Array();
  let unpacker: Unpacker | undefined;
  try {
    for await (const chunk of blob) {
      if (scan.fault || scan.isOver || search.isDone) continue;
      head = unpacker ? chunk : Buffer.concat([head, chunk]); // a copy of the first only
      if (!unpacker && head.byteLength < packedMagicBytes) continue;
      unpacker ??= createUnpacker(head, (bytes) => scan.push(bytes));
      await unpacker.write(head).catch((error: unknown) => scan.fail(error));
      if (search.isDone && mayLeave) return;
      if (scan.fault) unpacker.destroy();
    }
    if (search.isDone) return;
    if (!unpacker) scan.push(head);
    else if (!scan.fault && !scan.isOver) await unpacker.end().catch((error: unknown) => scan.fail(error));
    if (!search.isDone) scan.end();
  } finally {
    unpacker?.destroy();
  }
}

/** A file that was looked for and found: its bytes, as far as they have come. */
interface Wanted {
  readonly path: string;
  readonly bytes: Uint8Array;
  /** Where its data is in the unpacked layer, and in the file. */
  readonly extents: readonly DataExtent[];
  readonly end: number;
}

/** The unpacked side: bytes into the tar parser, its entries to the search. Never throws where a stream would be hit. */
class LayerScan {
  readonly #parser: LayerParser;
  readonly #search: FileSearch;
  readonly #limits: LayerLimits;
  #bytes = 0;
  #wanted: Wanted[] = [];
  fault: LayerFault | undefined;

  constructor(search: FileSearch, limits: LayerLimits) {
    this.#search = search;
    this.#limits = limits;
    this.#parser = new LayerParser((entry) => this.#visit(entry));
  }

  /** Whether the archive's own end was seen: what follows means nothing. */
  get isOver(): boolean {
    return this.#parser.isOver;
  }

  /** Takes borrowed bytes. */
  push(bytes: Uint8Array): void {
    if (this.fault || this.isOver || this.#search.isDone || bytes.byteLength === 0) return;
    try {
      if (this.#bytes === 0 && bytes[0] === 0x1f) throw new LayerFault("it is no tar archive");
      const start = this.#bytes;
      this.#bytes += bytes.byteLength;
      this.#limits.unpackedBytesLeft -= bytes.byteLength;
      if (this.#limits.unpackedBytesLeft < 0) throw new LayerFault("the image unpacks to more than is allowed");
      this.#parser.push(bytes);
      this.#gather(bytes, start);
    } catch (error) {
      this.fail(error);
    }
  }

  /** Ends the archive. @throws LayerFault when it was not whole */
  end(): void {
    try {
      if (!this.fault) this.#parser.end();
    } catch (error) {
      this.fail(error);
    }
    if (this.fault) throw this.fault;
  }

  fail(error: unknown): void {
    if (this.isOver) return;
    if (error instanceof LayerFault) this.fault ??= error;
    else if (error instanceof ArchiveFault) this.fault ??= new LayerFault(`its archive is damaged: ${error.message}`);
    else this.fault ??= new LayerFault(`it cannot be unpacked: ${textOf(error)}`, undefined, { cause: error });
  }

  #visit(entry: LayerEntry): void {
    const path = parseLayerPath(textOfByteString(entry.name));
    if (path === undefined || !this.#search.visit(path, kindOf(entry))) return;
    if (entry.type !== "file") throw new LayerFault(`it is a ${entry.type}`, path);
    const { size, offset } = entry;
    if (size > this.#limits.maxFileBytes) {
      throw new LayerFault(`it is ${size} bytes long, allowed are ${this.#limits.maxFileBytes}`, path);
    }
    const extents = entry.extents ?? [{ at: 0, offset, length: size }];
    const last = extents.at(-1);
    this.#wanted.push({ path, bytes: new Uint8Array(size), extents, end: last ? last.offset + last.length : offset });
  }

  /** Copies what of wanted files is in a chunk that begins at `start`. */
  #gather(chunk: Uint8Array, start: number): void {
    if (this.#wanted.length === 0) return;
    const end = start + chunk.byteLength;
    for (const { bytes, extents } of this.#wanted) {
      for (const { at, offset, length } of extents) {
        const [from, to] = [Math.max(offset, start), Math.min(offset + length, end)];
        if (from < to) bytes.set(chunk.subarray(from - start, to - start), at + from - offset);
      }
    }
    for (const { path, bytes } of this.#wanted.filter((wanted) => wanted.end <= end)) this.#search.take(path, bytes);
    this.#wanted = this.#wanted.filter((wanted) => wanted.end > end);
  }
}

function kindOf({ type }: LayerEntry): LayerEntryKind {
  return type === "file" || type === "directory" || type === "symlink" ? type : "other";
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
