import type { Digest } from "@tranship/registry";
import type { BundleArchive } from "../bundle/bundle.ts";
import { blobPlaceOf, rootOf } from "../bundle/bundle-content.ts";
import { compareText } from "../layout/index-file.ts";
import type { StoredCopies } from "./blob-table.ts";
import type { InspectedArchive } from "./inspection.ts";

/** What archives hold, by their headers: each blob with its copies, and each archive with its sums. */
export interface StoredContent {
  readonly copies: ReadonlyMap<Digest, StoredCopies>;
  readonly archives: readonly InspectedArchive[];
}

/** Counts every blob of every archive; reads nothing but the entries that are at hand. */
export function storedInArchives(archives: readonly BundleArchive[]): StoredContent {
  const copies = new Map<Digest, { size: number; archives: string[]; copies: number }>();
  const held = archives.map((archive) => {
    const root = rootOf(archive);
    const blobs = archive.entries.flatMap((entry) => {
      const place = blobPlaceOf(entry, root);
      return place ? [{ ...place, size: entry.size }] : [];
    });
    for (const { digest, size } of blobs) {
      const known = copies.get(digest) ?? { size, archives: [], copies: 0 };
      copies.set(digest, known);
      known.copies += 1;
      if (known.archives.at(-1) !== archive.name) known.archives.push(archive.name);
    }
    return { archive, blobs };
  });
  return {
    copies,
    archives: held.map(({ archive: { name, bytes, files }, blobs }) => ({
      name,
      bytes,
      files,
      repositories: [...new Set(blobs.map(({ path }) => path))].sort(compareText),
      stored: countOf(blobs),
      shared: countOf(blobs.filter(({ digest }) => (copies.get(digest)?.archives.length ?? 0) > 1)),
    })),
  };
}

/** What repositories without archives hold, of all their images need: each digest once in each. */
export function storedInLayouts(
  held: Iterable<{ readonly path: string; readonly digest: Digest; readonly size: number }>,
): StoredContent {
  const seen = new Set<string>();
  const copies = new Map<Digest, { size: number; archives: string[]; copies: number }>();
  for (const { path, digest, size } of held) {
    const key = `${path} ${digest}`;
    if (seen.has(key)) continue;
    seen.add(key);
    const known = copies.get(digest) ?? { size, archives: [], copies: 0 };
    copies.set(digest, known);
    known.copies += 1;
  }
  return { copies, archives: [] };
}

function countOf(blobs: readonly { readonly size: number }[]): InspectedArchive["stored"] {
  return { blobs: blobs.length, bytes: blobs.reduce((sum, { size }) => sum + size, 0) };
}
