import { ArchiveFault } from "./archive-fault.ts";
import { type ByteString, textOfByteString } from "./byte-string.ts";
import type { LayerEntry } from "./layer-entry.ts";
import { type PaxHeader, parsePaxHeader } from "./pax-header.ts";
import { extentsOf, gnuSparseSize, SparseMapReader, takeGnuPoints } from "./sparse-map.ts";
import { blockBytes, isChecksumRight, isZeroBlock, paddedBytes } from "./tar-fields.ts";
import { parseDevice, parseTarHeader, type TarHeader } from "./tar-header.ts";

/** More than that of one entry's names, attributes and map is refused, in bytes. */
const maxExtendedBytes = 16 * 1024 * 1024;

const types: Readonly<Record<string, LayerEntry["type"]>> = {
  "0": "file",
  "1": "hardlink",
  "2": "symlink",
  "3": "character",
  "4": "block",
  "5": "directory",
  "6": "fifo",
  "7": "file", // contiguous, where a file system has such
  S: "file", // sparse, as GNU tar wrote it before pax
};

/** A header whose entry waits for what is behind it. */
interface Pending {
  readonly header: TarHeader;
  readonly pax: PaxHeader | undefined;
  readonly name: ByteString;
  readonly linkName: ByteString;
  /** Bytes of data that follow the header. */
  readonly dataBytes: number;
}

/** The data of an extended header, as far as it has come. */
interface Gathering {
  readonly type: string;
  readonly data: Buffer;
  bytes: number;
}

/**
 * Reads a tar archive that is pushed into it, in chunks of any size, and hands on its entries: v7, ustar, star, GNU and pax,
 * sparse files in all of GNU tar's formats. File data is passed over and never copied. Names come as they are in the
 * archive: they may be hostile still. What follows the end marker is passed over, too; the marker may be missing.
 * @see POSIX.1-2017, pax, "ustar Interchange Format", "pax Interchange Format"; GNU tar manual, "Tar Internals"
 */
export class LayerParser {
  readonly #onEntry: (entry: LayerEntry) => void;
  readonly #partial: Buffer = Buffer.alloc(blockBytes);
  #partialBytes = 0;
  /** What the next block is taken for. */
  #takeBlock: (block: Buffer, at: number) => void = this.#takeHeader;
  /** Of the unpacked layer, behind the last block taken. */
  #position = 0;
  /** To be passed over. */
  #skipBytes = 0;
  /** An extended header's data that is being gathered. */
  #gathering: Gathering | undefined;
  #extendedBytes = 0;
  #pax: PaxHeader | undefined;
  #longName: ByteString | undefined;
  #longLink: ByteString | undefined;
  /** Of the hard link just read: maybe data that follows it. */
  #linkBytes = 0;
  #zeroBlocks = 0;

  constructor(onEntry: (entry: LayerEntry) => void) {
    this.#onEntry = onEntry;
  }

  /** Whether the end marker was seen: what follows means nothing. */
  get isOver(): boolean {
    return this.#zeroBlocks === 2;
  }

