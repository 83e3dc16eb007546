import { crc32 } from "node:zlib";

/** The most bytes one stored block holds. */
const blockBytes = 65_535;

/** What a stored gzip of so many bytes comes to, in bytes. */
export function storedGzipSize(bytes: number): number {
  return 10 + bytes + 5 * Math.ceil(bytes / blockBytes) + 5 + 8;
}

/** A valid gzip of `pieces` that packs nothing: what cannot be made smaller, at the price of a copy. */
export function* gzipStored(pieces: Iterable<Uint8Array>): Generator<Uint8Array> {
  yield Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255);
  let sum = 0;
  let total = 0;
  let held = Buffer.alloc(0);
  const block = (data: Uint8Array) => {
    const head = Buffer.alloc(5);
    head.writeUInt16LE(data.byteLength, 1);
    head.writeUInt16LE(0xffff ^ data.byteLength, 3);
    return Buffer.concat([head, data]);
  };
  for (const piece of pieces) {
    sum = crc32(piece, sum);
    total += piece.byteLength;
    held = Buffer.concat([held, piece]);
    const blocks: Buffer[] = [];
    let at = 0;
    for (; held.byteLength - at >= blockBytes; at += blockBytes) blocks.push(block(held.subarray(at, at + blockBytes)));
    held = Buffer.from(held.subarray(at));
    if (blocks.length > 0) yield Buffer.concat(blocks);
  }
  if (held.byteLength > 0) yield block(held);
  const end = Buffer.from([1, 0, 0, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0]);
  end.writeUInt32LE(sum, 5);
  end.writeUInt32LE(total % 2 ** 32, 9);
  yield end;
}
