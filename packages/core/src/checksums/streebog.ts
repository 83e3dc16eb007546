import { matrixHex, roundKeysHex, substitutionHex } from "./streebog-tables.ts";

const blockBytes = 64;
/** A block or key as sixteen words of 32 bits, the least significant first. */
const blockWords = blockBytes / 4;

/** Substitution and linear map in one: what byte `v` at place `j` of a 64-bit word adds to the result, at `j * 256 + v`. */
interface Tables {
  readonly low: Int32Array;
  readonly high: Int32Array;
  readonly roundKeys: readonly Int32Array[];
}

let tables: Tables | undefined;

/**
 * GOST R 34.11-2012 ("Streebog") with 256 bits, fed piece by piece. One object hashes one message.
 * @see RFC 6986
 */
export class Streebog256 {
  readonly #tables: Tables;
  readonly #hash: Int32Array = new Int32Array(blockWords).fill(0x01010101);
  readonly #bits: Int32Array = new Int32Array(blockWords);
  readonly #sum: Int32Array = new Int32Array(blockWords);
  readonly #rest: Uint8Array = new Uint8Array(blockBytes);
  readonly #block: Int32Array = new Int32Array(blockWords);
  readonly #key: Int32Array = new Int32Array(blockWords);
  readonly #state: Int32Array = new Int32Array(blockWords);
  readonly #mixed: Int32Array = new Int32Array(blockWords);
  #restBytes = 0;

  constructor() {
    tables ??= makeTables();
    this.#tables = tables;
  }

