/** A regular file or anything else of an archive, as a reader meets it that goes through the archive once, front to back. */
export interface TarRecord {
  /** As the archive spells it. */
  readonly name: string;
  /** The header's type flag. */
  readonly type: string;
  /** The magic and version of its header: eight bytes. */
  readonly magic: string;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly mtime: number;
  readonly data: Uint8Array;
}

/** What an archive is, read to its end. */
export interface TarStream {
  readonly records: readonly TarRecord[];
  /** Whether two zero blocks ended it. */
  readonly hasTrailer: boolean;
  /** Bytes behind those. */
  readonly bytesAfter: number;
}

/**
 * Reads an archive as Go's archive/tar does, from the format's description alone: GNU long names and base-256 sizes, the
 * prefix of POSIX headers, `path` and `size` of PAX. Shares no code with the product.
 * @throws Error for a header whose checksum is wrong, and an archive that is cut
 */
export function readTar(bytes: Uint8Array): TarStream {
  const records: TarRecord[] = [];
  let [longName, pax]: [string | undefined, ReadonlyMap<string, string> | undefined] = [undefined, undefined];
  for (let at = 0; at + 512 <= bytes.byteLength; ) {
    const header = Buffer.from(bytes.subarray(at, at + 512));
    at += 512;
    if (header.every((byte) => byte === 0)) {
      const hasTrailer = at + 512 <= bytes.byteLength && bytes.subarray(at, at + 512).every((byte) => byte === 0);
      return { records, hasTrailer, bytesAfter: bytes.byteLength - at - 512 };
    }
    requireChecksum(header);
    const size = Number(pax?.get("size") ?? numberAt(header, 124, 12));
    if (at + size > bytes.byteLength) throw new Error("an archive is cut");
    const data = bytes.subarray(at, at + size);
    at += Math.ceil(size / 512) * 512;
    const type = String.fromCharCode(header[156] || 0x30);
    if (type === "L") longName = textOf(Buffer.from(data));
    else if (type === "x") pax = paxOf(data);
    else if (type !== "g") {
      const magic = header.toString("latin1", 257, 265);
      const [own, prefix] = [textOf(header.subarray(0, 100)), textOf(header.subarray(345, 500))];
      const plain = magic.startsWith("ustar\0") && prefix !== "" ? `${prefix}/${own}` : own;
      const name = pax?.get("path") ?? longName ?? plain;
      const [mode, uid, gid, mtime] = [
        numberAt(header, 100, 8),
        numberAt(header, 108, 8),
        numberAt(header, 116, 8),
        numberAt(header, 136, 12),
      ];
      records.push({ name, type, magic, mode, uid, gid, mtime, data });
      [longName, pax] = [undefined, undefined];
    }
  }
  return { records, hasTrailer: false, bytesAfter: 0 };
}

function requireChecksum(header: Uint8Array): void {
  const sum = header.reduce((total, byte, at) => total + (at >= 148 && at < 156 ? 0x20 : byte), 0);
  if (numberAt(header, 148, 8) !== sum) throw new Error("a header's checksum is wrong");
}

function numberAt(header: Uint8Array, at: number, length: number): number {
  const bytes = header.subarray(at, at + length);
  if (bytes[0] === 0x80) return bytes.subarray(1).reduce((value, byte) => value * 256 + byte, 0);
  const digits = textOf(bytes).trim();
  return digits === "" ? 0 : Number.parseInt(digits, 8);
}

function textOf(bytes: Uint8Array): string {
  const end = bytes.indexOf(0);
  return Buffer.from(end < 0 ? bytes : bytes.subarray(0, end)).toString("utf8");
}

function paxOf(data: Uint8Array): ReadonlyMap<string, string> {
  const records = new Map<string, string>();
  for (let rest = Buffer.from(data); rest.byteLength > 0; ) {
    const space = rest.indexOf(0x20);
    const length = Number(rest.toString("latin1", 0, space));
    const record = rest.toString("utf8", space + 1, length - 1);
    const equals = record.indexOf("=");
    records.set(record.slice(0, equals), record.slice(equals + 1));
    rest = rest.subarray(length);
  }
  return records;
}
