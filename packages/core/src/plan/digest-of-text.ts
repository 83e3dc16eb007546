import { createHash } from "node:crypto";
import { type Digest, formatDigest } from "@tranship/registry";

/** The digest of a text that comes in pieces. */
export function digestOfText(pieces: Iterable<string>): Digest {
  const hash = createHash("sha256");
  for (const piece of pieces) hash.update(piece);
  return formatDigest("sha256", hash);
}
