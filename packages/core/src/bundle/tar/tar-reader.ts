import { sharedText } from "@tranship/registry";
import { MirrorError } from "../../errors.ts";
import { decodeTarText, parseTarBlock, type TarBlock, TarFault, tarBlockBytes } from "./tar-block.ts";
import {
  maxPaxBytes,
  maxTarNameBytes,
  type PaxOverrides,
  parseLongName,
  parsePax,
  parseTarName,
} from "./tar-extended.ts";

/** The bytes of an archive, wherever they lie. `size` is in bytes. */
export interface TarSource {
  /** How errors name the archive. */
  readonly name: string;
  readonly size: number;
  /** The bytes from `offset`; fewer than `length` only where the archive ends. */
  read(offset: number, length: number): Uint8Array | Promise<Uint8Array>;
  /** The file that holds the byte at `offset`, where the archive is several. */
  fileAt?(offset: number): string | undefined;
}

/** A regular file of an archive: where its data starts and how long it is, in bytes. */
export interface TarEntry {
  readonly name: string;
  readonly offset: number;
  readonly size: number;
}

/** Options of {@link readTarEntries}. */
export interface ReadTarOptions {
  readonly signal?: AbortSignal | undefined;
}

/** Headers lie close together where files are small: one read often serves several. */
const windowBytes = 16 * 1024;

const blobName = /(?:^|\/)blobs\/sha(?:256\/[0-9a-f]{64}|512\/[0-9a-f]{128})$/;

/**
 * Lists an archive's files in their order, from its headers alone. Takes v7, ustar, GNU and PAX archives; directories are
 * passed over. Whatever else departs from a whole and harmless archive is refused, so that every tool would see the same
 * files in it. Bytes after the two zero blocks that end an archive are not looked at.
 * @throws MirrorError `ARCHIVE_INVALID`
 */
export async function readTarEntries(source: TarSource, options: ReadTarOptions = {}): Promise<readonly TarEntry[]> {
  const scan = new TarScan(source);
  try {
    while (await scan.next()) options.signal?.throwIfAborted();
    return scan.finish();
  } catch (error) {
    if (!(error instanceof TarFault)) throw error;
    throw archiveInvalid(source.name, error.message, scan.entryName, { file: source.fileAt?.(scan.position) });
  }
}

/** How messages name a part of an archive: the archive, with the chunks that part lies in. */
export function placeInArchive(archive: string, chunks: readonly string[]): string {
  const names = chunks.length > 3 ? `${chunks[0]} to ${chunks.at(-1)}` : chunks.join(", ");
  return names === "" ? archive : `${archive} (${names})`;
}

/** Options of {@link archiveInvalid}. */
export interface ArchiveInvalidOptions extends ErrorOptions {
  /** The chunk that is at fault. */
  readonly file?: string | undefined;
  /** The chunks one of which is at fault, where it may be any. */
  readonly files?: readonly string[] | undefined;
}

/** The error for an archive that is damaged or was made to do harm. */
export function archiveInvalid(
  archive: string,
  reason: string,
  entry?: string,
  { file, files = file === undefined ? [] : [file], ...options }: ArchiveInvalidOptions = {},
): MirrorError<"ARCHIVE_INVALID"> {
  const place = placeInArchive(archive, files);
  const where = entry === undefined ? place : `${JSON.stringify(entry.slice(0, 300))} in ${place}`;
  const [only] = files;
  const details = {
    archive,
    ...(files.length === 1 && only !== undefined ? { file: only } : {}),
    ...(files.length > 1 ? { files } : {}),
    reason,
    ...(entry === undefined ? {} : { entry }),
  };
  return new MirrorError("ARCHIVE_INVALID", `cannot use ${where}: ${reason}`, details, options);
}

