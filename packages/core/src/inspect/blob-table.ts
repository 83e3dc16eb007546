import type { Digest } from "@tranship/registry";
import { compareText } from "../layout/index-file.ts";
import type { BlobCount } from "../plan/blob-count.ts";
import type { InspectedBlob } from "./inspection.ts";
import type { GraphPart } from "./repository-walk.ts";

interface Row {
  readonly part: GraphPart;
  readonly repositories: Set<string>;
  images: number;
}

/** Where a blob is stored, and how often. */
export interface StoredCopies {
  readonly size: number;
  readonly archives: readonly string[];
  readonly copies: number;
}

/** Who needs which content: filled image by image, asked when all are in. */
export class BlobTable {
  readonly #rows = new Map<Digest, Row>();

  /** Counts what one image of the repository at `path` leads to, each digest once. */
  add(path: string, parts: readonly GraphPart[]): void {
    for (const part of parts) {
      const row = this.#rows.get(part.digest) ?? { part, repositories: new Set<string>(), images: 0 };
      this.#rows.set(part.digest, row);
      row.repositories.add(path);
      row.images += 1;
    }
  }

  /** Images that lead to a blob. */
  images(digest: Digest): number {
    return this.#rows.get(digest)?.images ?? 0;
  }

  /** Repositories whose images lead to a blob. */
  repositories(digest: Digest): number {
    return this.#rows.get(digest)?.repositories.size ?? 0;
  }

  /** All of them with what is stored of each, bytewise. */
  blobs(stored: ReadonlyMap<Digest, StoredCopies>): readonly InspectedBlob[] {
    return [...this.#rows.values()]
      .map(({ part: { digest, size, mediaType, role }, repositories, images }) => {
        const { archives = [], copies = 0 } = stored.get(digest) ?? {};
        return {
          digest,
          size,
          mediaType,
          role,
          images,
          repositories: [...repositories].sort(compareText),
          archives,
          copies,
        };
      })
      .sort((a, b) => compareText(a.digest, b.digest));
  }
}

/** The sum of distinct blobs. */
export function sumOfBlobs(blobs: Iterable<{ readonly digest: Digest; readonly size: number }>): BlobCount {
  const sizes = new Map<Digest, number>();
  for (const { digest, size } of blobs) sizes.set(digest, size);
  return { blobs: sizes.size, bytes: bytesOf([...sizes.values()].map((size) => ({ size }))) };
}

/** The sum of sizes. */
export function bytesOf(blobs: readonly { readonly size: number }[]): number {
  return blobs.reduce((sum, { size }) => sum + size, 0);
}
