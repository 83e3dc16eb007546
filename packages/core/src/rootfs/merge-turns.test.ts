import type { Digest } from "@tranship/registry";
import { expect, test } from "vitest";
import { dir, entryOf, file, listingOf, merge } from "../../../../tests/support/rootfs-trees.ts";
import { MergeTurns } from "./merge-turns.ts";
import { TreeMerger } from "./tree/tree-merger.ts";

const layers = [
  [dir("d"), file("d/base", 1), file("twice", 1)],
  [file("d/.wh.base"), file("d/middle", 2), file("twice", 2)],
  [file("d/.wh.middle"), file("d/top", 3), file("twice", 3)],
];
const inOrder = listingOf(merge(layers));

test.for([
  [0, 1, 2],
  [0, 2, 1],
  [1, 0, 2],
  [1, 2, 0],
  [2, 0, 1],
  [2, 1, 0],
])("layers that are read in any order are merged in theirs: %j", (order) => {
  for (const isInterleaved of [false, true]) {
    const digest: Digest = `sha256:${"0".repeat(64)}` as Digest;
    const merger = new TreeMerger({ reference: "app", layers: layers.map(() => ({ digest })) });
    const turns = new MergeTurns(merger, layers.length);
    const push = (layer: number, entries: (typeof layers)[number] = []) => turns.push(layer, entries.map(entryOf));
    if (isInterleaved) for (const layer of order) push(layer, layers[layer]?.slice(0, 1));
    for (const layer of order) {
      for (const entry of layers[layer]?.slice(isInterleaved ? 1 : 0) ?? []) push(layer, [entry]);
      turns.end(layer);
    }
    expect(listingOf(merger.finish())).toEqual(inOrder);
  }
});
