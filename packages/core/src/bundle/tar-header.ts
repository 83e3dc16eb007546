const blockBytes = 512;
const longNameBytes = 100;
const octalSizeLimit = 8 ** 11;

/** What follows a tar entry's data so that the next header starts on a block, in bytes. */
export function tarPadding(size: number): number {
  return (blockBytes - (size % blockBytes)) % blockBytes;
}

/** The end of every archive: two zero blocks. */
export const tarTrailerBytes: number = 2 * blockBytes;

/**
 * The header of a regular file in GNU format: mode 0777, owner 0, time 0, so it is a function of name and size alone.
 * Names over 100 bytes get a `././@LongLink` record first; sizes from 8 GiB are written in base 256.
 */
export function encodeTarHeader(name: string, size: number): Uint8Array {
  const encoded = new TextEncoder().encode(name);
  if (encoded.byteLength <= longNameBytes) return headerBlock(encoded, size, "0");
  const recordBytes = encoded.byteLength + 1; // the name ends with a zero byte
  const bytes = new Uint8Array(2 * blockBytes + recordBytes + tarPadding(recordBytes));
  bytes.set(headerBlock(new TextEncoder().encode("././@LongLink"), recordBytes, "L"), 0);
  bytes.set(encoded, blockBytes);
  bytes.set(headerBlock(encoded.subarray(0, longNameBytes), size, "0"), bytes.byteLength - blockBytes);
  return bytes;
}

function headerBlock(name: Uint8Array, size: number, type: "0" | "L"): Uint8Array {
  const block = new Uint8Array(blockBytes);
  block.set(name, 0);
  const put = (text: string, at: number) => block.set(new TextEncoder().encode(text), at);
  put("0000777\0", 100);
  put("0000000\0", 108);
  put("0000000\0", 116);
  if (size < octalSizeLimit) put(`${size.toString(8).padStart(11, "0")}\0`, 124);
  else putBase256(block, size);
  put("00000000000\0", 136);
  put("        ", 148); // the checksum counts its own field as spaces
  put(type, 156);
  put("ustar  \0", 257);
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(`${sum.toString(8).padStart(6, "0")}\0 `, 148);
  return block;
}

function putBase256(block: Uint8Array, size: number): void {
  const view = new DataView(block.buffer, block.byteOffset);
  block[124] = 0x80;
  view.setBigUint64(128, BigInt(size));
}
