import { Annotation, type Descriptor, isTag, type Tag } from "@tranship/registry";
import { formatIndexEntry, refNameOf, shortTagOf } from "./index-file.ts";
import { retagRefName, splitRefName } from "./ref-name.ts";

/**
 * The tag of an entry. A `ref.name` that is a tag and no more is all that other tools write, who keep an entry's other
 * annotations when they tag it once more: its short tag may be that of the entry they took it from. Else the short tag, else
 * the tag in the `ref.name`.
 */
export function layoutTagOf(descriptor: Descriptor): Tag | undefined {
  const { name, tag: named } = splitRefName(refNameOf(descriptor) ?? "");
  const tag = name === "" && named !== undefined ? named : (shortTagOf(descriptor) ?? named);
  return tag !== undefined && isTag(tag) ? tag : undefined;
}

/** The entry that lists `descriptor` under `tag`; `refName` says where it came from. @defaultValue its own `ref.name`, retagged */
export function entryFor(descriptor: Descriptor, tag: Tag, refName?: string): Descriptor {
  const own = refNameOf(descriptor);
  const from = refName !== undefined && isTag(refName) ? tag : refName; // a tag by itself says nothing of where
  const name = from ?? (own === undefined ? tag : retagRefName(own, tag));
  const annotations = { ...descriptor.annotations, [Annotation.refName]: name, [Annotation.shortTag]: tag };
  return { ...descriptor, annotations };
}

/** The entry that lists `descriptor` under no tag. */
export function untaggedEntry(descriptor: Descriptor): Descriptor {
  const {
    [Annotation.refName]: _refName,
    [Annotation.shortTag]: _shortTag,
    ...annotations
  } = descriptor.annotations ?? {};
  return { ...descriptor, annotations: Object.keys(annotations).length === 0 ? undefined : annotations };
}

/** The list with `entry` in the place of whatever had its tag; the same list when it says so already. */
export function withTagMoved(descriptors: readonly Descriptor[], entry: Descriptor): readonly Descriptor[] {
  return withTagsMoved(descriptors, [entry]);
}

/** The same for one entry after another, each in the place of whatever had its tag by then; the list is gone through once. */
export function withTagsMoved(
  descriptors: readonly Descriptor[],
  entries: readonly Descriptor[],
): readonly Descriptor[] {
  const moved = new Set(entries.map(layoutTagOf));
  const after: Descriptor[] = [];
  const places = new Map<Tag | undefined, number>();
  let isChanged = false;
  for (const entry of descriptors) {
    const tag = layoutTagOf(entry);
    if (!moved.has(tag)) after.push(entry);
    else if (places.has(tag)) isChanged = true;
    else places.set(tag, after.push(entry) - 1);
  }
  for (const entry of entries) {
    const tag = layoutTagOf(entry);
    const place = places.get(tag) ?? after.length;
    const known = after[place];
    if (known && isSame(known, entry)) continue;
    after[place] = entry;
    places.set(tag, place);
    isChanged = true;
  }
  return isChanged ? after : descriptors;
}

/** {@link withTagsMoved}, with every manifest that was listed before or is one of `entries` still in the list, if without a tag. */
export function withTagsMovedAndAllListed(
  descriptors: readonly Descriptor[],
  entries: readonly Descriptor[],
): readonly Descriptor[] {
  const after = withTagsMoved(descriptors, entries);
  return after === descriptors ? descriptors : withAllListed([...descriptors, ...entries], after);
}

/** The list with `entry` at its end, where it counts, and nowhere else. */
export function withEntryLast(descriptors: readonly Descriptor[], entry: Descriptor): readonly Descriptor[] {
  return [...descriptors.filter((other) => !isSame(other, entry)), entry];
}

/** The list with every manifest of `before` still in it, if without a tag; and nothing bare beside a tagged entry of its digest. */
export function withAllListed(before: readonly Descriptor[], after: readonly Descriptor[]): readonly Descriptor[] {
  if (after === before) return before;
  const named = new Set(after.filter((entry) => !isBare(entry)).map(({ digest }) => digest));
  const kept = after.filter((entry) => !isBare(entry) || !named.has(entry.digest));
  return withBare(kept, before);
}

/** The list without a tag; what it named stays listed by its digest. */
export function withoutTag(descriptors: readonly Descriptor[], tag: Tag): readonly Descriptor[] {
  return withBare(
    descriptors.filter((entry) => layoutTagOf(entry) !== tag),
    descriptors,
  );
}

/** The list, with a bare entry for each digest of `others` that it lacks. */
function withBare(descriptors: readonly Descriptor[], others: readonly Descriptor[]): readonly Descriptor[] {
  const known = new Set(descriptors.map(({ digest }) => digest));
  const lost = new Map(others.filter(({ digest }) => !known.has(digest)).map((entry) => [entry.digest, entry]));
  return [...descriptors, ...[...lost.values()].map(untaggedEntry)];
}

function isBare(entry: Descriptor): boolean {
  return refNameOf(entry) === undefined && shortTagOf(entry) === undefined;
}

function isSame(a: Descriptor, b: Descriptor): boolean {
  return formatIndexEntry(a) === formatIndexEntry(b);
}
