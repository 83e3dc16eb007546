import type { Hash } from "node:crypto";
import { type Digest, digestAlgorithm, formatDigest, hashFor } from "../oci/digest.ts";

/** A mark is set at every multiple of this many bytes. */
const markEveryBytes = 1024 * 1024;
/** Older marks than these are forgotten: what lies between a sender and a registry's disk is less. */
const maxMarks = 64;

interface Mark {
  readonly position: number;
  readonly hash: Hash;
}

/**
 * A running hash that remembers its last 64 MiB, one state per MiB, and its start: whoever has to go back to byte N
 * reads again from the mark before it and not from the beginning.
 */
export class HashTrail {
  readonly #digest: Digest;
  readonly #marks: Mark[];
  #hash: Hash;
  #position: number;

  /** `digest` names the algorithm. */
  constructor(digest: Digest, marks: readonly Mark[] = []) {
    this.#digest = digest;
    this.#marks = [...marks];
    const last = marks.at(-1);
    this.#hash = last?.hash.copy() ?? hashFor(digest);
    this.#position = last?.position ?? 0;
  }

  /** How many bytes went in. */
  get position(): number {
    return this.#position;
  }

  update(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.byteLength; ) {
      const piece = bytes.subarray(at, at + markEveryBytes - (this.#position % markEveryBytes));
      this.#hash.update(piece);
      this.#position += piece.byteLength;
      at += piece.byteLength;
      if (this.#position % markEveryBytes === 0) this.#mark();
    }
  }

  /** A trail of its own that stands at the last mark not beyond `offset`. This one goes on undisturbed. */
  before(offset: number): HashTrail {
    return new HashTrail(
      this.#digest,
      this.#marks.filter(({ position }) => position <= offset),
    );
  }

  /** The digest of what went in so far. */
  digest(): Digest {
    return formatDigest(digestAlgorithm(this.#digest), this.#hash.copy());
  }

  #mark(): void {
    this.#marks.push({ position: this.#position, hash: this.#hash.copy() });
    if (this.#marks.length > maxMarks) this.#marks.shift();
  }
}