  /** Takes the next bytes. @throws ArchiveFault, and what `onEntry` throws; then nothing more may be pushed */
  push(bytes: Uint8Array): void {
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = 0; at < chunk.byteLength; ) {
      if (this.isOver) return;
      at += this.#skipBytes > 0 ? this.#skip(chunk.byteLength - at) : this.#take(chunk, at);
    }
  }

  /** Says that there are no more bytes. @throws ArchiveFault when the archive is cut short */
  end(): void {
    if (this.isOver) return;
    if (this.#skipBytes > 0 || this.#gathering || this.#takeBlock !== this.#takeHeader) {
      throw new ArchiveFault("the archive is cut short within an entry's data");
    }
    if (this.#partialBytes > 0) throw new ArchiveFault("the archive is cut short within a header");
    if (this.#isExtended()) throw new ArchiveFault("the archive is cut short behind an extended header");
  }

  #skip(atHand: number): number {
    const bytes = Math.min(this.#skipBytes, atHand);
    this.#skipBytes -= bytes;
    this.#position += bytes;
    return bytes;
  }

  #take(chunk: Buffer, at: number): number {
    if (this.#gathering) return this.#gather(this.#gathering, chunk, at);
    if (this.#partialBytes === 0 && chunk.byteLength - at >= blockBytes) {
      this.#position += blockBytes;
      this.#takeBlock(chunk, at);
      return blockBytes;
    }
    const bytes = chunk.copy(this.#partial, this.#partialBytes, at); // as much as fits
    this.#partialBytes += bytes;
    if (this.#partialBytes === blockBytes) {
      this.#partialBytes = 0;
      this.#position += blockBytes;
      this.#takeBlock(this.#partial, 0);
    }
    return bytes;
  }

  #gather(gathering: Gathering, chunk: Buffer, at: number): number {
    const { type, data } = gathering;
    const bytes = chunk.copy(data, gathering.bytes, at);
    gathering.bytes += bytes;
    this.#position += bytes;
    if (gathering.bytes === data.byteLength) {
      this.#gathering = undefined;
      this.#skipBytes = paddedBytes(data.byteLength) - data.byteLength;
      this.#takeExtended(type, data);
    }
    return bytes;
  }

  #takeHeader(block: Buffer, at: number): void {
    if (isZeroBlock(block, at)) {
      if (this.#isExtended()) throw new ArchiveFault("the archive ends behind an extended header");
      this.#linkBytes = 0;
      this.#zeroBlocks += 1;
      return;
    }
    if (this.#zeroBlocks > 0) throw new ArchiveFault("the archive goes on behind a lone block of zeros");
    if (!isChecksumRight(block, at)) {
      if (this.#linkBytes === 0) throw new ArchiveFault("the archive has a header with a wrong checksum");
      this.#skipBytes = paddedBytes(this.#linkBytes) - blockBytes; // so it was the hard link's data
      this.#linkBytes = 0;
      return;
    }
    this.#linkBytes = 0;
    const header = parseTarHeader(block, at);
    if (header.type === "x" || header.type === "L" || header.type === "K") this.#startExtended(header);
    else if (header.type === "g") this.#skipBytes = paddedBytes(header.size);
    else this.#startEntry(header, block, at);
  }

  #startExtended({ type, size }: TarHeader): void {
    this.#countExtended(size);
    if (size === 0) this.#takeExtended(type, Buffer.alloc(0));
    else this.#gathering = { type, data: Buffer.alloc(size), bytes: 0 };
  }

  #takeExtended(type: string, data: Buffer): void {
    if (type === "x") {
      this.#pax = parsePaxHeader(data);
      return;
    }
    const end = data.indexOf(0);
    const text = data.toString("latin1", 0, end < 0 ? data.byteLength : end);
    if (type === "L") this.#longName = text;
    else this.#longLink = text;
  }

  #startEntry(header: TarHeader, block: Buffer, at: number): void {
    const pax = this.#pax;
    const name = this.#longName ?? pax?.sparse.name ?? pax?.path ?? header.name;
    const linkName = this.#longLink ?? pax?.linkPath ?? header.linkName;
    const dataBytes = pax?.size ?? header.size;
    this.#pax = this.#longName = this.#longLink = undefined;
    const type = header.type === "S" && !header.isGnu ? undefined : types[header.type];
    if (!type) {
      throw new ArchiveFault(`it is of an unknown type, ${shownType(header.type)}`, textOfByteString(name));
    }
    const pending: Pending = { header, pax, name, linkName, dataBytes };
    if (header.type === "S") this.#startGnuSparse(pending, block, at);
    else if (type === "file") this.#startFile(pending);
    else {
      if (type === "hardlink") this.#linkBytes = dataBytes;
      const device = type === "character" || type === "block" ? parseDevice(block, at, name) : {};
      if ((type === "symlink" || type === "hardlink") && linkName === "") {
        throw new ArchiveFault("it links to nothing", textOfByteString(name));
      }
      this.#finish(pending, { type, size: 0, ...(type === "symlink" || type === "hardlink" ? { linkName } : device) });
    }
  }

  #startFile(pending: Pending): void {
    const { pax, name, dataBytes } = pending;
    if (name.endsWith("/")) {
      // how programs before ustar wrote a directory
      this.#finish(pending, { type: "directory", size: 0 });
      this.#skipBytes = paddedBytes(dataBytes);
      return;
    }
    const { version, map, size = dataBytes } = pax?.sparse ?? {};
    if (version !== undefined && !["0.0", "0.1", "1.0"].includes(version)) {
      throw new ArchiveFault(`it is sparse in an unknown way, version ${version}`, textOfByteString(name));
    }
    if (version === "1.0") this.#startMap(pending, size);
    else if (map) this.#finishSparse(pending, map, size, dataBytes);
    else {
      this.#finish(pending, { type: "file", size: dataBytes });
      this.#skipBytes = paddedBytes(dataBytes);
    }
  }

  /** The map is the first blocks of the data. */
  #startMap(pending: Pending, size: number): void {
    const reader = new SparseMapReader();
    let dataBytes = pending.dataBytes;
    this.#takeBlock = (block, at) => {
      dataBytes -= blockBytes;
      this.#countExtended(blockBytes);
      if (dataBytes < 0) {
        throw new ArchiveFault("its map of a sparse file is longer than its data", textOfByteString(pending.name));
      }
      if (reader.take(block, at)) this.#finishSparse(pending, reader.map, size, dataBytes);
    };
  }

  #startGnuSparse(pending: Pending, header: Buffer, headerAt: number): void {
    const size = gnuSparseSize(header, headerAt);
    const map: number[] = [];
    const finish = () => this.#finishSparse(pending, map, size, pending.dataBytes);
    if (!takeGnuPoints(header, headerAt, "header", map)) {
      finish();
      return;
    }
    this.#takeBlock = (block, at) => {
      this.#countExtended(blockBytes);
      if (!takeGnuPoints(block, at, "extension", map)) finish();
    };
  }

  #finishSparse(pending: Pending, map: readonly number[], size: number, dataBytes: number): void {
    const extents = extentsOf(map, pending.name, size, this.#position, dataBytes);
    this.#finish(pending, { type: "file", size, extents });
    this.#skipBytes = paddedBytes(dataBytes);
  }

  #finish({ header, pax, name }: Pending, own: Pick<LayerEntry, "type" | "size"> & Partial<LayerEntry>): void {
    this.#takeBlock = this.#takeHeader;
    this.#extendedBytes = 0;
    const atime = pax?.atime ?? header.atime;
    const xattrs = pax && pax.xattrs.size > 0 ? [...pax.xattrs] : undefined;
    this.#onEntry({
      name,
      mode: header.mode,
      uid: pax?.uid ?? header.uid,
      gid: pax?.gid ?? header.gid,
      mtime: pax?.mtime ?? header.mtime,
      offset: this.#position,
      ...(atime && { atime }),
      ...(xattrs && { xattrs }),
      ...own,
    });
  }

  #isExtended(): boolean {
    return this.#pax !== undefined || this.#longName !== undefined || this.#longLink !== undefined;
  }

  #countExtended(bytes: number): void {
    this.#extendedBytes += bytes;
    if (this.#extendedBytes <= maxExtendedBytes) return;
    throw new ArchiveFault(`an entry's names, attributes and map are more than ${maxExtendedBytes} bytes`);
  }
}

/** A type flag for people: it may be a character that steers a terminal. */
function shownType(type: string): string {
  return /^[!-~]$/.test(type) ? JSON.stringify(type) : `0x${Buffer.from(type, "latin1").toString("hex")}`;
}
