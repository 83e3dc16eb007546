import { Annotation, type Descriptor } from "@tranship/registry";
import { anImage } from "@tranship/registry/testing";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import {
  entryFor,
  layoutTagOf,
  untaggedEntry,
  withAllListed,
  withTagMoved,
  withTagsMovedAndAllListed,
} from "./layout-entry.ts";

const digests = Array.from({ length: 5 }, (_, at) => anImage({ seed: `${at}` }).manifest.descriptor);
const anEntry = fc
  .record({ of: fc.constantFrom(...digests), tag: fc.constantFrom("v1", "v2", "v3", "stable") })
  .map(({ of, tag }) => entryFor(of, tag));
const anyEntry = fc.oneof(anEntry, fc.constantFrom(...digests).map(untaggedEntry));

/** What an index says: which digest each tag means, and what is listed without a tag. */
function said(descriptors: readonly Descriptor[]) {
  const tags = new Map(
    descriptors.flatMap((entry) => (layoutTagOf(entry) ? [[layoutTagOf(entry), entry.digest]] : [])),
  );
  const bare = descriptors.filter((entry) => !layoutTagOf(entry)).map(({ digest }) => digest);
  return { tags: [...tags].sort(), listed: new Set(descriptors.map(({ digest }) => digest)), bare: new Set(bare) };
}

test("tags moved together leave the index as when they are moved one after another", () => {
  fc.assert(
    fc.property(
      fc.array(anyEntry, { maxLength: 8 }),
      fc.array(anEntry, { minLength: 1, maxLength: 12 }),
      (before, entries) => {
        const oneByOne = entries.reduce<readonly Descriptor[]>(
          (list, entry) => withAllListed(list, withTagMoved(list, entry)),
          before,
        );
        expect(said(withTagsMovedAndAllListed(before, entries))).toEqual(said(oneByOne));
      },
    ),
  );
});

test("tags that say so already leave the list as it is", () => {
  const entries = digests.map((descriptor, at) => entryFor(descriptor, `v${at}`));
  expect(withTagsMovedAndAllListed(entries, entries)).toBe(entries);
});

const fromElsewhere = "registry.example.com:5000/app";

test.for([
  { name: "tagged once more by a tool that keeps other annotations", refName: "next", shortTag: "v1", tag: "next" },
  { name: "with a whole reference", refName: `${fromElsewhere}:next`, shortTag: "v1", tag: "v1" },
  {
    name: "by digest",
    refName: `${fromElsewhere}@sha256:${"0".repeat(64)}`,
    shortTag: "0".repeat(64),
    tag: "0".repeat(64),
  },
  { name: "with a reference alone", refName: `${fromElsewhere}:v1`, shortTag: undefined, tag: "v1" },
  { name: "with what is no tag", refName: "../v1", shortTag: "v1", tag: "v1" },
])("an entry $name is found under the tag that was meant", ({ refName, shortTag, tag }) => {
  const annotations = {
    [Annotation.refName]: refName,
    ...(shortTag === undefined ? {} : { [Annotation.shortTag]: shortTag }),
  };
  expect(layoutTagOf({ ...anImage().manifest.descriptor, annotations })).toBe(tag);
});

test.for(["v1", undefined, `${fromElsewhere}:v1`, fromElsewhere])(
  "an entry made for a tag is found under it, wherever it came from: %s",
  (refName) => {
    expect(layoutTagOf(entryFor(anImage().manifest.descriptor, "stable", refName))).toBe("stable");
  },
);
