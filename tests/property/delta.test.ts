import {
  BundleDirectory,
  type DownloadList,
  type Inventory,
  inventoryOf,
  listPlanner,
  PackagesService,
  plan,
  pull,
} from "@tranship/core";
import { isManifestMediaType, MemoryRegistry } from "@tranship/registry";
import { anImage, seedMemory } from "@tranship/registry/testing";
import fc from "fast-check";
import { expect, test } from "vitest";
import { readPlan } from "../support/mirror.ts";
import { seededRandom } from "../support/random.ts";
import { tempFolder } from "../support/temp-folder.ts";
import { buildGraph, type GraphPlan, graphPlan } from "./random-graph.ts";

/** Two packages of random content, with layers in common where the plans have them; every tag of theirs is asked for. */
function productOf(plans: readonly GraphPlan[]): { readonly source: MemoryRegistry; readonly include: string[] } {
  const source = new MemoryRegistry({ name: "source" });
  const include: string[] = [];
  for (const [at, content] of plans.entries()) {
    const name = `p${at}`;
    const indexes = content.indexes.filter(({ children }) => children.length > 0);
    const { tagged } = buildGraph({ ...content, indexes }, { areArchives: true }); // a planner looks into images
    seedMemory(source, "packages", [anImage({ tag: name })]);
    seedMemory(source, `packages/${name}`, tagged);
    include.push(...tagged.flatMap(({ tags }) => tags.map((tag) => `${name}@=${tag}`)));
  }
  return { source, include };
}

/** Some of an inventory's blobs. */
function someOf(inventory: Inventory, random: () => number): Inventory {
  const share = random();
  const repositories = inventory.repositories.map(({ path, blobs }) => ({
    path,
    blobs: blobs.filter(() => random() < share),
  }));
  return { ...inventory, repositories };
}

/** One line for each blob of each repository of each archive. */
function contentOf(list: DownloadList, parts: readonly ("blobs" | "assumed")[]): string[] {
  return list.archives
    .flatMap(({ archive, sections }) =>
      sections.flatMap(({ repositories }) =>
        repositories.flatMap((repository) =>
          parts.flatMap((part) =>
            (repository[part] ?? []).map(({ digest, size }) => `${archive} ${repository.path} ${digest} ${size}`),
          ),
        ),
      ),
    )
    .sort();
}

test("a bundle over any part of what it would hold has the rest, and names that part", async () => {
  const run = fc.record({ plans: fc.tuple(graphPlan, graphPlan), seed: fc.nat() });
  await fc.assert(
    fc.asyncProperty(run, async ({ plans, seed }) => {
      const { source, include } = productOf(plans);
      const packages = new PackagesService({ source, include });
      const full = await plan([packages]);
      const base = someOf(inventoryOf(full), seededRandom(seed));
      const folder = tempFolder();
      await using bundle = await BundleDirectory.open(folder);
      await pull([packages], { to: bundle, base });
      const delta = readPlan(folder);

      expect(delta).toEqual(await plan([packages], { base }));
      expect(contentOf(delta, ["blobs", "assumed"])).toEqual(contentOf(full, ["blobs"]));
      const held = new Set(base.repositories.flatMap(({ blobs }) => blobs.map(({ digest }) => digest)));
      const brought = delta.archives.flatMap(({ sections }) =>
        sections.flatMap(({ repositories }) => repositories.flatMap(({ blobs }) => blobs)),
      );
      expect(brought.filter(({ digest, mediaType }) => held.has(digest) && !isManifestMediaType(mediaType))).toEqual(
        [],
      );
      expect(await plan([listPlanner(delta, source)])).toEqual(delta);
      expect(await plan([listPlanner(full, source)], { base })).toEqual(delta);
    }),
    { numRuns: 15 },
  );
});
