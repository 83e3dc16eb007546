import type { Blob } from "./oci/descriptor.ts";
import type { RepositoryReader } from "./repository.ts";

/** Takes bytes as they arrive. They are borrowed: valid until the call returns, or until its promise settles. */
export type Sink = (chunk: Uint8Array) => void | Promise<void>;

/**
 * The bare path of a blob's bytes: one exchange, no hash, no retry. The caller counts, hashes and asks again.
 * `sink` gets exactly the bytes from `offset` on, as far as they came; a broken exchange rejects after what came before it.
 */
export interface BlobLane {
  /** Gives `sink` the bytes of `blob` from `offset` on; resolves when the exchange has ended. */
  read(blob: Blob, offset: number, sink: Sink, signal: AbortSignal): Promise<void>;
}

/** A repository that offers its bare lane beside `fetchBlob`. */
export interface LaneProvider {
  readonly lane: BlobLane;
}

/** The lane of `repository`, or one made of its `fetchBlob`. */
export function laneOf(repository: RepositoryReader & Partial<LaneProvider>): BlobLane {
  if (repository.lane) return repository.lane;
  return {
    async read(blob, offset, sink, signal) {
      for await (const chunk of repository.fetchBlob(blob, { offset, signal })) await sink(chunk);
    },
  };
}