  /** Takes the next bytes of the message; borrowed until it returns. */
  update(bytes: Uint8Array): this {
    let at = 0;
    if (this.#restBytes > 0) {
      at = Math.min(bytes.byteLength, blockBytes - this.#restBytes);
      this.#rest.set(bytes.subarray(0, at), this.#restBytes);
      this.#restBytes += at;
      if (this.#restBytes < blockBytes) return this;
      this.#take(this.#rest, 0, blockBytes);
    }
    for (; at + blockBytes <= bytes.byteLength; at += blockBytes) this.#take(bytes, at, blockBytes);
    this.#rest.set(bytes.subarray(at));
    this.#restBytes = bytes.byteLength - at;
    return this;
  }

  /** Ends the message: 64 lowercase hexadecimal digits in the order in which `gost12sum` and OpenSSL print them. */
  digestHex(): string {
    const length = this.#restBytes;
    this.#rest.fill(0, length);
    this.#rest[length] = 1;
    this.#take(this.#rest, 0, length);
    const zero = new Int32Array(blockWords);
    this.#compress(zero, this.#bits);
    this.#compress(zero, this.#sum);
    return hexOf(this.#hash.subarray(blockWords / 2));
  }

  /** Compresses the block at `at`, of which `length` bytes are the message's. */
  #take(bytes: Uint8Array, at: number, length: number): void {
    const block = this.#block;
    for (let word = 0; word < blockWords; word += 1) {
      const from = at + word * 4;
      block[word] =
        (bytes[from] ?? 0) |
        ((bytes[from + 1] ?? 0) << 8) |
        ((bytes[from + 2] ?? 0) << 16) |
        ((bytes[from + 3] ?? 0) << 24);
    }
    this.#compress(this.#bits, block);
    addTo(this.#bits, [length * 8]);
    addTo(this.#sum, block);
  }

  /** The compression function: the block through twelve rounds under keys that the hash so far makes. */
  #compress(bits: Int32Array, block: Int32Array): void {
    const hash = this.#hash;
    const key = this.#key;
    const state = this.#state;
    const mixed = this.#mixed;
    const { roundKeys } = this.#tables;
    xor(mixed, hash, bits);
    mix(this.#tables, mixed, key);
    state.set(block);
    for (const roundKey of roundKeys) {
      xor(mixed, state, key);
      mix(this.#tables, mixed, state);
      xor(mixed, key, roundKey);
      mix(this.#tables, mixed, key);
    }
    for (let word = 0; word < blockWords; word += 1) {
      hash[word] = at(hash, word) ^ at(state, word) ^ at(key, word) ^ at(block, word);
    }
  }
}

/** Substitution, permutation and linear map: byte `i` of every 64-bit word goes into word `i` of the result. */
function mix({ low, high }: Tables, from: Int32Array, into: Int32Array): void {
  for (let half = 0; half < 2; half += 1) {
    const a = at(from, half + 0);
    const b = at(from, half + 2);
    const c = at(from, half + 4);
    const d = at(from, half + 6);
    const e = at(from, half + 8);
    const f = at(from, half + 10);
    const g = at(from, half + 12);
    const h = at(from, half + 14);
    for (let byte = 0; byte < 4; byte += 1) {
      const shift = byte * 8;
      const aa = (a >>> shift) & 0xff;
      const bb = 256 + ((b >>> shift) & 0xff);
      const cc = 512 + ((c >>> shift) & 0xff);
      const dd = 768 + ((d >>> shift) & 0xff);
      const ee = 1024 + ((e >>> shift) & 0xff);
      const ff = 1280 + ((f >>> shift) & 0xff);
      const gg = 1536 + ((g >>> shift) & 0xff);
      const hh = 1792 + ((h >>> shift) & 0xff);
      const word = half * 8 + byte * 2;
      into[word] =
        at(low, aa) ^ at(low, bb) ^ at(low, cc) ^ at(low, dd) ^ at(low, ee) ^ at(low, ff) ^ at(low, gg) ^ at(low, hh);
      into[word + 1] =
        at(high, aa) ^
        at(high, bb) ^
        at(high, cc) ^
        at(high, dd) ^
        at(high, ee) ^
        at(high, ff) ^
        at(high, gg) ^
        at(high, hh);
    }
  }
}

function xor(into: Int32Array, a: Int32Array, b: Int32Array): void {
  for (let word = 0; word < blockWords; word += 1) into[word] = at(a, word) ^ at(b, word);
}

/** Adds a number of up to 512 bits, modulo 2^512. */
function addTo(sum: Int32Array, number: ArrayLike<number>): void {
  let carry = 0;
  for (let word = 0; word < blockWords; word += 1) {
    const total = (at(sum, word) >>> 0) + ((number[word] ?? 0) >>> 0) + carry;
    sum[word] = total | 0;
    carry = total > 0xffffffff ? 1 : 0;
  }
}

function at(words: Int32Array, index: number): number {
  return words[index] ?? 0;
}

function makeTables(): Tables {
  const substitution = Buffer.from(substitutionHex, "hex");
  const matrix = Buffer.from(matrixHex, "hex");
  const low = new Int32Array(8 * 256);
  const high = new Int32Array(8 * 256);
  for (let place = 0; place < 8; place += 1) {
    for (const [value, replaced] of substitution.entries()) {
      const entry = place * 256 + value;
      for (let bit = 0; bit < 8; bit += 1) {
        if (((replaced >> bit) & 1) === 0) continue;
        const row = (63 - (place * 8 + bit)) * 8;
        high[entry] = at(high, entry) ^ matrix.readInt32BE(row);
        low[entry] = at(low, entry) ^ matrix.readInt32BE(row + 4);
      }
    }
  }
  const roundKeys = roundKeysHex.map((hex) => {
    const bytes = Buffer.from(hex, "hex").reverse();
    return Int32Array.from({ length: blockWords }, (_, word) => bytes.readInt32LE(word * 4));
  });
  return { low, high, roundKeys };
}

function hexOf(words: Int32Array): string {
  const bytes = Buffer.alloc(words.byteLength);
  for (const [index, word] of words.entries()) bytes.writeInt32LE(word, index * 4);
  return bytes.toString("hex");
}
