import { type Digest, type DigestAlgorithm, parseDigest } from "@tranship/registry";
import { DepsError } from "./errors.ts";

/** How many hexadecimal digits a digest has, by algorithm. */
const hexLength: Readonly<Record<DigestAlgorithm, number>> = { sha256: 64, sha512: 128 };

/** What {@link parseItemDigest} may be told. */
export interface ParseItemDigestOptions {
  /** The only algorithms that will do. @defaultValue sha256 and sha512 */
  readonly algorithms?: readonly DigestAlgorithm[] | undefined;
}

/**
 * The digest of an item, as its manifest writes it: `algorithm:hex`. The algorithm is written in lower case; hexadecimal
 * digits may be written in upper case too and come out in lower case, since digests are compared as text. Anything else
 * after the colon is refused: it could match no content.
 * @param item what the digest is of, for messages
 * @throws DepsError `DIGEST_MISSING`, `DIGEST_FORMAT`, `DIGEST_ALGORITHM`, `DIGEST_LENGTH`
 */
export function parseItemDigest(text: string, item: string, options: ParseItemDigestOptions = {}): Digest {
  const { algorithms = ["sha256", "sha512"] } = options;
  const cannot = `cannot check ${item}`;
  if (text === "") throw new DepsError("DIGEST_MISSING", `${cannot}: it has no digest`, { item });
  const digest = text.slice(0, 160);
  const colon = text.indexOf(":");
  if (colon < 0) {
    const message = `${cannot}: ${JSON.stringify(digest)} is no digest: write algorithm:hex`;
    throw new DepsError("DIGEST_FORMAT", message, { item, digest });
  }
  const algorithm = algorithms.find((one) => one === text.slice(0, colon));
  if (algorithm === undefined) {
    const given = text.slice(0, colon).slice(0, 40);
    const message = `${cannot}: its digest is ${JSON.stringify(given)}, not ${algorithms.join(" or ")}`;
    throw new DepsError("DIGEST_ALGORITHM", message, { item, algorithm: given, allowed: algorithms });
  }
  const hex = text.slice(colon + 1);
  const expected = hexLength[algorithm];
  if (hex.length !== expected) {
    const message = `${cannot}: a ${algorithm} digest has ${expected} digits, this one ${hex.length}`;
    throw new DepsError("DIGEST_LENGTH", message, { item, algorithm, expected, actual: hex.length });
  }
  if (!/^[0-9A-Fa-f]+$/.test(hex)) {
    const message = `${cannot}: its digest has other characters than hexadecimal digits`;
    throw new DepsError("DIGEST_FORMAT", message, { item, digest });
  }
  return parseDigest(`${algorithm}:${hex.toLowerCase()}`);
}

/** What follows the first colon of a digest as a manifest writes it; empty where there is none. Nothing is checked. */
export function writtenDigestHex(text: string): string {
  const colon = text.indexOf(":");
  return colon < 0 ? "" : text.slice(colon + 1);
}
