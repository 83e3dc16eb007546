import { ArchiveFault } from "./archive-fault.ts";
import { type ByteString, textOfByteString } from "./byte-string.ts";
import type { Timestamp } from "./layer-entry.ts";
import { epoch, timestampOf } from "./tar-fields.ts";
import { idOf, sizeOf } from "./tar-header.ts";

/** What an extended header says of the entry that follows it. What it leaves out is as in that entry's own header. */
export interface PaxHeader {
  path?: ByteString;
  linkPath?: ByteString;
  size?: number;
  uid?: number;
  gid?: number;
  mtime?: Timestamp;
  atime?: Timestamp;
  readonly xattrs: Map<ByteString, Uint8Array>;
  readonly sparse: PaxSparse;
}

/** What GNU tar says of a sparse file, in the words of its three formats. */
export interface PaxSparse {
  version?: string;
  name?: ByteString;
  size?: number;
  /** Offsets and lengths in turn. */
  map?: number[];
}

/** Longer names are none that Linux takes, in bytes. */
const maxXattrNameBytes = 255;
const [space, equals, newline] = [0x20, 0x3d, 0x0a];

/**
 * The records of an extended header's data.
 * @throws ArchiveFault
 * @see POSIX.1-2017, pax, "pax Extended Header"; GNU tar manual, "PAX Format, Versions 0.0 … 1.0"
 */
export function parsePaxHeader(data: Buffer): PaxHeader {
  const header: PaxHeader = { xattrs: new Map(), sparse: {} };
  for (let at = 0; at < data.byteLength; ) {
    const { end, key, value } = recordAt(data, at);
    takeRecord(header, key, value);
    at = end;
  }
  return header;
}

/** `30 mtime=1350244992.023960108`, the number being the record's own length, and a line end. */
function recordAt(
  data: Buffer,
  at: number,
): { readonly end: number; readonly key: ByteString; readonly value: Buffer } {
  let length = 0;
  let index = at;
  for (; index < data.byteLength && data[index] !== space; index += 1) {
    const digit = (data[index] as number) - 0x30;
    if (digit < 0 || digit > 9 || length > data.byteLength) throw new ArchiveFault("an extended header has no length");
    length = length * 10 + digit;
  }
  const end = at + length;
  const split = data.indexOf(equals, index);
  if (end > data.byteLength || split < 0 || split >= end || data[end - 1] !== newline) {
    throw new ArchiveFault("an extended header has a record that is none");
  }
  const key = data.toString("latin1", index + 1, split);
  if (key === "" || key.includes("\0")) throw new ArchiveFault("an extended header has a record without a name");
  return { end, key, value: data.subarray(split + 1, end - 1) };
}

function takeRecord(header: PaxHeader, key: ByteString, value: Buffer): void {
  const xattr = xattrName(key);
  if (xattr !== undefined) {
    takeXattr(header, xattr, key.startsWith("LIBARCHIVE.") ? Buffer.from(value.toString("latin1"), "base64") : value);
    return;
  }
  if (value.byteLength === 0) return; // takes back what a global header said: those count for nothing here
  if (key === "path") header.path = pathOf(value, key);
  else if (key === "linkpath") header.linkPath = pathOf(value, key);
  else if (key === "size") header.size = sizeOf(integerOf(value, key), "");
  else if (key === "uid") header.uid = idOf(integerOf(value, key), key, "");
  else if (key === "gid") header.gid = idOf(integerOf(value, key), key, "");
  else if (key === "mtime") header.mtime = timeOf(value, key);
  else if (key === "atime") header.atime = timeOf(value, key);
  else if (key.startsWith("GNU.sparse.")) takeSparse(header.sparse, key.slice("GNU.sparse.".length), value);
}

function takeXattr(header: PaxHeader, name: ByteString, value: Uint8Array): void {
  if (name === "" || name.length > maxXattrNameBytes || name.includes("\0")) {
    throw new ArchiveFault(
      `no extended attribute has a name such as ${JSON.stringify(textOfByteString(name).slice(0, 100))}`,
    );
  }
  header.xattrs.set(name, new Uint8Array(value)); // between threads a part of a buffer would take all of it along
}

function takeSparse(sparse: PaxSparse, key: string, value: Buffer): void {
  if (key === "major") sparse.version = `${integerOf(value, key)}.${sparse.version?.split(".")[1] ?? 0}`;
  else if (key === "minor") sparse.version = `${sparse.version?.split(".")[0] ?? 0}.${integerOf(value, key)}`;
  else if (key === "name") sparse.name = pathOf(value, key);
  else if (key === "size" || key === "realsize") sparse.size = sizeOf(integerOf(value, key), "");
  else if (key === "offset" || key === "numbytes") takePoint(sparse, key, integerOf(value, key));
  else if (key === "map")
    sparse.map = value
      .toString("latin1")
      .split(",")
      .map((text) => decimalOf(text, key));
}

/** In version 0.0 a map is pairs of records, one after another. */
function takePoint(sparse: PaxSparse, key: "offset" | "numbytes", value: number): void {
  sparse.map ??= [];
  if ((sparse.map.length % 2 === 0) !== (key === "offset")) throw new ArchiveFault("the map of a sparse file is torn");
  sparse.map.push(value);
}

function pathOf(value: Buffer, key: string): ByteString {
  if (value.includes(0)) throw new ArchiveFault(`the ${key} of an extended header has a zero byte in it`);
  return value.toString("latin1");
}

function integerOf(value: Buffer, key: string): number {
  return decimalOf(value.toString("latin1", 0, 40), key);
}

function decimalOf(text: string, key: string): number {
  const value = /^-?\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (Number.isSafeInteger(value)) return value;
  throw new ArchiveFault(`the ${key} of an extended header is no number that can be used`);
}

/** Seconds with a fraction, of which nine digits count. */
function timeOf(value: Buffer, key: string): Timestamp {
  const parts = /^(-?)(\d+)(?:\.(\d*))?$/.exec(value.toString("latin1", 0, 200));
  if (!parts) throw new ArchiveFault(`the ${key} of an extended header is no time`);
  const [, sign, whole = "", fraction = ""] = parts;
  const seconds = Number(whole);
  if (!Number.isSafeInteger(seconds)) return epoch;
  const nanoseconds = Number(fraction.slice(0, 9).padEnd(9, "0"));
  if (sign !== "-") return timestampOf(seconds, nanoseconds);
  return nanoseconds === 0 ? timestampOf(0 - seconds) : timestampOf(-1 - seconds, 1_000_000_000 - nanoseconds);
}

/** GNU tar writes `%3D` and `%25` for what would end a record's name and for its own sign, libarchive encodes as URLs do. */
function xattrName(key: ByteString): ByteString | undefined {
  if (key.startsWith("SCHILY.xattr.")) {
    return key.slice("SCHILY.xattr.".length).replaceAll("%3D", "=").replaceAll("%25", "%");
  }
  if (!key.startsWith("LIBARCHIVE.xattr.")) return undefined;
  const encoded = key.slice("LIBARCHIVE.xattr.".length);
  return encoded.replace(/%([0-9A-Fa-f]{2})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
}
