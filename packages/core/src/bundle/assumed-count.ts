import type { BlobCount } from "../plan/blob-count.ts";
import type { AssumedContent } from "./assumed.ts";

/** Counts blobs that are left to a base: each digest once, however many repositories need it. */
export function countAssumed(assumed: readonly AssumedContent[]): BlobCount {
  const sizes = new Map(assumed.map(({ digest, size }) => [digest, size]));
  return { blobs: sizes.size, bytes: [...sizes.values()].reduce((sum, size) => sum + size, 0) };
}
