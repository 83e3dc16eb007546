import type { Blob, FetchBlobOptions, RepositoryReader } from "@tranship/registry";

/** A reader that need not give its bytes away: large layers are looked through without a copy of them. */
export interface BlobLender {
  /** As `fetchBlob`, but each chunk is the reader's own again once the next is asked for. */
  lendBlob(blob: Blob, options?: FetchBlobOptions): AsyncIterable<Uint8Array>;
}

/** The bytes of a blob for somebody who keeps none of them: lent where the reader lends, else given. */
export function borrowBlob(
  reader: RepositoryReader & Partial<BlobLender>,
  blob: Blob,
  options?: FetchBlobOptions,
): AsyncIterable<Uint8Array> {
  return reader.lendBlob?.(blob, options) ?? reader.fetchBlob(blob, options);
}
