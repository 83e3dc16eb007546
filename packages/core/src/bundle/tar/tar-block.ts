/** The unit of a tar archive, in bytes. */
export const tarBlockBytes: number = 512;

/** One parsed header block; `type` is the raw type flag (`"0"` where the block leaves it empty), `size` is in bytes. */
export interface TarBlock {
  /** As it stands in the block: of a name that an extended header gives in full, its start, maybe cut within a character. */
  readonly nameBytes: Uint8Array;
  readonly size: number;
  readonly type: string;
}

/** Why a tar archive is refused; the scan adds the archive's and the entry's name. */
export class TarFault extends Error {
  override readonly name = "TarFault";
}

/**
 * Reads one 512-byte header block of v7, ustar or GNU format; `undefined` for a zero block.
 * @throws TarFault
 * @see POSIX.1-2024 pax, "ustar Interchange Format"; GNU tar manual, "Basic Tar Format"
 */
export function parseTarBlock(block: Uint8Array): TarBlock | undefined {
  if (block[0] === 0 && block.every((byte) => byte === 0)) return undefined;
  requireChecksum(block);
  const flag = block[156] ?? 0;
  const name = field(block, 0, 100);
  // Only "ustar\0" blocks have a prefix: GNU's "ustar  " keeps times there, v7 nothing.
  const isUstar = text(block, 257, 6) === "ustar\0";
  const prefix = isUstar ? field(block, 345, 155) : new Uint8Array();
  return {
    nameBytes: prefix.byteLength === 0 ? name : Buffer.concat([prefix, Buffer.from("/"), name]),
    size: parseNumber(block.subarray(124, 136), "size"),
    type: flag === 0 ? "0" : String.fromCharCode(flag),
  };
}

/** UTF-8 text of a name. @throws TarFault */
export function decodeTarText(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new TarFault("a name is not UTF-8");
  }
}

function requireChecksum(block: Uint8Array): void {
  const stored = parseNumber(block.subarray(148, 156), "checksum");
  let unsigned = 0;
  let signed = 0; // what some historic writers summed
  for (let at = 0; at < block.byteLength; at += 1) {
    const counted = at >= 148 && at < 156 ? 0x20 : (block[at] ?? 0);
    unsigned += counted;
    signed += counted < 128 ? counted : counted - 256;
  }
  if (stored !== unsigned && stored !== signed) throw new TarFault("the header's checksum is wrong");
}

function parseNumber(bytes: Uint8Array, what: string): number {
  const first = bytes[0] ?? 0;
  if (first >= 0x80) return parseBase256(bytes, what);
  const match = /^ *([0-7]+)[\0 ]*$/.exec(text(bytes, 0, bytes.byteLength));
  const value = match?.[1] === undefined ? Number.NaN : Number.parseInt(match[1], 8);
  if (!Number.isSafeInteger(value)) throw new TarFault(`the header's ${what} is no octal number`);
  return value;
}

function parseBase256(bytes: Uint8Array, what: string): number {
  if ((bytes[0] ?? 0) >= 0xc0) throw new TarFault(`the header's ${what} is negative`);
  let value = (bytes[0] ?? 0) & 0x3f;
  for (const byte of bytes.subarray(1)) {
    value = value * 256 + byte;
    if (value > Number.MAX_SAFE_INTEGER) throw new TarFault(`the header's ${what} is too large`);
  }
  return value;
}

function field(block: Uint8Array, at: number, length: number): Uint8Array {
  const bytes = block.subarray(at, at + length);
  const end = bytes.indexOf(0);
  return end < 0 ? bytes : bytes.subarray(0, end);
}

function text(bytes: Uint8Array, at: number, length: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + at, length).toString("latin1");
}
