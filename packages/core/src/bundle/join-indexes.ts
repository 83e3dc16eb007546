import { type Descriptor, type Digest, formatName } from "@tranship/registry";
import type { OnEvent } from "../events.ts";
import { compareText, refNameOf, shortTagOf } from "../layout/index-file.ts";
import type { LayoutIndex } from "../layout/layout-index.ts";
import type { BlobCopy } from "./archive/blob-copy.ts";

/** What one archive lists of a repository, with the number of the archive's group. */
export interface ListedImages {
  readonly group: number;
  readonly descriptors: readonly Descriptor[];
}

/** The same, read from an `index.json`. */
export interface IndexList extends ListedImages {
  readonly place: BlobCopy;
}

/**
 * One index stays as it is. Several of one group become one list ordered by `ref.name`, and by archive where that is
 * equal, without entries that say the same again: so the last archive wins a tag. Later groups follow earlier ones.
 */
export function joinIndexes(lists: readonly ListedImages[]): readonly Descriptor[] {
  const groups = [...Map.groupBy(lists, ({ group }) => group).values()].map((group) => {
    const [first = [], ...others] = group.map(({ descriptors }) => descriptors);
    return others.length === 0 ? first : sorted(distinct([first, ...others].flat()));
  });
  // the last of equal entries stays, so that it comes after what other groups say of its tag
  return groups.length === 1 ? (groups[0] ?? []) : distinct(groups.flat().reverse()).toReversed();
}

/** Without entries that say what an earlier one does. */
function distinct(descriptors: readonly Descriptor[]): readonly Descriptor[] {
  const byMeaning = new Map<string, Descriptor>();
  for (const descriptor of descriptors) {
    const key = `${descriptor.digest}\0${refNameOf(descriptor) ?? ""}\0${shortTagOf(descriptor) ?? ""}`;
    if (!byMeaning.has(key)) byMeaning.set(key, descriptor);
  }
  return [...byMeaning.values()];
}

function sorted(descriptors: readonly Descriptor[]): readonly Descriptor[] {
  return descriptors.toSorted((a, b) => compareText(refNameOf(a) ?? "", refNameOf(b) ?? ""));
}

/** Tells of tags that several images claim, with their archives, and of images without one. */
export function warnOfTags(
  path: string,
  index: LayoutIndex,
  listedIn: ReadonlyMap<Digest, { readonly archive: { readonly name: string } }>,
  onEvent: OnEvent,
): void {
  const image = (digest: Digest) => `${digest} of ${listedIn.get(digest)?.archive.name ?? "no archive"}`;
  for (const { tag, winner, losers } of index.conflicts()) {
    const reference = formatName(path, tag);
    const message = `${reference} is claimed by several images: ${image(winner)} is used, not ${losers.map(image).join(", ")}`;
    onEvent({ type: "warning.raised", code: "TAG_CONFLICT", message, reference });
  }
  for (const { digest } of index.descriptors.filter((descriptor) => shortTagOf(descriptor) === undefined)) {
    const reference = formatName(path, digest);
    const message = `${reference} has no tag to be pushed under`;
    onEvent({ type: "warning.raised", code: "TAG_ABSENT", message, reference });
  }
}
