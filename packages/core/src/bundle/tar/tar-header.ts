const blockBytes = 512;
const longNameBytes = 100;
const octalSizeLimit = 8 ** 11;

/** What follows a tar entry's data so that the next header starts on a block, in bytes. */
export function tarPadding(size: number): number {
  return (blockBytes - (size % blockBytes)) % blockBytes;
}

/** The end of every archive: two zero blocks. */
export const tarTrailerBytes: number = 2 * blockBytes;

/** How long {@link encodeTarHeader} is for this name, in bytes. */
export function tarHeaderBytes(name: string): number {
  const nameBytes = Buffer.byteLength(name);
  return nameBytes <= longNameBytes ? blockBytes : 2 * blockBytes + nameBytes + 1 + tarPadding(nameBytes + 1);
}

/**
 * The header of a regular file in GNU format: mode 0777, owner 0, time 0, so it is a function of name and size alone.
 * Names over 100 bytes get a `././@LongLink` record first; sizes from 8 GiB are written in base 256.
 */
export function encodeTarHeader(name: string, size: number): Uint8Array {
  const bytes = Buffer.alloc(tarHeaderBytes(name));
  if (bytes.byteLength > blockBytes) {
    const nameBytes = bytes.write(name, blockBytes);
    bytes.write("././@LongLink");
    putFields(bytes.subarray(0, blockBytes), nameBytes + 1, "L"); // the name ends with a zero byte
    bytes.copy(bytes, bytes.byteLength - blockBytes, blockBytes, blockBytes + longNameBytes);
  } else bytes.write(name);
  putFields(bytes.subarray(bytes.byteLength - blockBytes), size, "0");
  return bytes;
}

function putFields(block: Buffer, size: number, type: "0" | "L"): void {
  block.write("0000777\x000000000\x000000000\x00", 100, "latin1");
  if (size < octalSizeLimit) block.write(`${size.toString(8).padStart(11, "0")}\0`, 124, "latin1");
  else putBase256(block, size);
  block.write("00000000000\0        ", 136, "latin1"); // the checksum counts its own field as spaces
  block.write(type, 156, "latin1");
  block.write("ustar  \0", 257, "latin1");
  let sum = 0;
  for (const byte of block) sum += byte;
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
}

function putBase256(block: Buffer, size: number): void {
  block[124] = 0x80;
  block.writeBigUInt64BE(BigInt(size), 128);
}