class TarScan {
  readonly #source: TarSource;
  readonly #entries: TarEntry[] = [];
  readonly #sizes = new Map<string, number>();
  #position = 0;
  #window: Uint8Array = new Uint8Array();
  #windowStart = 0;
  #overrides: PaxOverrides | undefined;
  /** Where the record being read starts, in bytes from the archive's start. */
  position = 0;
  /** The entry being read, once its name is known. */
  entryName: string | undefined;

  constructor(source: TarSource) {
    this.#source = source;
  }

  /** Reads one record; `false` after the archive's end. */
  async next(): Promise<boolean> {
    if (this.#source.size === 0) throw new TarFault("it is empty");
    this.position = this.#position;
    const block = parseTarBlock(await this.#take(tarBlockBytes));
    if (!block) {
      if (parseTarBlock(await this.#take(tarBlockBytes)))
        throw new TarFault("a lone zero block stands among its entries");
      return false;
    }
    if (block.type === "L" || block.type === "x" || block.type === "g") await this.#takeExtended(block);
    else this.#takeEntry(block);
    return true;
  }

  finish(): readonly TarEntry[] {
    if (this.#overrides) throw new TarFault("it ends after an extended header");
    if (this.#entries.length === 0) throw new TarFault("it holds no files");
    return this.#entries;
  }

  async #takeExtended({ type, size }: TarBlock): Promise<void> {
    if (size > (type === "L" ? maxTarNameBytes + 1 : maxPaxBytes))
      throw new TarFault("an extended header is too large");
    const body = await this.#take(size);
    this.#skip(paddedBytes(size) - size);
    const overrides = type === "L" ? { name: parseLongName(body) } : parsePax(body);
    if (type === "g") {
      // A name or size for every entry that follows has no honest use.
      if (overrides.name !== undefined || overrides.size !== undefined) {
        throw new TarFault("a global header sets names or sizes");
      }
      return;
    }
    if (this.#overrides) throw new TarFault("an entry has two extended headers");
    this.#overrides = overrides;
  }

  #takeEntry(block: TarBlock): void {
    const { name: longName, size = block.size } = this.#overrides ?? {};
    this.#overrides = undefined;
    const raw = longName ?? decodeTarText(block.nameBytes);
    this.entryName = raw;
    const isDirectory = block.type === "5" || (block.type === "0" && raw.endsWith("/"));
    if (isDirectory) {
      const bare = raw.replace(/\/+$/, "");
      if (!/^\.(?:\/+\.)*$/.test(bare)) parseTarName(bare); // the archive's root has no other name
      if (size !== 0) throw new TarFault("a directory has data");
    } else {
      if (block.type !== "0" && block.type !== "7")
        throw new TarFault(`entries of type ${JSON.stringify(block.type)} are not allowed`);
      this.#addFile(sharedText(parseTarName(raw)), size);
    }
    this.entryName = undefined;
  }

  #addFile(name: string, size: number): void {
    this.entryName = name;
    const before = this.#sizes.get(name);
    // A blob's name says what is in it; of anything else, readers would disagree which copy counts.
    if (before !== undefined && (before !== size || !blobName.test(name)))
      throw new TarFault("it is in the archive twice");
    this.#sizes.set(name, size);
    this.#entries.push({ name, offset: this.#position, size });
    this.#skip(paddedBytes(size));
  }

  #skip(length: number): void {
    if (length > this.#source.size - this.#position) throw truncated();
    this.#position += length;
  }

  async #take(length: number): Promise<Uint8Array> {
    const start = this.#position;
    this.#skip(length);
    if (start < this.#windowStart || start + length > this.#windowStart + this.#window.byteLength) {
      const wanted = Math.min(Math.max(length, windowBytes), this.#source.size - start);
      this.#window = await this.#source.read(start, wanted);
      this.#windowStart = start;
      if (this.#window.byteLength < length) throw truncated();
    }
    return this.#window.subarray(start - this.#windowStart, start - this.#windowStart + length);
  }
}

function truncated(): TarFault {
  return new TarFault("it is cut short");
}

function paddedBytes(size: number): number {
  return Math.ceil(size / tarBlockBytes) * tarBlockBytes;
}
