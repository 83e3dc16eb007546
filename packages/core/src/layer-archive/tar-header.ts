import { ArchiveFault } from "./archive-fault.ts";
import { type ByteString, textOfByteString } from "./byte-string.ts";
import type { Timestamp } from "./layer-entry.ts";
import { epoch, numberField, textField, timestampOf } from "./tar-fields.ts";

/** What a tar header's block says. */
export interface TarHeader {
  readonly name: ByteString;
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of data that follow, for types that have data. */
  readonly size: number;
  readonly mtime: Timestamp;
  readonly atime: Timestamp | undefined;
  /** The type flag; an old program's zero byte is `0`. */
  readonly type: string;
  readonly linkName: ByteString;
  readonly isGnu: boolean;
}

const [ustarMagic, gnuMagic, starTrailer] = ["ustar\0", "ustar  \0", "tar\0"];

/**
 * The header in the block at `at`, of any of the formats.
 * @throws ArchiveFault
 * @see POSIX.1-2017, pax, "ustar Interchange Format"; GNU tar manual, "Basic Tar Format"
 */
export function parseTarHeader(block: Buffer, at: number): TarHeader {
  const isGnu = block.toString("latin1", at + 257, at + 265) === gnuMagic;
  const isUstar = block.toString("latin1", at + 257, at + 263) === ustarMagic;
  const isStar = isUstar && block.toString("latin1", at + 508, at + 512) === starTrailer;
  const name = textField(block, at, 100);
  const prefix = isUstar ? textField(block, at + 345, isStar ? 131 : 155) : isGnu ? strayPrefix(block, at) : "";
  const path = prefix === "" ? name : `${prefix}/${name}`;
  const field = (what: string, start: number, length: number) => requiredNumber(block, at + start, length, what, path);
  const type = String.fromCharCode(block[at + 156] as number);
  return {
    name: path,
    mode: modeOf(field("mode", 100, 8)),
    uid: idOf(field("uid", 108, 8), "uid", path),
    gid: idOf(field("gid", 116, 8), "gid", path),
    size: sizeOf(field("size", 124, 12), path),
    mtime: timestampOf(numberField(block, at + 136, 12) ?? Number.NaN),
    atime: isGnu && prefix === "" ? extraTime(block, at + 345) : isStar ? extraTime(block, at + 476) : undefined,
    type: type === "\0" ? "0" : type,
    linkName: textField(block, at + 157, 100),
    isGnu,
  };
}

/**
 * The numbers of a device.
 * @throws ArchiveFault when no device has such
 */
export function parseDevice(
  block: Buffer,
  at: number,
  name: ByteString,
): { readonly major: number; readonly minor: number } {
  const major = requiredNumber(block, at + 329, 8, "major number", name);
  const minor = requiredNumber(block, at + 337, 8, "minor number", name);
  if (major >= 0 && major < 2 ** 12 && minor >= 0 && minor < 2 ** 20) return { major, minor }; // as Linux has them
  throw new ArchiveFault(`no device has the numbers ${major} and ${minor}`, textOfByteString(name));
}

/**
 * An owner, as 32 bits.
 * @throws ArchiveFault
 */
export function idOf(value: number, what: "uid" | "gid", name: ByteString): number {
  const id = value < 0 && value >= -(2 ** 31) ? value + 2 ** 32 : value; // -2 is `nobody` in some archives
  if (id >= 0 && id < 2 ** 32 - 1) return id; // the last one means "no change" wherever an owner is set
  throw new ArchiveFault(`its ${what} ${value} is out of range`, textOfByteString(name));
}

/**
 * A size in bytes.
 * @throws ArchiveFault
 */
export function sizeOf(value: number, name: ByteString): number {
  if (value >= 0) return value;
  throw new ArchiveFault(`its size is ${value}`, textOfByteString(name));
}

function modeOf(value: number): number {
  return ((value % 0o10000) + 0o10000) % 0o10000;
}

function requiredNumber(block: Buffer, at: number, length: number, what: string, name: ByteString): number {
  const value = numberField(block, at, length);
  if (value !== undefined) return value;
  throw new ArchiveFault(`its ${what} is no number that can be used`, textOfByteString(name));
}

/** GNU and star headers have room for more times than one. */
function extraTime(block: Buffer, at: number): Timestamp | undefined {
  const seconds = numberField(block, at, 12);
  const time = seconds === undefined || seconds === 0 ? epoch : timestampOf(seconds);
  return time === epoch ? undefined : time;
}

/** Go before 1.8 wrote ustar's prefix into GNU headers, where times belong: layers of that age are still around. */
function strayPrefix(block: Buffer, at: number): ByteString {
  if (numberField(block, at + 345, 12) !== undefined && numberField(block, at + 357, 12) !== undefined) return "";
  const prefix = textField(block, at + 345, 155);
  return /^[\x20-\x7e]*$/.test(prefix) ? prefix : "";
}
