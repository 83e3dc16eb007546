import { createHash, type Hash } from "node:crypto";
import { RegistryError } from "../errors.ts";

declare const digestBrand: unique symbol;

/** The hash algorithms a digest may use (image-spec v1.1, "Digests", registered algorithms). */
export type DigestAlgorithm = "sha256" | "sha512";

/** A content digest such as `sha256:2c26…`; only {@link parseDigest} and {@link digestOf} make one. */
export type Digest = `${DigestAlgorithm}:${string}` & { readonly [digestBrand]: true };

const pattern = /^(?:sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128})$/;

/** Whether `text` is a well-formed digest of a known algorithm. */
export function isDigest(text: string): text is Digest {
  return pattern.test(text);
}

/**
 * `text` as a {@link Digest}.
 * @throws RegistryError `INVALID_REFERENCE`
 */
export function parseDigest(text: string): Digest {
  if (isDigest(text)) return text;
  throw new RegistryError("INVALID_REFERENCE", `not a digest: ${JSON.stringify(text.slice(0, 160))}`, { text });
}

/** The digest of `bytes`. `algorithm` is `sha256` unless told. */
export function digestOf(bytes: Uint8Array, algorithm: DigestAlgorithm = "sha256"): Digest {
  return formatDigest(algorithm, createHash(algorithm).update(bytes));
}

/** The algorithm half of a digest. */
export function digestAlgorithm(digest: Digest): DigestAlgorithm {
  return digest.startsWith("sha512:") ? "sha512" : "sha256";
}

/** The hexadecimal half of a digest. */
export function digestHex(digest: Digest): string {
  return digest.slice(digest.indexOf(":") + 1);
}

/** A running hash of the digest's own algorithm. */
export function hashFor(digest: Digest): Hash {
  return createHash(digestAlgorithm(digest));
}

/** Ends `hash` and gives its digest. */
export function formatDigest(algorithm: DigestAlgorithm, hash: Hash): Digest {
  return `${algorithm}:${hash.digest("hex")}` as Digest;
}
