import { RegistryError } from "../errors.ts";
import type { Blob } from "../oci/descriptor.ts";
import { digestAlgorithm, formatDigest, hashFor } from "../oci/digest.ts";
import type { Operation } from "./operation.ts";

/**
 * The bytes of `source`, hashed on the way. The last chunk comes only once size and digest have matched, so that a
 * registry never gets to commit bytes that are wrong.
 * @throws RegistryError `SIZE_MISMATCH`, `DIGEST_MISMATCH`
 */
export async function* verifiedBody(
  blob: Blob,
  source: AsyncIterable<Uint8Array>,
  { reference, what }: Operation,
): AsyncGenerator<Uint8Array, undefined> {
  const hash = hashFor(blob.digest);
  let size = 0;
  let held: Uint8Array | undefined;
  const requireSize = (isRight: boolean) => {
    if (isRight) return;
    const message = `cannot ${what}: expected ${blob.size} bytes, got ${size}`;
    throw new RegistryError("SIZE_MISMATCH", message, { reference, expected: blob.size, actual: size });
  };
  for await (const chunk of source) {
    if (chunk.byteLength === 0) continue;
    size += chunk.byteLength;
    requireSize(size <= blob.size);
    hash.update(chunk);
    if (held) yield held;
    held = chunk;
  }
  requireSize(size === blob.size);
  const actual = formatDigest(digestAlgorithm(blob.digest), hash);
  if (actual !== blob.digest) {
    const details = { reference, expected: blob.digest, actual };
    throw new RegistryError("DIGEST_MISMATCH", `cannot ${what}: the bytes given hash to ${actual}`, details);
  }
  if (held) yield held;
}
