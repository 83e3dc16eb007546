import { createCipheriv, createHash } from "node:crypto";

/** `size` bytes that look random and are the same for the same `seed`, on every machine. */
export function randomBytes(size: number, seed: string | number): Uint8Array {
  const key = createHash("sha256").update(String(seed)).digest();
  const cipher = createCipheriv("aes-128-ctr", key.subarray(0, 16), key.subarray(16));
  return new Uint8Array(cipher.update(new Uint8Array(size)));
}
