import type { Digest } from "@tranship/registry";
import { type DownloadListDiff, diffTags } from "../plan/diff-lists.ts";
import { sumOfBlobs } from "./blob-table.ts";
import type { Inspection } from "./inspection.ts";

/** What became of one bundle in another: tags per repository, and the content that comes and goes. What a base brings counts as there. */
export function diffInspections(before: Inspection, after: Inspection): DownloadListDiff {
  return {
    repositories: diffTags(tagsOf(before), tagsOf(after)),
    new: sumOfBlobs(heldWithout(after, before)),
    gone: sumOfBlobs(heldWithout(before, after)),
  };
}

function tagsOf({ repositories }: Inspection): ReadonlyMap<string, ReadonlyMap<string, Digest>> {
  return new Map(
    repositories.map(({ path, images }) => [
      path,
      new Map(images.flatMap(({ tags, digest }) => tags.map((tag) => [tag, digest] as const))),
    ]),
  );
}

/** What one stores and the other neither stores nor relies on. */
function heldWithout({ blobs }: Inspection, other: Inspection): Inspection["blobs"] {
  const lacking = new Set(other.lacking.map(({ digest }) => digest));
  const known = new Set(
    other.blobs.filter(({ digest, copies }) => copies > 0 || !lacking.has(digest)).map(({ digest }) => digest),
  );
  return blobs.filter(({ digest, copies }) => copies > 0 && !known.has(digest));
}
