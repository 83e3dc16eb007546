import type { Digest } from "@tranship/registry";
import { isManifestMediaType } from "@tranship/registry";
import type { DownloadList } from "./download-list.ts";
import type { LeftOutManifest, PlannedRepository } from "./section.ts";

/** Manifests that are left out, each digest once, and their own bytes: what they lead to is not counted. */
export interface LeftOutCount {
  readonly manifests: number;
  readonly bytes: number;
}

/**
 * What the images of one repository leave out, by the digest of the image. `parts` are what the sections of one archive
 * say of that repository: what any of them brings is not left out.
 */
export function leftOutByImage(
  parts: readonly Pick<PlannedRepository, "blobs" | "leftOut">[],
): ReadonlyMap<Digest, ReadonlySet<Digest>> {
  const byImage = new Map<Digest, Set<Digest>>();
  for (const { digest, index, image = index } of leftOutIn(parts)) {
    byImage.set(image, (byImage.get(image) ?? new Set()).add(digest));
  }
  return byImage;
}

/** What these parts of one repository leave out, and none of them brings. */
export function leftOutIn(parts: readonly Pick<PlannedRepository, "blobs" | "leftOut">[]): readonly LeftOutManifest[] {
  const all = parts.flatMap(({ leftOut = [] }) => leftOut);
  if (all.length === 0) return all;
  const brought = new Set(
    parts.flatMap(({ blobs }) =>
      blobs.filter(({ mediaType }) => isManifestMediaType(mediaType)).map(({ digest }) => digest),
    ),
  );
  return all.filter(({ digest }) => !brought.has(digest));
}

/** Counts what a plan leaves out of indexes and brings nowhere in their repositories; `undefined` where there is nothing. */
export function countLeftOut({ archives }: Pick<DownloadList, "archives">): LeftOutCount | undefined {
  const repositories = archives.flatMap(({ sections }) => sections.flatMap((section) => section.repositories));
  const sizes = new Map<Digest, number>();
  for (const parts of Map.groupBy(repositories, ({ path }) => path).values()) {
    for (const { digest, size } of leftOutIn(parts)) sizes.set(digest, size);
  }
  return sizes.size === 0 ? undefined : leftOutCount(sizes);
}

/** Sums up manifests that are left out, by digest. */
export function leftOutCount(sizes: ReadonlyMap<Digest, number>): LeftOutCount {
  return { manifests: sizes.size, bytes: [...sizes.values()].reduce((sum, size) => sum + size, 0) };
}
