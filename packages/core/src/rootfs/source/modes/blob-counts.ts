import type { PullCounts } from "../../progress/pull-progress.ts";

/** More ids than this are no image's layers: whoever prints them is not to fill the memory. */
const maxBlobs = 4096;

interface BlobCount {
  total: number;
  current: number;
  isComplete: boolean;
}

/** How far each blob of a pull is, by the id a program or a daemon names it with. */
export class BlobCounts {
  readonly #blobs = new Map<string, BlobCount>();

  /** A blob that has been seen. */
  see(id: string): void {
    this.#blob(id);
  }

  /** Bytes of a blob that are there; never more than its size, and never fewer than before. */
  advance(id: string, current: number, total: number): void {
    const blob = this.#blob(id);
    if (blob === undefined) return;
    blob.total = Math.max(blob.total, bytes(total));
    blob.current = Math.min(Math.max(blob.current, bytes(current)), blob.total);
  }

  /** A blob that is all there. */
  complete(id: string): void {
    const blob = this.#blob(id);
    if (blob === undefined) return;
    blob.isComplete = true;
    blob.current = blob.total;
  }

  /**
   * The sums.
   * @param totalHint - the least that all bytes together are, 0 if unknown
   */
  counts(totalHint = 0): PullCounts {
    const blobs = [...this.#blobs.values()];
    const sum = (of: (blob: BlobCount) => number) => blobs.reduce((total, blob) => total + of(blob), 0);
    return {
      totalBytes: Math.max(
        totalHint,
        sum(({ total }) => total),
      ),
      downloadedBytes: sum(({ current }) => current),
      totalLayers: blobs.length,
      completedLayers: blobs.filter(({ isComplete }) => isComplete).length,
    };
  }

  #blob(id: string): BlobCount | undefined {
    const known = this.#blobs.get(id);
    if (known !== undefined || this.#blobs.size >= maxBlobs) return known;
    const blob = { total: 0, current: 0, isComplete: false };
    this.#blobs.set(id, blob);
    return blob;
  }
}

/** A count of bytes as it should be: a hostile one is 0. */
function bytes(count: number): number {
  return Number.isSafeInteger(count) && count > 0 ? count : 0;
}
