import { Parser, type ReadEntry } from "tar";
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
 * Feeds one layer to `search`; leaves `blob` early once nothing is left to look for, if `mayLeave`. A layer that cannot be
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
      head = unpacker ? chunk : Buffer.concat([head, chunk]);
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

/** The unpacked side: bytes into the tar parser, its entries to the search. Never throws where a stream would be hit. */
class LayerScan {
  readonly #parser: Parser;
  readonly #search: FileSearch;
  readonly #limits: LayerLimits;
  #bytes = 0;
  /** Whether the archive's own end was seen: what follows means nothing. */
  isOver = false;
  fault: LayerFault | undefined;

  constructor(search: FileSearch, limits: LayerLimits) {
    this.#search = search;
    this.#limits = limits;
    this.#parser = new Parser({
      zstd: false,
      onReadEntry: (entry) => this.#visit(entry),
      onwarn: (_code, message) => this.fail(new LayerFault(`its archive is damaged: ${String(message)}`)),
    });
    this.#parser.on("ignoredEntry", (entry: ReadEntry) => this.#visitIgnored(entry));
    this.#parser.on("eof", () => {
      this.isOver = true;
    });
  }

  push(bytes: Uint8Array): void {
    if (this.fault || this.isOver || this.#search.isDone || bytes.byteLength === 0) return;
    try {
      // The parser would unpack a second time by itself, out of our bounds.
      if (this.#bytes === 0 && bytes[0] === 0x1f) throw new LayerFault("it is no tar archive");
      this.#bytes += bytes.byteLength;
      this.#limits.unpackedBytesLeft -= bytes.byteLength;
      if (this.#limits.unpackedBytesLeft < 0) throw new LayerFault("the image unpacks to more than is allowed");
      this.#parser.write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    } catch (error) {
      this.fail(error);
    }
  }

  /** Ends the archive. @throws LayerFault when it was not whole */
  end(): void {
    if (!this.fault && !this.isOver && this.#bytes > 0) {
      if (this.#bytes % 512 !== 0) this.fail(new LayerFault("its archive is cut short"));
      else this.#finishParser();
    }
    if (this.fault) throw this.fault;
  }

  fail(error: unknown): void {
    if (this.isOver) return;
    this.fault ??=
      error instanceof LayerFault
        ? error
        : new LayerFault(`it cannot be unpacked: ${textOf(error)}`, undefined, { cause: error });
  }

  #finishParser(): void {
    try {
      this.#parser.end();
    } catch (error) {
      this.fail(error);
    }
  }

  #visit(entry: ReadEntry): void {
    const path = parseLayerPath(entry.path);
    if (this.fault || path === undefined || !this.#search.visit(path, kindOf(entry))) {
      entry.resume();
      return;
    }
    if (kindOf(entry) !== "file") throw new LayerFault(`it is a ${entry.type}`, path);
    if (entry.size > this.#limits.maxFileBytes) {
      throw new LayerFault(`it is ${entry.size} bytes long, allowed are ${this.#limits.maxFileBytes}`, path);
    }
    const chunks: Uint8Array[] = [];
    entry.on("data", (chunk) => chunks.push(chunk));
    entry.on("end", () => {
      if (!this.fault) this.#search.take(path, new Uint8Array(Buffer.concat(chunks)));
    });
  }

  #visitIgnored(entry: ReadEntry): void {
    if (entry.meta) throw new LayerFault("an extended header in it is too large");
    const path = parseLayerPath(entry.path);
    if (path !== undefined && this.#search.visit(path, "other")) throw new LayerFault(`it is a ${entry.type}`, path);
  }
}

function kindOf({ type }: ReadEntry): LayerEntryKind {
  if (type === "File" || type === "OldFile" || type === "ContiguousFile") return "file";
  if (type === "Directory" || type === "GNUDumpDir") return "directory";
  return type === "SymbolicLink" ? "symlink" : "other";
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
