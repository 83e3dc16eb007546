import { createCipheriv, createHash } from "node:crypto";

const blockBytes = 16;
const pieceBytes = 1024 * 1024;

/**
 * Bytes that cannot be compressed and are the same for the same seed: a cipher's keystream. `offset` and `size`, in
 * bytes, choose a part of it; a piece is valid until the next is asked for.
 */
export function* keystream(seed: string, size: number, offset = 0): Generator<Uint8Array> {
  const counter = Buffer.alloc(blockBytes);
  counter.writeBigUInt64BE(BigInt(Math.floor(offset / blockBytes)), 8);
  const cipher = createCipheriv("aes-128-ctr", createHash("sha256").update(seed).digest().subarray(0, 16), counter);
  cipher.update(Buffer.alloc(offset % blockBytes));
  const zeros = Buffer.alloc(pieceBytes);
  for (let left = size - offset; left > 0; left -= pieceBytes) {
    yield cipher.update(left < pieceBytes ? zeros.subarray(0, left) : zeros);
  }
}
