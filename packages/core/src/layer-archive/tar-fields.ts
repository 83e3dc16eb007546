import type { ByteString } from "./byte-string.ts";
import type { Timestamp } from "./layer-entry.ts";

/** Bytes of everything in a tar archive: headers are blocks, data is padded to them. */
export const blockBytes = 512;

const [space, zeroDigit] = [0x20, 0x30];
const [checksumAt, checksumBytes] = [148, 8];

/** `size` with its padding, in bytes. */
export function paddedBytes(size: number): number {
  return Math.ceil(size / blockBytes) * blockBytes;
}

/** Whether the block at `at` holds nothing but zeros. */
export function isZeroBlock(bytes: Uint8Array, at: number): boolean {
  for (let index = at; index < at + blockBytes; index += 1) if (bytes[index] !== 0) return false;
  return true;
}

/** Whether the header at `at` says of itself what its bytes add up to; as signed ones, too, as some old programs did. */
export function isChecksumRight(bytes: Uint8Array, at: number): boolean {
  const expected = numberField(bytes, at + checksumAt, checksumBytes);
  let sum = checksumBytes * space; // the field itself counts as spaces
  for (let index = at; index < at + checksumAt; index += 1) sum += bytes[index] as number;
  for (let index = at + checksumAt + checksumBytes; index < at + blockBytes; index += 1) sum += bytes[index] as number;
  if (sum === expected) return true;
  for (let index = at; index < at + blockBytes; index += 1) {
    const isOwnField = index >= at + checksumAt && index < at + checksumAt + checksumBytes;
    if (!isOwnField && (bytes[index] as number) >= 0x80) sum -= 0x100;
  }
  return sum === expected;
}

/** The text of a field, up to its first zero byte. */
export function textField(bytes: Buffer, at: number, length: number): ByteString {
  let end = at;
  while (end < at + length && bytes[end] !== 0) end += 1;
  return bytes.toString("latin1", at, end);
}

/**
 * The number of a field: octal digits, or base 256 with a sign as GNU tar writes it. An empty field is 0; `undefined` for
 * one that is no number or none that is exact here.
 */
export function numberField(bytes: Uint8Array, at: number, length: number): number | undefined {
  if ((bytes[at] as number) >= 0x80) return base256(bytes, at, length);
  const end = at + length;
  let index = at;
  while (index < end && (bytes[index] === space || bytes[index] === 0)) index += 1;
  let value = 0;
  for (; index < end; index += 1) {
    const byte = bytes[index] as number;
    if (byte === space || byte === 0) break;
    const digit = byte - zeroDigit;
    if (digit < 0 || digit > 7) return undefined;
    value = value * 8 + digit;
  }
  return exact(value);
}

function base256(bytes: Uint8Array, at: number, length: number): number | undefined {
  const isNegative = ((bytes[at] as number) & 0x40) !== 0;
  const flip = isNegative ? 0xff : 0;
  let value = ((bytes[at] as number) ^ flip) & 0x7f;
  for (let index = at + 1; index < at + length; index += 1) {
    value = value * 256 + ((bytes[index] as number) ^ flip);
    if (value > Number.MAX_SAFE_INTEGER) return undefined;
  }
  return isNegative ? -1 - value : value;
}

function exact(value: number): number | undefined {
  return Number.isSafeInteger(value) ? value : undefined;
}

/** The earliest and the latest second that all outputs can tell: what an ext4 inode of 256 bytes holds. */
const [firstSecond, lastSecond] = [-(2 ** 31), 2 ** 34 - 2 ** 31 - 1];

/** 1970-01-01: the time of what has none that can be told. */
export const epoch: Timestamp = { seconds: 0, nanoseconds: 0 };

/** A moment; the epoch instead of one that no output could tell. */
export function timestampOf(seconds: number, nanoseconds = 0): Timestamp {
  return seconds >= firstSecond && seconds <= lastSecond ? { seconds, nanoseconds } : epoch;
}
