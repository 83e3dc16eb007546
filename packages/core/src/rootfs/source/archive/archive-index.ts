import { posix } from "node:path";
import { decodeTarText, parseTarBlock, type TarBlock, TarFault, tarBlockBytes } from "../../../bundle/tar/tar-block.ts";
import {
  maxPaxBytes,
  maxTarNameBytes,
  parseLongName,
  parsePax,
  parseTarName,
} from "../../../bundle/tar/tar-extended.ts";
import type { TarEntry } from "../../../bundle/tar/tar-reader.ts";

/** Reads an archive: the bytes from `offset`, fewer than `length` only where it ends. */
export type ReadArchive = (offset: number, length: number) => Promise<Uint8Array>;

/** The names in an archive, with what they stand for in the end. */
export class ArchiveIndex {
  readonly #files: ReadonlyMap<string, TarEntry>;
  readonly #links: ReadonlyMap<string, string>;

  constructor(files: ReadonlyMap<string, TarEntry>, links: ReadonlyMap<string, string>) {
    this.#files = files;
    this.#links = links;
  }

  /** The file of a name, behind links of the archive too; `undefined` when there is none. */
  file(name: string): TarEntry | undefined {
    let at = name;
    for (let hops = 0; hops < maxLinks; hops += 1) {
      const file = this.#files.get(at);
      if (file) return file;
      const next = this.#links.get(at);
      if (next === undefined) return undefined;
      at = next;
    }
    return undefined;
  }
}

/** Links to links are followed so often. */
const maxLinks = 8;

/** More files and links than this are refused. */
const maxEntries = 200_000;

/** Headers lie close together where files are small: one read often serves several. */
const windowBytes = 16 * 1024;

/**
 * Lists what is in an archive of images, from its headers alone. Unlike a bundle's archives these have links: Docker stores
 * a layer that several images share once. A name that is there twice means what unpacking would leave under it, the last.
 * @throws TarFault also for a link that leads out of the archive
 */
export async function indexArchive(read: ReadArchive, size: number, signal?: AbortSignal): Promise<ArchiveIndex> {
  const scan = new IndexScan(read, size);
  while (await scan.next()) signal?.throwIfAborted();
  return scan.finish();
}

class IndexScan {
  readonly #read: ReadArchive;
  readonly #size: number;
  readonly #files = new Map<string, TarEntry>();
  readonly #links = new Map<string, string>();
  #position = 0;
  #window: Uint8Array = new Uint8Array();
  #windowStart = 0;
  #name: string | undefined;
  #linkName: string | undefined;
  #dataBytes: number | undefined;

  constructor(read: ReadArchive, size: number) {
    this.#read = read;
    this.#size = size;
  }

  /** Reads one record; `false` after the last: two zero blocks, or one, or none where the archive ends at once. */
  async next(): Promise<boolean> {
    if (this.#position === this.#size) return false;
    const raw = await this.#take(tarBlockBytes);
    const block = parseTarBlock(raw);
    if (!block) return false;
    if ("LKxg".includes(block.type)) await this.#takeExtended(block);
    else this.#takeEntry(block, raw);
    return true;
  }

  finish(): ArchiveIndex {
    if (this.#files.size === 0) throw new TarFault("it holds no files");
    return new ArchiveIndex(this.#files, this.#links);
  }

  async #takeExtended({ type, size }: TarBlock): Promise<void> {
    if (size > (type === "L" || type === "K" ? maxTarNameBytes + 1 : maxPaxBytes))
      throw new TarFault("an extended header is too large");
    const body = await this.#take(size);
    this.#skip(paddedBytes(size) - size);
    if (type === "L") this.#name = parseLongName(body);
    else if (type === "K") this.#linkName = parseLongName(body);
    else if (type === "x") {
      const { name, size: dataBytes, linkName } = parsePax(body);
      this.#name = name ?? this.#name;
      this.#linkName = linkName ?? this.#linkName;
      this.#dataBytes = dataBytes ?? this.#dataBytes;
    }
  }

  #takeEntry({ type, nameBytes, size: ownBytes }: TarBlock, raw: Uint8Array): void {
    const name = this.#name ?? decodeTarText(nameBytes);
    const target = this.#linkName ?? decodeTarText(linkField(raw));
    const size = this.#dataBytes ?? ownBytes;
    this.#name = this.#linkName = this.#dataBytes = undefined;
    if (type === "5" || (type === "0" && name.endsWith("/"))) return;
    if (this.#files.size + this.#links.size >= maxEntries) throw new TarFault(`it has over ${maxEntries} files`);
    const path = parseTarName(name);
    this.#files.delete(path);
    this.#links.delete(path);
    if (type === "1") this.#links.set(path, parseTarName(target));
    else if (type === "2") this.#links.set(path, linkTarget(path, target));
    else if (type === "0" || type === "7") {
      this.#files.set(path, { name: path, offset: this.#position, size });
      this.#skip(paddedBytes(size));
    } else throw new TarFault(`${JSON.stringify(path)} is of type ${JSON.stringify(type)}, which no image is made of`);
  }

  #skip(length: number): void {
    if (length > this.#size - this.#position) throw new TarFault("it is cut short");
    this.#position += length;
  }

  async #take(length: number): Promise<Uint8Array> {
    const start = this.#position;
    this.#skip(length);
    if (start < this.#windowStart || start + length > this.#windowStart + this.#window.byteLength) {
      this.#window = await this.#read(start, Math.min(Math.max(length, windowBytes), this.#size - start));
      this.#windowStart = start;
      if (this.#window.byteLength < length) throw new TarFault("it is cut short");
    }
    return this.#window.subarray(start - this.#windowStart, start - this.#windowStart + length);
  }
}

/** Where a symbolic link points to, from the archive's root. */
function linkTarget(name: string, target: string): string {
  const path = posix.join(posix.dirname(name), target);
  if (target === "" || posix.isAbsolute(target) || path === ".." || path.startsWith("../"))
    throw new TarFault(`the link ${JSON.stringify(name)} leads out of the archive`);
  return path;
}

function linkField(block: Uint8Array): Uint8Array {
  const bytes = block.subarray(157, 257);
  const end = bytes.indexOf(0);
  return end < 0 ? bytes : bytes.subarray(0, end);
}

function paddedBytes(size: number): number {
  return Math.ceil(size / tarBlockBytes) * tarBlockBytes;
}
