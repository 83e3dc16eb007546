import fc from "fast-check";
import { expect, test } from "vitest";
import {
  applyAtOnce,
  applyInOrder,
  isDirectory,
  linesOfNaive,
  linesOfTree,
  type NaiveTree,
} from "../../../../../tests/support/naive-layers.ts";
import { dir, type EntryText, file, hardlink, merge, symlink } from "../../../../../tests/support/rootfs-trees.ts";

const modes = fc.constantFrom(0o700, 0o711, 0o750);

function pathOf(minLength: number, maxLength: number, ...names: readonly string[]): fc.Arbitrary<string> {
  return fc.array(fc.constantFrom(...names), { minLength, maxLength }).map((found) => found.join("/"));
}

function aboveOf(path: string): readonly string[] {
  return [...path.matchAll(/\//g)].map(({ index }) => path.slice(0, index));
}

function whiteoutOf(path: string): EntryText {
  return file(path.replace(/[^/]+$/, ".wh.$&"));
}

test("whiteouts do as if all of a layer's came before its entries, wherever they stand in it", () => {
  const kind = fc.constantFrom("file", "directory", "opaque", "whiteout");
  const change = fc.record({ path: pathOf(1, 4, "a", "b"), kind, mode: modes, size: fc.nat(99), place: fc.nat(9) });
  const layers = fc.array(fc.array(change, { maxLength: 8 }), { minLength: 2, maxLength: 4 });
  const property = fc.property(layers, (changes) => {
    const model: NaiveTree = new Map();
    const archives = changes.map((layer) => {
      // In one layer a path either has something in it or is a file; where a lower layer's is a file, it begins with that.
      const holders = new Set(
        layer.flatMap(({ path, kind }) => [...aboveOf(path), ...(/^[do]/.test(kind) ? [path] : [])]),
      );
      const isTurned = (path: string) => [model.get(path)].some((node) => node !== undefined && !isDirectory(node));
      const turned = [...holders].filter(isTurned).sort();
      const placed = [...layer].sort((a, b) => a.place - b.place);
      const entries = placed.flatMap(({ path, kind, mode, size }): readonly EntryText[] => {
        if (kind === "opaque") return [file(`${path}/.wh..wh..opq`)];
        if (kind === "whiteout") return [whiteoutOf(path)];
        if (kind === "directory") return [dir(path, { mode })];
        return holders.has(path) ? [] : [file(path, size)];
      });
      const archive = [...turned.map((path) => dir(path, { mode: 0o777 })), ...entries];
      applyAtOnce(model, archive);
      return archive;
    });
    expect(linesOfTree(merge(archives))).toEqual(linesOfNaive(model));
  });
  fc.assert(property, { numRuns: 500 });
});

test("layers with links are what a list of paths makes of them", () => {
  const path = pathOf(1, 4, "a", "b", "c");
  const target = fc.oneof(
    pathOf(1, 3, "a", "b", "c", ".."),
    pathOf(1, 3, "a", "b").map((path) => `/${path}`),
  );
  const link = fc
    .tuple(path, fc.oneof(target, fc.constantFrom("/", ".", "..")))
    .map(([path, target]) => symlink(path, target));
  const entry = fc.oneof(
    { weight: 4, arbitrary: fc.tuple(path, fc.nat(99)).map(([path, size]) => file(path, size)) },
    { weight: 4, arbitrary: fc.tuple(path, modes).map(([path, mode]) => dir(path, { mode })) },
    { weight: 3, arbitrary: link },
    { weight: 3, arbitrary: fc.tuple(path, path).map(([path, target]) => hardlink(path, target)) },
    { weight: 2, arbitrary: path.map(whiteoutOf) },
    { weight: 1, arbitrary: path.map((path) => file(`${path}/.wh..wh..opq`)) },
  );
  const outcome = (make: () => readonly string[]) => {
    try {
      return make();
    } catch {
      return "refused";
    }
  };
  let made = 0;
  const property = fc.property(
    fc.array(fc.array(entry, { maxLength: 6 }), { minLength: 1, maxLength: 4 }),
    (layers) => {
      const wanted = outcome(() => linesOfNaive(applyInOrder(layers)));
      if (wanted !== "refused") made++;
      expect(outcome(() => linesOfTree(merge(layers)))).toEqual(wanted);
    },
  );
  fc.assert(property, { numRuns: 1500 });
  expect(made).toBeGreaterThan(300);
});
